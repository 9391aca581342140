"""What an operation refuses, as sentences for the page, in the reader's language.

Operations say what is wrong themselves, in English, each with a stable code; `in_words` tells such a sentence in the
reader's language.
"""

from accounts.operations import AccountError
from accounts.words import in_words
from members.operations import ClaimRefused, MemberRefused
from members.operations import SheetError as MemberSheetError
from meters.operations import EquipmentRefused, ReserveRejected
from planning.peak import PeakRefused
from planning.wishes import WishRefused
from portal.desk import Refused
from settlement.documents.sheets import SheetError
from settlement.documents.texts import UnknownLanguage
from settlement.documents.xml import NoInvoiceXml
from settlement.domain.bank import BankFileError
from settlement.domain.month import MonthError
from settlement.operations.booking import PaymentError
from settlement.operations.disputes import DisputeError
from settlement.operations.errors import SettlementError
from settlement.operations.issuers import IssuerRejected
from settlement.operations.month import CloseError
from settlement.operations.readings import ReadingDecisionError
from settlement.queries.carbon import CarbonError
from settlement.queries.what_if import WhatIfError
from tariffs.domain.fields import RulebookRejected
from tariffs.operations import ChangeRefused, RulesSettled, TariffRejected, TermsRejected
from trading.operations import MarketRules
from trading.operations.admissions import AdmissionRefused
from trading.operations.stops import StopRefused

__all__ = ["MOST", "REFUSALS", "in_words", "sentences"]

REFUSALS = (
    Refused,
    AccountError,
    AdmissionRefused,
    ClaimRefused,
    EquipmentRefused,
    MarketRules,
    MemberRefused,
    MemberSheetError,
    BankFileError,
    CarbonError,
    ChangeRefused,
    CloseError,
    DisputeError,
    IssuerRejected,
    MonthError,
    NoInvoiceXml,
    PaymentError,
    PeakRefused,
    ReadingDecisionError,
    ReserveRejected,
    RulebookRejected,
    RulesSettled,
    SettlementError,
    SheetError,
    StopRefused,
    TariffRejected,
    TermsRejected,
    UnknownLanguage,
    WhatIfError,
    WishRefused,
)


def sentences(error: Exception) -> list[str]:
    """What to show for a refusal, one thing that is wrong after another, the first ones of very many."""
    problems = getattr(error, "problems", None) or getattr(error, "mistakes", None)
    if not problems:
        return [in_words(str(error))]
    return [_problem(problem) for problem in problems[:MOST]]


MOST = 12


def _problem(problem: object) -> str:
    told = str(getattr(problem, "sentence", "") or getattr(problem, "message", ""))
    where = getattr(problem, "place", "")
    return f"{in_words(where)}: {in_words(told)}" if where else in_words(told)
