"""A month held against its sources: `verify_month(market, month) -> Verification`."""

from settlement.operations.verify.month import verify_day, verify_month
from settlement.operations.verify.report import Difference, Verification

__all__ = ["Difference", "Verification", "verify_day", "verify_month"]
