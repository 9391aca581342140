"""Which rulebooks a member may hold its month against, and each as a value.

| key | is |
|---|---|
| `force` | the rulebook in force |
| `shipped:NAME` | one that comes with the product, for the same country |
| `windows:NAME:CODE` | its windows that are law but not billed, as if they were billed from the month's first day |
| `pilot:NAME` | its two-part pilot, at the voltage of the member's tariff |
| `change:NUMBER` | a change that was proposed and is not decided |
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from settlement.queries.what_if import Seat, WhatIfError, country_of, rules_in_force
from tariffs.domain.rulebook import Assignment, Dated, Rulebook
from tariffs.domain.rulebook_file import parse
from tariffs.domain.variants import pending_alone, pilot_for
from tariffs.models import RuleChange
from tariffs.shipped import reference, shipped

IN_FORCE = "force"
_shipped = cache(reference)  # files of the product: the same as long as the process lives


@dataclass(frozen=True, slots=True)
class Choice:
    """A rulebook to choose: `kind` is the first word of its key, `name` what it calls itself."""

    key: str
    kind: str
    name: str


def choices(seat: Seat) -> list[Choice]:
    """Every rulebook that may be chosen for this month, the one in force first."""
    return [Choice(IN_FORCE, IN_FORCE, ""), *_shipped_choices(country_of(seat.market)), *_changes()]


def _shipped_choices(country: str) -> Iterator[Choice]:
    books = [(name, _shipped(name)) for name in shipped()]
    own = [(name, book) for name, book in books if book.country == country]
    for name, book in own:
        yield from (
            Choice(f"windows:{name}:{each.code}", "windows", each.source.partition(",")[0]) for each in book.pending
        )
        if any(head.pilot for head in book.tariffs):
            yield Choice(f"pilot:{name}", "pilot", book.name)
        yield Choice(f"shipped:{name}", "shipped", book.name)


def _changes() -> Iterator[Choice]:
    waiting = RuleChange.objects.filter(state=RuleChange.State.PROPOSED).order_by("effective_on", "pk")
    for change in waiting:
        yield Choice(f"change:{change.pk}", "change", change.note[:80] or change.get_kind_display())


def rulebook_for(seat: Seat, key: str) -> Rulebook | None:
    """The rulebook of a key; None for the one in force. Raises WhatIfError (`no_such_rulebook`), RulebookRejected."""
    if key not in {choice.key for choice in choices(seat)}:
        raise WhatIfError("no_such_rulebook", "This rulebook is not offered any more; choose another one.")
    kind, _, rest = key.partition(":")
    name, _, code = rest.partition(":")
    if kind == "windows":
        return pending_alone(_shipped(name), code, seat.month)
    if kind == "pilot":
        return _pilot(seat, _shipped(name))
    if kind == "change":
        return parse(RuleChange.objects.get(pk=int(rest)).payload)
    return _shipped(name) if kind == "shipped" else None


def _pilot(seat: Seat, book: Rulebook) -> Rulebook:
    """The pilot's tariff alone, with the windows that are billed, and the member on it from the month's first day."""
    rules = rules_in_force(seat)
    tariff = rules.tariff_on(seat.month) or next(((code, wh) for _, code, wh in rules.assigned), None)
    code = pilot_for(book, rules.customers[tariff[0]].voltage if tariff else "")
    dated = Dated(seat.month, None, None, book.name, "")
    return Rulebook(
        name=book.name,
        country=book.country,
        windows=book.windows,
        tariffs=tuple(head for head in book.tariffs if head.code == code),
        prices=tuple(prices for prices in book.prices if prices.tariff == code),
        assignments=(Assignment(rules.site, rules.participant, code, 0, dated),),
    )
