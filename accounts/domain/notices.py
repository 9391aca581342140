"""What people are told, how pressing it is, and by which ways it reaches them unless they choose otherwise.

Every notice stands in the inbox. By e-mail and as a message on a device it comes to those roles that have a reason to
act on it; each person may choose otherwise for each topic, except the safety of the login, which always comes by
every way there is. Example: a new bill is mailed to the owners of a home and shown on their phones; a viewer finds it
in the inbox alone.

Roles: those of a seat, `administrator` for the people who run the house, `self` for what concerns the login alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass

INFO, ACTION, ALARM = "info", "action", "alarm"
LEVELS = (INFO, ACTION, ALARM)
MONEY, ENERGY, MARKET, RULES, HOUSE, SECURITY = "money", "energy", "market", "rules", "house", "security"
GROUPS = (MONEY, ENERGY, MARKET, RULES, HOUSE, SECURITY)
OWNER, TRADER, VIEWER, ADMINISTRATOR, SELF = "owner", "trader", "viewer", "administrator", "self"
SEATS = (OWNER, TRADER, VIEWER)
HOUR_S, DAY_S = 3_600, 86_400


@dataclass(frozen=True, slots=True)
class Topic:
    """What people choose ways for. `push` and `email` name the roles to which its notices come that way unless they
    choose otherwise. What is told `on_request` is told to nobody who has not chosen a way for it."""

    group: str
    push: tuple[str, ...] = ()
    email: tuple[str, ...] = ()
    on_request: bool = False


TOPICS: Mapping[str, Topic] = {
    "documents": Topic(MONEY, (OWNER,), (OWNER,)),
    "reminders": Topic(MONEY, (OWNER,)),
    "payments": Topic(MONEY, (OWNER,)),
    "disputes": Topic(MONEY, (OWNER, TRADER), (OWNER,)),
    "corrections": Topic(MONEY, (OWNER,)),
    "days": Topic(ENERGY, on_request=True),
    "cap": Topic(ENERGY, (OWNER,)),
    "meters": Topic(ENERGY, (OWNER,)),
    "selling": Topic(ENERGY, (OWNER, TRADER)),
    "stops": Topic(MARKET, (OWNER, TRADER, ADMINISTRATOR)),
    "rules": Topic(RULES, (OWNER,), (OWNER,)),
    "proposals": Topic(HOUSE, (ADMINISTRATOR,)),
    "closes": Topic(HOUSE, (ADMINISTRATOR,), (ADMINISTRATOR,)),
    "site_meters": Topic(HOUSE),
    "invitations": Topic(HOUSE, (SELF,)),
    "login": Topic(SECURITY, (SELF,), (SELF,)),
}


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of notice; `ttl_s` is how long it is worth being delivered, seconds."""

    topic: str
    level: str
    ttl_s: int = DAY_S

    @property
    def group(self) -> str:
        """The group of its topic."""
        return TOPICS[self.topic].group

    @property
    def always(self) -> bool:
        """Whether it comes by every way, whatever somebody chose."""
        return self.group == SECURITY


