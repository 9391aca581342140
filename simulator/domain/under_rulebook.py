"""A scene as it would be under a rulebook: its prices, windows, surplus price, fees and dead-band in place of its own.

**Who is on which tariff** stays: each tariff of the scene becomes one of the rulebook. It is the one named for it
(`--tariff production=vn-production-22kv`), else the one of the same code, else the only one of the class and voltage
that tariffs.csv gives it. Anything else is refused. A rulebook without prices leaves the scene's own tariffs, at its
hours where it has some that are billed and the tariff has three prices.

**Tiers.** Within an interval the price is that of the tier in which the last Wh of a member's month falls; its month is
its load of the scene taken to 30 days.

**Terms** and network fees are those of the site named; where the rulebook speaks of one site only, of that one. Without
terms, surplus price and cap are the country's, and all else stays the scene's.

Example: household at 2,465 all day, 90 kWh in 9 days, so 300 kWh a month: on `vn-residential` the tier from 200 kWh,
2,998 đồng.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from simulator.domain.scene import Scene
from simulator.domain.scene import TariffRow as SceneRow
from simulator.domain.scene.model import SLOT_MINUTES, MarketRules
from tariffs.domain.canonical import digest
from tariffs.domain.compose import compose
from tariffs.domain.fields import Mistake, RulebookRejected
from tariffs.domain.rulebook import TOU_PERIODS, Dated, Fee, Rulebook
from tariffs.domain.variants import tariff_for
from tariffs.domain.windows import TIER, WEEK, Window

MONTH_DAYS = 30
TOU = "tou"
_RANKED = ("offpeak", "normal", "peak")
_OF_TERMS = ("surplus_price", "surplus_cap_pct", "network_fee", "deadband_pct", "deadband_wh")


@dataclass(frozen=True, slots=True)
class UnderRulebook:
    """A scene whose tariffs and rules are a rulebook's. `tariffs`: which one each of its tariffs became; `rules_from`:
    rules that begin on a later day of the scene; `fees`: network fees by zone; `notes`: what is not in the figures."""

    scene: Scene
    name: str
    sha256: str
    tariffs: Mapping[str, str]
    rules_from: tuple[tuple[date, MarketRules], ...]
    fees: tuple[Fee, ...]
    notes: tuple[str, ...]


def under_rulebook(
    scene: Scene, rulebook: Rulebook, named: Mapping[str, str] | None = None, site: str | None = None
) -> UnderRulebook:
    """The scene under a rulebook. `named`: tariffs of the rulebook by the scene's; `site`: whose terms hold.

    Raises RulebookRejected (`unmatched_tariff`, `ambiguous_tariff`, `no_prices_then`, `which_site`, and what makes its
    prices no tariff)."""
    own = {name: _windows(scene, name) for name in dict.fromkeys(member.tariff for member in scene.participants)}
    made = compose(rulebook, dict(own), {name: _kind(rows) for name, rows in own.items()})
    became = {name: _became(scene, rulebook, made, name, named or {}) for name in own}
    whose = _site(rulebook, site)
    rules = [(on, _rules(scene.rules, rulebook, whose, on)) for on in _breaks(scene, rulebook, whose)]
    repriced = _repriced(scene, became, {**own, **made})
    return UnderRulebook(
        scene=replace(repriced, rules=rules[0][1]),
        name=rulebook.name,
        sha256=digest(rulebook),
        tariffs=became,
        rules_from=tuple(rules[1:]),
        fees=tuple(fee for fee in rulebook.network_fees if fee.site == whose and _zones_known(scene, fee)),
        notes=tuple(_notes(rulebook, became)),
    )


def _kind(rows: Sequence[Window]) -> str:
    return TOU if {row.period for row in rows} == set(TOU_PERIODS) else "flat"


def _windows(scene: Scene, name: str) -> list[Window]:
    """The scene's own rows of a tariff, their periods named by the rank of their prices where there are three."""
    rows = [row for row in scene.tariffs if row.tariff == name]
    ranked = sorted({row.price for row in rows})
    names = dict(zip(ranked, _RANKED, strict=True)) if len(ranked) == len(_RANKED) else {}
    end = scene.starts_on + timedelta(days=scene.days)
    return [
        Window(
            sum(1 << day for day in row.weekdays), row.from_slot * SLOT_MINUTES, row.to_slot * SLOT_MINUTES, row.price,
            row.valid_from or scene.starts_on, row.valid_to + timedelta(days=1) if row.valid_to else end,
            names.get(row.price, "flat"), "tariffs.csv",
        )
        for row in rows
    ]  # fmt: skip


