"""Who owes whom: settlement runs, the double-entry ledger, the month's documents, payments."""

from settlement.models.billing import (
    CloseDay,
    CloseReading,
    Invoice,
    InvoiceLine,
    InvoiceSeries,
    Issuer,
    MonthClose,
    MonthFigure,
    RegisterReading,
)
from settlement.models.certificates import (
    Certificate,
    CertificateBook,
    CertificateEvent,
    CertificateSeries,
    CertifiedContract,
    GreenSurplus,
)
from settlement.models.disputes import Dispute
from settlement.models.laws import APPEND_ONLY
from settlement.models.ledger import LedgerAccount, LedgerEntry, LedgerTransaction
from settlement.models.money import Allocation, BankFile, BankLine, Payment, Reminder
from settlement.models.readings import ReadingDecision
from settlement.models.runs import Compensation, ParticipantResult, SettlementAlarm, SettlementRun, TradeResult

__all__ = [
    "APPEND_ONLY",
    "Allocation",
    "BankFile",
    "BankLine",
    "Certificate",
    "CertificateBook",
    "CertificateEvent",
    "CertificateSeries",
    "CertifiedContract",
    "CloseDay",
    "CloseReading",
    "Compensation",
    "Dispute",
    "GreenSurplus",
    "Invoice",
    "InvoiceLine",
    "InvoiceSeries",
    "Issuer",
    "LedgerAccount",
    "LedgerEntry",
    "LedgerTransaction",
    "MonthClose",
    "MonthFigure",
    "ParticipantResult",
    "Payment",
    "ReadingDecision",
    "RegisterReading",
    "Reminder",
    "SettlementAlarm",
    "SettlementRun",
    "TradeResult",
]
