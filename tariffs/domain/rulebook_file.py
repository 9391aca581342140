"""Reading a rulebook file, TOML or JSON (docs/formats/rulebook.md).

Either the whole file is right, or it is refused with every mistake it has.
"""

import json
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from tariffs.domain.fields import Mistake, RulebookRejected, Section
from tariffs.domain.hours import read_hours
from tariffs.domain.rulebook import (
    TOU_PERIODS,
    Assignment,
    Ceiling,
    Dated,
    Factor,
    Fee,
    Prices,
    Rulebook,
    Surplus,
    TariffHead,
    Terms,
    TierPrice,
    Vat,
    WindowSet,
)

CLASSES = (
    "production",
    "administrative",
    "business",
    "residential",
    "industrial_park_wholesale",
    "commercial_complex_wholesale",
    "residential_wholesale",
    "rural_wholesale",
    "ev_charging",
    "other",
)
KINDS = ("flat", "tou", "tiered")
CATEGORIES = ("electricity", "service", "none")
MOST_PRICE = 10**9
MOST_WH = 10**15


def read(text: str | bytes, form: str = "toml") -> dict[str, Any]:
    """The file's tables as they are. Raises RulebookRejected (`not_toml`, `not_json`, `not_utf8`)."""
    try:
        told = text.decode("utf-8-sig") if isinstance(text, bytes) else text.removeprefix("\ufeff")
    except UnicodeDecodeError:
        raise RulebookRejected([Mistake("not_utf8", "file", "Save the file as UTF-8.")]) from None
    try:
        found = tomllib.loads(told) if form == "toml" else json.loads(told, object_pairs_hook=_once)
    except (ValueError, RecursionError) as wrong:
        sentence = f"This is not {form.upper()}: {str(wrong)[:160]}."
        raise RulebookRejected([Mistake(f"not_{form}", "file", sentence)]) from wrong
    if not isinstance(found, dict):
        raise RulebookRejected([Mistake("not_a_table", "file", "A rulebook is one table of fields.")])
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice in one table")
    return found


def parse(tables: Mapping[str, Any]) -> Rulebook:
    """The rulebook that these tables are. Raises RulebookRejected with every mistake."""
    mistakes: list[Mistake] = []
    root = Section(tables, "", mistakes)
    head = root.raw("rulebook")
    top = Section(head if isinstance(head, Mapping) else {}, "rulebook", mistakes)
    if not isinstance(head, Mapping):
        root.note("rulebook", "field_missing", "Begin the file with [rulebook], a name and a country.")
    found = Rulebook(
        name=top.text("name", required=True),
        country=_country(top),
        windows=tuple(filter(None, map(_windows, root.sections("windows")))),
        tariffs=tuple(filter(None, map(_tariff, root.sections("tariffs")))),
        prices=tuple(filter(None, map(_prices, root.sections("prices")))),
        vat=tuple(filter(None, map(_vat, root.sections("vat")))),
        emission_factors=tuple(filter(None, map(_factor, root.sections("emission_factors")))),
        surplus=tuple(filter(None, map(_surplus, root.sections("surplus")))),
        surplus_ceilings=tuple(filter(None, map(_ceiling, root.sections("surplus_ceilings")))),
        terms=tuple(filter(None, map(_terms, root.sections("terms")))),
        network_fees=tuple(filter(None, map(_fee, root.sections("network_fees")))),
        assignments=tuple(filter(None, map(_assignment, root.sections("assignments")))),
    )
    top.text("note", longest=4_000)
    top.day("checked_on")
    for section in (top, root):
        section.done()
    _check_names(found, mistakes)
    if mistakes:
        raise RulebookRejected(mistakes)
    return found


def _country(top: Section) -> str:
    value = top.text("country", required=True, longest=2)
    if value and not (len(value) == 2 and value.isascii() and value.isalpha() and value.isupper()):
        top.note("country", "bad_country", "Give the country's two capital letters, such as VN.")
    return value


def _dated(row: Section, billed: bool = True) -> Dated | None:
    """The dates of a row; None, with a note, where they make no sense."""
    first = row.day("billed_from", required=billed)
    last, legal = row.day("last_day"), row.day("legal_from")
    source, doubt = row.text("source", required=True), row.text("doubt", longest=4_000)
    if first is None:
        return None
    if last is not None and last < first:
        row.note("last_day", "validity_backwards", "The last day is before the first; give a later one.")
        return None
    return Dated(first, last + timedelta(days=1) if last else None, legal, source, doubt)


def _windows(row: Section) -> WindowSet | None:
    code, hours = row.text("code", required=True, longest=60), read_hours(row)
    pending = row.values.get("billed_from") is None
    dated = _dated(row, billed=False)
    row.done()
    source, doubt = row.text("source"), row.text("doubt", longest=4_000)
    legal = row.day("legal_from") if pending else None
    if pending and legal is None:
        row.note("legal_from", "field_missing", "Windows that are not billed yet need the day they became law.")
    return WindowSet(code, hours, legal or (dated.legal_from if dated else None), dated, source, doubt)


def _tariff(row: Section) -> TariffHead | None:
    found = TariffHead(
        code=row.text("code", required=True, longest=60),
        name=row.text("name", required=True, longest=160),
        customer_class=row.choice("class", CLASSES, "other") or "",
        voltage=row.text("voltage", longest=20),
        kind=row.choice("kind", KINDS) or "",
        pilot=row.flag("pilot"),
        note=row.text("note", longest=4_000),
    )
    if not all(letter.isascii() and (letter.isalnum() or letter in "-_") for letter in found.code):
        row.note("code", "bad_code", "Give a code of letters a to z, digits, - and _ only.")
    row.done()
    return found


