"""What people are told, how pressing it is, and by which ways it reaches them unless they choose otherwise.

Every notice stands in the inbox. By e-mail and as a message on a device it comes to those roles that have a reason to
act on it; each person may choose otherwise for each kind, except about the safety of the login, which always comes by
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
class Kind:
    """One kind of notice. `push` and `email` name the roles to which it comes that way unless they choose otherwise;
    `ttl_s` is how long it is worth being delivered, seconds. An `on_request` kind is told to nobody who has not chosen
    a way for it."""

    group: str
    level: str
    push: tuple[str, ...] = ()
    email: tuple[str, ...] = ()
    ttl_s: int = DAY_S
    on_request: bool = False

    @property
    def always(self) -> bool:
        """Whether it comes by every way, whatever somebody chose."""
        return self.group == SECURITY


_ALWAYS = Kind(SECURITY, ALARM, (SELF,), (SELF,), 3 * DAY_S)
KINDS: Mapping[str, Kind] = {
    "bill_issued": Kind(MONEY, ACTION, (OWNER,), (OWNER,), 3 * DAY_S),
    "credit_issued": Kind(MONEY, INFO, (OWNER,), (OWNER,), 3 * DAY_S),
    "statement_issued": Kind(MONEY, INFO, (), (OWNER,), 3 * DAY_S),
    "bill_replaced": Kind(MONEY, INFO, (OWNER,), (OWNER,), 3 * DAY_S),
    "reminder_due": Kind(MONEY, ACTION, (OWNER,), (), 3 * DAY_S),
    "payment_received": Kind(MONEY, INFO, (OWNER,), ()),
    "paid_out": Kind(MONEY, INFO, (OWNER,), ()),
    "refund_paid": Kind(MONEY, INFO, (OWNER,), ()),
    "payment_undone": Kind(MONEY, ACTION, (OWNER,), (OWNER,)),
    "dispute_waived": Kind(MONEY, INFO, (OWNER, TRADER), (OWNER,)),
    "dispute_kept": Kind(MONEY, INFO, (OWNER, TRADER), (OWNER,)),
    "reading_corrected": Kind(MONEY, INFO, (OWNER,), ()),
    "day_summary": Kind(ENERGY, INFO, on_request=True),
    "cap_near": Kind(ENERGY, INFO, (OWNER,), ()),
    "meter_silent": Kind(ENERGY, ACTION, (OWNER,), ()),
    "switched_off": Kind(ENERGY, INFO, (OWNER, TRADER), ()),
    "no_forecast": Kind(ENERGY, ACTION, (OWNER, TRADER), ()),
    "orders_refused": Kind(ENERGY, ACTION, (OWNER, TRADER), ()),
    "market_halted": Kind(MARKET, ALARM, (OWNER, TRADER, ADMINISTRATOR), (), HOUR_S),
    "market_resumed": Kind(MARKET, INFO, (TRADER, ADMINISTRATOR), (), HOUR_S),
    "interval_halted": Kind(MARKET, ALARM, (TRADER, ADMINISTRATOR), (), HOUR_S),
    "interval_resumed": Kind(MARKET, INFO, (TRADER, ADMINISTRATOR), (), HOUR_S),
    "rules_changed": Kind(RULES, INFO, (OWNER,), (OWNER,), 3 * DAY_S),
    "proposal_waits": Kind(HOUSE, ACTION, (ADMINISTRATOR,), ()),
    "close_waits": Kind(HOUSE, ACTION, (ADMINISTRATOR,), (ADMINISTRATOR,)),
    "site_meter_silent": Kind(HOUSE, ACTION, (), ()),
    "invitation_accepted": Kind(HOUSE, INFO, (SELF,), ()),
    "new_device": _ALWAYS,
    "password_changed": _ALWAYS,
    "app_added": _ALWAYS,
    "app_removed": _ALWAYS,
    "codes_made": _ALWAYS,
    "code_used": _ALWAYS,
    "passkey_added": _ALWAYS,
    "passkey_removed": _ALWAYS,
    "email_changed": _ALWAYS,
    "device_added": _ALWAYS,
}
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


def ways_of(kind: str, role: str, chosen: Ways | None) -> Ways:
    """By which ways a notice of this kind comes to somebody in this role who chose so, or nothing.

    >>> ways_of("bill_issued", "viewer", None)
    Ways(email=False, push=False)
    >>> ways_of("password_changed", "self", Ways(False, False))
    Ways(email=True, push=True)
    """
    known = KINDS[kind]
    if known.always:
        return Ways(True, True)
    return chosen or Ways(role in known.email, role in known.push)


def usual_ways(kind: str, roles: set[str]) -> Ways:
    """By which ways a notice of this kind usually comes to somebody with these roles."""
    each = [ways_of(kind, role, None) for role in roles]
    return Ways(any(ways.email for ways in each), any(ways.push for ways in each))


def is_told(kind: str, ways: Ways) -> bool:
    """Whether somebody is told at all; what is told on request needs a way."""
    return not KINDS[kind].on_request or ways.email or ways.push


def choices_of(roles: set[str]) -> list[str]:
    """The kinds that somebody with these roles can choose ways for, in the order of the groups."""
    names = [name for name, kind in KINDS.items() if not kind.always and _may_come(name, kind, roles)]
    return sorted(names, key=lambda name: GROUPS.index(KINDS[name].group))


def _may_come(name: str, kind: Kind, roles: set[str]) -> bool:
    if name == "invitation_accepted":
        return bool(roles & {OWNER, ADMINISTRATOR})
    if kind.group == HOUSE:
        return ADMINISTRATOR in roles
    return bool(roles & set(SEATS)) or (kind.group == MARKET and ADMINISTRATOR in roles)


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
