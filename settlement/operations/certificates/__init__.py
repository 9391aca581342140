"""Every write of certificates: issuing what is due, retiring for a report, locking what is registered outside."""

from settlement.operations.certificates.issue import IssueSummary, issue, issue_due
from settlement.operations.certificates.use import CertificateError, Used, lock, retire, retire_for_report

__all__ = [
    "CertificateError",
    "IssueSummary",
    "Used",
    "issue",
    "issue_due",
    "lock",
    "retire",
    "retire_for_report",
]