def _prices(row: Section) -> Prices | None:
    tariff, dated = row.text("tariff", required=True, longest=60), _dated(row)
    named = {name: row.whole(name, least=-MOST_PRICE, most=MOST_PRICE) for name in ("flat", *TOU_PERIODS)}
    tiers = tuple(filter(None, map(_tier, row.sections("tiers"))))
    per_kw = row.whole("per_kw_month", least=0, most=MOST_PRICE)
    row.done()
    by_period = {name: price for name, price in named.items() if price is not None}
    if dated is None:
        return None
    return Prices(tariff, by_period, tiers, per_kw, dated)


def _tier(row: Section) -> TierPrice | None:
    first = row.whole("from_wh", required=True, least=0, most=MOST_WH)
    last, price = row.whole("to_wh", least=1, most=MOST_WH), row.whole("price", required=True, most=MOST_PRICE)
    row.done()
    return None if first is None or price is None else TierPrice(first, last, price)


def _vat(row: Section) -> Vat | None:
    category, dated = row.choice("category", CATEGORIES), _dated(row)
    rate = row.whole("rate_bp", required=True, least=0, most=10_000)
    row.done()
    return None if category is None or rate is None or dated is None else Vat(category, rate, dated)


def _factor(row: Section) -> Factor | None:
    year = row.whole("year", required=True, least=1900, most=2200)
    amount = row.whole("mg_per_kwh", required=True, least=0, most=10_000_000)
    official, dated = row.flag("official", True), _dated(row)
    row.done()
    return None if year is None or amount is None or dated is None else Factor(year, amount, official, dated)


def _surplus(row: Section) -> Surplus | None:
    price, cap = row.whole("price", required=True, most=MOST_PRICE), row.whole("cap_pct", least=0, most=100)
    dated = _dated(row)
    row.done()
    return None if price is None or dated is None else Surplus(price, cap, dated)


def _ceiling(row: Section) -> Ceiling | None:
    region, dated = row.text("region", required=True, longest=40), _dated(row)
    price = row.whole("price_hundredths", required=True, least=0, most=MOST_PRICE)
    row.done()
    return None if price is None or dated is None else Ceiling(region, price, dated)


_TERMS: Mapping[str, tuple[int, int, int | None]] = {  # least, most, default
    "deadband_pct": (0, 100, 5),
    "deadband_wh": (0, 10**9, 250),
    "surplus_cap_pct": (0, 100, None),
    "platform_fee_price": (0, MOST_PRICE, 0),
    "platform_fee_month": (0, MOST_PRICE, 0),
    "renter_cap_price": (0, MOST_PRICE, None),
    "loss_min_pct": (-100, 100, 0),
    "loss_max_pct": (-100, 100, 5),
}


def _terms(row: Section) -> Terms | None:
    site, dated = row.text("site", required=True, longest=40), _dated(row)
    values: dict[str, int | None] = {
        "surplus_price": row.whole("surplus_price", required=True, least=-MOST_PRICE, most=MOST_PRICE, default=0),
        "network_fee": row.whole("network_fee", required=True, least=0, most=MOST_PRICE, default=0),
    }
    values |= {
        name: row.whole(name, least=least, most=most, default=default)
        for name, (least, most, default) in _TERMS.items()
    }
    if (values["loss_min_pct"] or 0) > (values["loss_max_pct"] or 0):
        row.note("loss_min_pct", "losses_backwards", "The band of losses must begin below its end.")
    _no_end(row, dated)
    row.done()
    return None if dated is None else Terms(site, values, dated)


def _fee(row: Section) -> Fee | None:
    site, dated = row.text("site", required=True, longest=40), _dated(row)
    zones = row.text("seller_zone", required=True, longest=20), row.text("buyer_zone", required=True, longest=20)
    price = row.whole("price", required=True, least=0, most=MOST_PRICE)
    _no_end(row, dated)
    row.done()
    return None if price is None or dated is None else Fee(site, *zones, price, dated)


def _assignment(row: Section) -> Assignment | None:
    site, dated = row.text("site", required=True, longest=40), _dated(row)
    names = row.text("participant", required=True, longest=40), row.text("tariff", required=True, longest=60)
    expected = row.whole("expected_month_wh", least=0, most=MOST_WH, default=0)
    _no_end(row, dated)
    row.done()
    return None if dated is None else Assignment(site, *names, expected, dated)


def _no_end(row: Section, dated: Dated | None) -> None:
    if dated is not None and dated.valid_to is not None:
        row.note("last_day", "no_last_day", "This holds until the next row of its kind; leave the last day out.")


_UNIQUE = (
    ("windows", lambda row: row.code),
    ("tariffs", lambda row: row.code),
    ("prices", lambda row: (row.tariff, row.dated.valid_from)),
    ("vat", lambda row: (row.category, row.dated.valid_from)),
    ("emission_factors", lambda row: (row.official, row.dated.valid_from)),
    ("surplus", lambda row: row.dated.valid_from),
    ("terms", lambda row: (row.site, row.dated.valid_from)),
    ("network_fees", lambda row: (row.site, row.seller_zone, row.buyer_zone, row.dated.valid_from)),
    ("assignments", lambda row: (row.site, row.participant, row.dated.valid_from)),
)


def _check_names(found: Rulebook, mistakes: list[Mistake]) -> None:
    """Nothing twice: two rows of one day would leave it to chance which holds."""
    for section, key in _UNIQUE:
        seen = set()
        for row in getattr(found, section):
            if key(row) in seen:
                told = "There is a row for the same thing from the same day; keep one of them."
                mistakes.append(Mistake("said_twice", section, told))
            seen.add(key(row))