_LOGIN = Kind("login", ALARM, 3 * DAY_S)
KINDS: Mapping[str, Kind] = {
    "bill_issued": Kind("documents", ACTION, 3 * DAY_S),
    "credit_issued": Kind("documents", INFO, 3 * DAY_S),
    "statement_issued": Kind("documents", INFO, 3 * DAY_S),
    "bill_replaced": Kind("documents", INFO, 3 * DAY_S),
    "reminder_due": Kind("reminders", ACTION, 3 * DAY_S),
    "payment_received": Kind("payments", INFO),
    "paid_out": Kind("payments", INFO),
    "refund_paid": Kind("payments", INFO),
    "payment_undone": Kind("payments", ACTION),
    "dispute_waived": Kind("disputes", INFO),
    "dispute_kept": Kind("disputes", INFO),
    "reading_corrected": Kind("corrections", INFO),
    "day_summary": Kind("days", INFO),
    "cap_near": Kind("cap", INFO),
    "meter_silent": Kind("meters", ACTION),
    "claim_accepted": Kind("meters", INFO, 3 * DAY_S),
    "claim_refused": Kind("meters", ACTION, 3 * DAY_S),
    "switched_off": Kind("selling", INFO),
    "selling_begins": Kind("selling", INFO),
    "no_forecast": Kind("selling", ACTION),
    "orders_refused": Kind("selling", ACTION),
    "market_halted": Kind("stops", ALARM, HOUR_S),
    "market_resumed": Kind("stops", INFO, HOUR_S),
    "interval_halted": Kind("stops", ALARM, HOUR_S),
    "interval_resumed": Kind("stops", INFO, HOUR_S),
    "rules_changed": Kind("rules", INFO, 3 * DAY_S),
    "proposal_waits": Kind("proposals", ACTION),
    "reading_waits": Kind("proposals", ACTION),
    "claim_waits": Kind("proposals", ACTION),
    "close_waits": Kind("closes", ACTION),
    "site_meter_silent": Kind("site_meters", ACTION),
    "invitation_accepted": Kind("invitations", INFO),
    "new_device": _LOGIN,
    "password_changed": _LOGIN,
    "app_added": _LOGIN,
    "app_removed": _LOGIN,
    "codes_made": _LOGIN,
    "code_used": _LOGIN,
    "passkey_added": _LOGIN,
    "passkey_removed": _LOGIN,
    "email_changed": _LOGIN,
    "device_added": _LOGIN,
}
# What only those who run the house are told, and read no more once they do not.
FOR_ADMINISTRATORS = frozenset(
    name for name, kind in KINDS.items() if kind.topic in ("proposals", "closes", "site_meters")
)
# What the trail calls it, and what its person is told; each is about the login of whoever did it.
TOLD_OF_LOGIN: Mapping[str, str] = {
    "password.changed": "password_changed",
    "password.reset": "password_changed",
    "second_step.added": "app_added",
    "second_step.removed": "app_removed",
    "second_step.codes_made": "codes_made",
    "second_step.code_used": "code_used",
    "passkey.added": "passkey_added",
    "passkey.removed": "passkey_removed",
    "email.changed": "email_changed",
    "push_device.added": "device_added",
}


@dataclass(frozen=True, slots=True)
class Ways:
    """Whether a notice also comes by e-mail and as a message on a person's devices."""

    email: bool
    push: bool


def ways_of(topic: str, role: str, chosen: Ways | None) -> Ways:
    """By which ways a notice on this topic comes to somebody in this role who chose so, or nothing.

    >>> ways_of("documents", "viewer", None)
    Ways(email=False, push=False)
    >>> ways_of("login", "self", Ways(False, False))
    Ways(email=True, push=True)
    """
    known = TOPICS[topic]
    if known.group == SECURITY:
        return Ways(True, True)
    return chosen or Ways(role in known.email, role in known.push)


def usual_ways(topic: str, roles: set[str]) -> Ways:
    """By which ways a notice on this topic usually comes to somebody with these roles."""
    each = [ways_of(topic, role, None) for role in roles]
    return Ways(any(ways.email for ways in each), any(ways.push for ways in each))


def is_told(topic: str, ways: Ways) -> bool:
    """Whether somebody is told at all; what is told on request needs a way."""
    return not TOPICS[topic].on_request or ways.email or ways.push


def choices_of(roles: set[str]) -> list[str]:
    """The topics that somebody with these roles can choose ways for, in the order of the groups."""
    return [name for name, topic in TOPICS.items() if _may_come(name, topic, roles)]


def _may_come(name: str, topic: Topic, roles: set[str]) -> bool:
    if topic.group == SECURITY:
        return False
    if name == "invitations":
        return bool(roles & {OWNER, ADMINISTRATOR})
    if topic.group == HOUSE:
        return ADMINISTRATOR in roles
    return bool(roles & set(SEATS)) or (topic.group == MARKET and ADMINISTRATOR in roles)


MINUTES_A_DAY = 1_440


def is_quiet(minute: int, quiet_from: int | None, quiet_until: int | None) -> bool:
    """Whether a minute of the local day lies in the quiet hours [from, until), which may run over midnight.

    >>> is_quiet(23 * 60, 22 * 60, 6 * 60), is_quiet(6 * 60, 22 * 60, 6 * 60), is_quiet(600, None, None)
    (True, False, False)
    """
    if quiet_from is None or quiet_until is None or quiet_from == quiet_until:
        return False
    if quiet_from < quiet_until:
        return quiet_from <= minute < quiet_until
    return minute >= quiet_from or minute < quiet_until


def minutes_until(minute: int, quiet_until: int) -> int:
    """From a minute of the day to the next end of the quiet hours."""
    return (quiet_until - minute) % MINUTES_A_DAY or MINUTES_A_DAY


FIRST_WAIT_S, LONGEST_WAIT_S, MOST_ATTEMPTS = 30, 6 * HOUR_S, 8


def wait_after(attempts: int) -> int:
    """Seconds to wait after so many attempts that failed: 30 s, 2 min, 8 min, … at most six hours."""
    return min(LONGEST_WAIT_S, FIRST_WAIT_S * 4 ** max(0, attempts - 1))
