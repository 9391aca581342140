"""Rulebooks made out of rulebooks, to ask what would be: windows that are law but not billed, a rulebook that begins
later taken as if it had begun already; and which tariff of another rulebook a customer would be on.

**Which tariff.** The one of the same code. Else the one of the same class of customer and the same voltage, pilots left
aside, where there is exactly one. Anything else is a mistake that names the tariffs to choose from: a guess would be
wrong by the price of a voltage.

Example: a scene's tariff of the class production at 22_110kv is `vn-production-22kv` of the shipped rulebook; one of
the class administrative at lt_6kv could be a school's or street lighting, so it is refused until its code is given.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date
from typing import Any, TypeVar

from tariffs.domain.fields import Mistake, RulebookRejected
from tariffs.domain.rulebook import Dated, Rulebook, TariffHead

Row = TypeVar("Row", bound=Any)
# The pilot has no tariffs for connections that the decisions on prices take together; theirs is that of the lower one.
_PILOT_VOLTAGE = {"ge_22kv": "22_110kv", "ge_6kv": "6_22kv"}


def tariff_for(rulebook: Rulebook, code: str, customer_class: str, voltage: str) -> str:
    """The code of the rulebook's tariff for who is on `code`, or is such a customer. Raises RulebookRejected
    (`unmatched_tariff`, `ambiguous_tariff`)."""
    if any(head.code == code for head in rulebook.tariffs):
        return code
    alike = [head for head in rulebook.tariffs if head.customer_class == customer_class and not head.pilot]
    found = [head for head in alike if head.voltage == voltage]
    if len(found) == 1:
        return found[0].code
    raise RulebookRejected([_unmatched(rulebook, code, customer_class, found or alike)])


def _unmatched(rulebook: Rulebook, code: str, customer_class: str, near: list[TariffHead]) -> Mistake:
    if near:
        codes = ", ".join(head.code for head in near)
        told = f"‘{code}’ could be {codes} of the rulebook {rulebook.name}; say which one."
        return Mistake("ambiguous_tariff", f"tariff {code}", told)
    what = f" nor one of the class {customer_class}" if customer_class else ""
    told = f"The rulebook {rulebook.name} has no tariff of this code{what}; say which of its tariffs is meant."
    return Mistake("unmatched_tariff", f"tariff {code}", told)


def pilot_for(rulebook: Rulebook, voltage: str) -> str:
    """The code of the two-part pilot for a connection of this voltage. Raises RulebookRejected (`no_pilot`)."""
    wanted = _PILOT_VOLTAGE.get(voltage, voltage)
    powered = {prices.tariff for prices in rulebook.prices if prices.per_kw_month is not None}
    found = [h.code for h in rulebook.tariffs if h.pilot and h.voltage == wanted and h.code in powered]
    if wanted and len(found) == 1:
        return found[0]
    told = "There is no two-part pilot for the voltage of this tariff; choose another rulebook."
    raise RulebookRejected([Mistake("no_pilot", "tariffs", told)])


def billing_from(rulebook: Rulebook, code: str, on: date) -> Rulebook:
    """The rulebook as if its pending windows `code` were billed from `on`. Raises RulebookRejected
    (`no_pending_windows`)."""
    pending = {windows.code: windows for windows in rulebook.pending}
    if code not in pending:
        known = ", ".join(sorted(pending)) or "none"
        told = f"The rulebook {rulebook.name} has no windows {code} that wait to be billed; it has {known}."
        raise RulebookRejected([Mistake("no_pending_windows", "windows", told)])
    found = pending[code]
    dated = Dated(on, None, found.legal_from, found.source, found.doubt)
    billed = replace(found, dated=dated)
    others = tuple(each for each in rulebook.windows if each.code != code)
    return replace(rulebook, name=f"{rulebook.name} + {code}", windows=(*others, billed))


def pending_alone(rulebook: Rulebook, code: str, on: date) -> Rulebook:
    """Nothing but these pending windows, billed from `on`. Raises RulebookRejected (`no_pending_windows`)."""
    whole = billing_from(rulebook, code, on)
    windows = tuple(each for each in whole.windows if each.code == code)
    return Rulebook(name=code, country=rulebook.country, windows=windows)


def brought_forward(rulebook: Rulebook, first: date, last: date) -> Rulebook:
    """The rulebook for the days [first, last], with what begins only after them begun on the first: of each thing that
    it has no row for on these days, the earliest later row."""
    return replace(
        rulebook,
        windows=_forward(rulebook.windows, lambda _: "windows", first, last),
        prices=_forward(rulebook.prices, lambda row: row.tariff, first, last),
        vat=_forward(rulebook.vat, lambda row: row.category, first, last),
        surplus=_forward(rulebook.surplus, lambda _: "surplus", first, last),
        terms=_forward(rulebook.terms, lambda row: row.site, first, last),
        network_fees=_forward(
            rulebook.network_fees, lambda row: (row.site, row.seller_zone, row.buyer_zone), first, last
        ),
        assignments=_forward(rulebook.assignments, lambda row: (row.site, row.participant), first, last),
    )


def _forward(rows: tuple[Row, ...], key: Callable[[Row], Any], first: date, last: date) -> tuple[Row, ...]:
    dated = [row for row in rows if row.dated is not None]
    held = {key(row) for row in dated if _holds(row.dated, first, last)}
    later = [row for row in dated if row.dated.valid_from > last and key(row) not in held]
    earliest = {name: min(row.dated.valid_from for row in later if key(row) == name) for name in set(map(key, later))}
    return tuple(_begun(rows, key, first, earliest))


def _begun(rows: Iterable[Row], key: Callable[[Row], Any], first: date, earliest: dict[Any, date]) -> Iterable[Row]:
    for row in rows:
        if row.dated is not None and earliest.get(key(row)) == row.dated.valid_from:
            yield replace(row, dated=replace(row.dated, valid_from=first))
        else:
            yield row


def _holds(dated: Dated, first: date, last: date) -> bool:
    return dated.valid_from <= last and (dated.valid_to is None or dated.valid_to > first)
