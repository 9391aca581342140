"""The bell on every page, and the latest notices of a home."""

from typing import Any

from django import template
from django.db.models import Q

from accounts.models import Participant, User
from accounts.queries import own_notices, unread_notices
from portal.notices.pages import bell_number, bell_words
from portal.notices.shown import Shown, shown

register = template.Library()

LATEST = 3


@register.simple_tag(takes_context=True)
def unread(context: dict[str, Any]) -> dict[str, Any]:
    """How many notices wait for the person who looks: `number` as it fits on the bell, and `words`."""
    user = context["request"].user
    number = unread_notices(user) if isinstance(user, User) else 0
    return {"number": bell_number(number), "words": bell_words(number)}


@register.simple_tag(takes_context=True)
def latest_notices(context: dict[str, Any], participant: Participant) -> list[Shown]:
    """The last three that the person was told about this home, or about no home at all, unread ones first."""
    user = context["request"].user
    if not isinstance(user, User):
        return []
    rows = own_notices(user).filter(Q(participant=participant) | Q(participant=None), read_at=None)
    return shown(rows[:LATEST], user)