def _became(
    scene: Scene, rulebook: Rulebook, made: Mapping[str, Sequence[Window]], name: str, named: Mapping[str, str]
) -> str:
    if not rulebook.prices:
        return name
    row = next(row for row in scene.tariffs if row.tariff == name)
    code = named.get(name) or tariff_for(rulebook, name, row.customer_class, row.voltage)
    if code not in made:
        told = f"The rulebook {rulebook.name} has no prices of {code}; name another of its tariffs for ‘{name}’."
        raise RulebookRejected([Mistake("unmatched_tariff", f"tariff {name}", told)])
    for day in range(scene.days):
        on = scene.starts_on + timedelta(days=day)
        if not any(window.is_valid(on) for window in made[code]):
            told = f"The rulebook {rulebook.name} has no prices of {code} on {on.isoformat()}, a day of the scene."
            raise RulebookRejected([Mistake("no_prices_then", f"tariff {code}", told)])
    return code


def _repriced(scene: Scene, became: Mapping[str, str], rows: Mapping[str, Sequence[Window]]) -> Scene:
    """The scene on other tariffs. A tiered one becomes one of its own for each tier that somebody reaches."""
    members, tariffs = [], dict[str, list[SceneRow]]()
    for member in scene.participants:
        windows = rows[became[member.tariff]]
        month_wh = int(scene.load_wh[scene.row_of[member.key]].sum()) * MONTH_DAYS // scene.days
        held = [window for window in windows if window.has_tier_of(month_wh)]
        tier = min((window.tier_from_wh for window in held if window.period == TIER), default=None)
        name = became[member.tariff] if tier is None else f"{became[member.tariff]}-from-{tier // 1_000}"
        tariffs.setdefault(name, _scene_rows(scene, name, held))
        members.append(replace(member, tariff=name))
    return replace(scene, participants=tuple(members), tariffs=tuple(row for each in tariffs.values() for row in each))


def _scene_rows(scene: Scene, name: str, windows: Sequence[Window]) -> list[SceneRow]:
    """The rows that hold on some day of the scene."""
    end = scene.starts_on + timedelta(days=scene.days)
    return [
        SceneRow(
            name, window.from_minute // SLOT_MINUTES, window.to_minute // SLOT_MINUTES,
            frozenset(day for day in range(WEEK) if window.weekdays >> day & 1), window.price, window.valid_from,
            window.valid_to - timedelta(days=1) if window.valid_to else None,
        )
        for window in windows
        if window.valid_from < end and (window.valid_to is None or window.valid_to > scene.starts_on)
    ]  # fmt: skip


def _site(rulebook: Rulebook, site: str | None) -> str | None:
    sites = sorted({row.site for row in rulebook.terms} | {row.site for row in rulebook.network_fees})
    if site is not None and site not in sites:
        told = f"The rulebook {rulebook.name} has no terms of the site {site}; it has {', '.join(sites) or 'none'}."
        raise RulebookRejected([Mistake("which_site", "terms", told)])
    if site is None and len(sites) > 1:
        told = f"The rulebook {rulebook.name} has terms of {', '.join(sites)}; say whose with --site."
        raise RulebookRejected([Mistake("which_site", "terms", told)])
    return site or (sites[0] if sites else None)


def _breaks(scene: Scene, rulebook: Rulebook, site: str | None) -> list[date]:
    """The first day of the scene, and those on which its rules change."""
    end = scene.starts_on + timedelta(days=scene.days)
    dated = [row.dated for row in rulebook.terms if row.site == site] + [row.dated for row in rulebook.surplus]
    days = {day for each in dated for day in (each.valid_from, each.valid_to) if day and scene.starts_on < day < end}
    return [scene.starts_on, *sorted(days)]


def _rules(rules: MarketRules, rulebook: Rulebook, site: str | None, on: date) -> MarketRules:
    terms = [row for row in rulebook.terms if row.site == site and _holds(row.dated, on)]
    if terms:
        values = max(terms, key=lambda row: row.dated.valid_from).values
        given: dict[str, Any] = {name: values.get(name) for name in _OF_TERMS}
        return replace(rules, **given)
    surplus = [row for row in rulebook.surplus if _holds(row.dated, on)]
    if not surplus:
        return rules
    latest = max(surplus, key=lambda row: row.dated.valid_from)
    return replace(rules, surplus_price=latest.price, surplus_cap_pct=latest.cap_pct)


def _holds(dated: Dated, on: date) -> bool:
    return dated.valid_from <= on and (dated.valid_to is None or on < dated.valid_to)


def _zones_known(scene: Scene, fee: Fee) -> bool:
    return fee.seller_zone in scene.zones and fee.buyer_zone in scene.zones


def _notes(rulebook: Rulebook, became: Mapping[str, str]) -> list[str]:
    powered = {row.tariff for row in rulebook.prices if row.per_kw_month is not None}
    charged = sorted(powered & set(became.values()))
    return [f"The charge of {code} on a month's highest half hour is not in these figures." for code in charged]
