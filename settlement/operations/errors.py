"""Why a contract could not be settled, and the alarm that this raises."""

from datetime import datetime, timedelta

from django.db import transaction

from settlement.models import SettlementAlarm
from trading.models import Contract

FIRST_RETRY_MINUTES = 5
LAST_RETRY_MINUTES = 24 * 60


class SettlementError(RuntimeError):
    """A contract that was not settled; nothing of the attempt is left. `code` is stable."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def raise_alarm(contract_id: int, error: SettlementError, at: datetime) -> None:
    """Tell the administrator, once a contract; each further failure doubles the wait before the next attempt."""
    with transaction.atomic():
        # Its lock keeps two workers from opening two alarms.
        contract = Contract.objects.select_for_update(no_key=True).get(pk=contract_id)
        alarm = SettlementAlarm.objects.filter(contract=contract, resolved_at=None).first()
        if alarm is None:
            alarm = SettlementAlarm(market_id=contract.market_id, contract=contract, attempts=0, raised_at=at)
        alarm.attempts += 1
        alarm.code, alarm.message = error.code, str(error)
        alarm.retry_at = at + timedelta(minutes=retry_minutes(alarm.attempts))
        alarm.save()


def retry_minutes(attempts: int) -> int:
    """How long to wait after so many failures: 5, 10, 20 … minutes, a day at most."""
    return int(min(FIRST_RETRY_MINUTES * 2 ** (attempts - 1), LAST_RETRY_MINUTES))


def resolve_alarm(contract_id: int, at: datetime) -> None:
    """The contract is settled; what stood in the way is over."""
    SettlementAlarm.objects.filter(contract_id=contract_id, resolved_at=None).update(resolved_at=at)
