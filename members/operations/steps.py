"""How far a new member is with its first steps."""

from datetime import datetime

from accounts.models import Participant
from members.models import FirstSteps
from trading.models import Market


def note_step(*, market: Market, participant: Participant, step: str, at: datetime) -> None:
    """A step is done; done again, it stays as it was. `step` is one of `members.queries.STEPS`."""
    FirstSteps.objects.get_or_create(market=market, participant=participant)
    field = f"{step}_at"
    FirstSteps.objects.filter(market=market, participant=participant, **{field: None}).update(**{field: at})
