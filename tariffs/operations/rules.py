"""Setting single rules. Each names the day from which it holds, leaves settled days alone, and leaves an audit row."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction

from accounts.models import AuditEntry, Participant, User
from meters.models import Site
from tariffs.domain.windows import Window, check_rows
from tariffs.models import (
    CapacityPrice,
    EmissionFactor,
    NetworkFee,
    SiteTerms,
    Tariff,
    TariffAssignment,
    TariffRow,
    VatRate,
)
from tariffs.operations.errors import RulesSettled, TariffRejected, TermsRejected
from tariffs.operations.locks import hold, hold_everywhere, hold_for_tariff
from tariffs.pricebook import forget

COLUMNS = tuple(field.name for field in fields(Window))


def replace_rows(*, tariff: Tariff, rows: Sequence[Window], by: User | None, at: datetime) -> None:
    """Give a tariff these rows in place of all it had. Where days of it are settled, the rows must say the same of
    them: what is new begins later, and a row that held may only be ended later.

    Raises TariffRejected unless they cover every day once, RulesSettled where a settled day would change.
    """
    problems = check_rows(rows)
    if problems:
        raise TariffRejected(problems)
    with transaction.atomic():
        Tariff.objects.select_for_update().get(pk=tariff.pk)
        settled = hold_for_tariff(tariff.pk)
        before = list(TariffRow.objects.filter(tariff=tariff))
        _write_rows(tariff, before, rows, settled)
        detail = {"before": [_as_text(_window(row)) for row in before], "now": [_as_text(row) for row in rows]}
        audit(by, at, "tariff.rows_replaced", f"tariff {tariff.code}", detail)


def _write_rows(tariff: Tariff, before: list[TariffRow], rows: Sequence[Window], settled: date | None) -> None:
    """Keeps what held on settled days, moving no more than its end, and writes all else anew."""
    past, coming = _split(rows, settled)
    kept = [row for row in before if settled is not None and row.valid_from <= settled]
    given = {_settled_part(row): row for row in past}
    if len(given) != len(past) or {_settled_part(_window(row)) for row in kept} != set(given):
        assert settled is not None
        raise RulesSettled(f"The tariff {tariff.code} would change where it has been used", settled)
    for row in kept:
        wanted = given[_settled_part(_window(row))]
        if row.valid_to != wanted.valid_to:
            assert settled is not None
            if any(end is not None and end <= settled for end in (row.valid_to, wanted.valid_to)):
                raise RulesSettled(f"A row of the tariff {tariff.code} would end on another day", settled)
        TariffRow.objects.filter(pk=row.pk).update(valid_to=wanted.valid_to, doubt=wanted.doubt)
    TariffRow.objects.filter(tariff=tariff).exclude(pk__in=[row.pk for row in kept]).delete()
    TariffRow.objects.bulk_create(_row(tariff, row) for row in coming)


def _split(rows: Sequence[Window], settled: date | None) -> tuple[list[Window], list[Window]]:
    past = [row for row in rows if settled is not None and row.valid_from <= settled]
    return past, [row for row in rows if settled is None or row.valid_from > settled]


def _settled_part(row: Window) -> tuple[Any, ...]:
    """All of a row that may not change once a day of it is settled."""
    return tuple(getattr(row, name) for name in COLUMNS if name not in ("valid_to", "doubt"))


def assign_tariff(
    *,
    site: Site,
    participant: Participant,
    tariff: Tariff,
    valid_from: date,
    expected_month_wh: int = 0,
    by: User | None,
    at: datetime,
) -> None:
    """Put a participant on a tariff from a local date on, until the next assignment. `expected_month_wh`: the month's
    use by which a tiered tariff prices an interval. Raises RulesSettled, except where no tariff held so far."""
    if expected_month_wh < 0:
        raise TermsRejected("The expected use of a month is 0 Wh or more.")
    values = {"tariff": tariff, "expected_month_wh": expected_month_wh}
    key = {"site": site, "participant": participant}
    with transaction.atomic():
        settled = hold([site.pk])
        if not set_dated(TariffAssignment, key, valid_from, values, settled, "The participant's tariff"):
            return
        detail = {"site": site.code, "tariff": tariff.code, "valid_from": valid_from.isoformat()}
        detail |= {"expected_month_wh": str(expected_month_wh)} if expected_month_wh else {}
        audit(by, at, "tariff.assigned", f"participant {participant.code}", detail)


def set_terms(
    *,
    site: Site,
    valid_from: date,
    surplus_price: int,
    network_fee: int,
    deadband_pct: int = 5,
    deadband_wh: int = 250,
    surplus_cap_pct: int | None = None,
    platform_fee_price: int = 0,
    platform_fee_month: int = 0,
    renter_cap_price: int | None = None,
    loss_min_pct: int = 0,
    loss_max_pct: int = 5,
    legal_from: date | None = None,
    source: str = "",
    doubt: str = "",
    by: User | None,
    at: datetime,
) -> None:
    """What the grid pays for surplus and what the local wires cost, in đồng/kWh, from a local date on.

    `surplus_cap_pct`: the grid pays up to so much of an owner's monthly output; None: for all. `platform_fee_price` is
    per kWh bought locally, `platform_fee_month` đồng per participant and month. `renter_cap_price`: the most that a
    residential renter may bid; None: no cap. Raises TermsRejected, RulesSettled.
    """
    values: dict[str, Any] = {
        "surplus_price": surplus_price,
        "network_fee": network_fee,
        "deadband_pct": deadband_pct,
        "deadband_wh": deadband_wh,
        "surplus_cap_pct": surplus_cap_pct,
        "platform_fee_price": platform_fee_price,
        "platform_fee_month": platform_fee_month,
        "renter_cap_price": renter_cap_price,
        "loss_min_pct": loss_min_pct,
        "loss_max_pct": loss_max_pct,
        "legal_from": legal_from,
        "source": source,
        "doubt": doubt,
    }
    _check_terms(values)
    with transaction.atomic():
        settled = hold([site.pk])
        if set_dated(SiteTerms, {"site": site}, valid_from, values, settled, f"The terms of {site.code}"):
            told = {"valid_from": valid_from.isoformat(), **values, "legal_from": legal_from and legal_from.isoformat()}
            audit(by, at, "terms.set", f"site {site.code}", told)


def _check_terms(values: Mapping[str, Any]) -> None:
    percents = [values["deadband_pct"]] + ([] if (cap := values["surplus_cap_pct"]) is None else [cap])
    never_negative = ("network_fee", "deadband_wh", "platform_fee_price", "platform_fee_month")
    if any(values[name] < 0 for name in never_negative) or not all(0 <= percent <= 100 for percent in percents):
        raise TermsRejected("Fees and dead-band are 0 or more, and a share is from 0 to 100 %.")
    if values["loss_min_pct"] > values["loss_max_pct"]:
        raise TermsRejected("The band of losses must begin below its end.")


def set_network_fee(
    *,
    site: Site,
    seller_zone: str,
    buyer_zone: str,
    price: int,
    valid_from: date,
    legal_from: date | None = None,
    source: str = "",
    doubt: str = "",
    by: User | None,
    at: datetime,
) -> None:
    """What the wires cost from one zone to another, đồng/kWh, from a local date on. Raises TermsRejected,
    RulesSettled."""
    if price < 0:
        raise TermsRejected("A network fee is 0 or more.")
    key = {"site": site, "seller_zone": seller_zone, "buyer_zone": buyer_zone}
    values = {"price": price, "legal_from": legal_from, "source": source, "doubt": doubt}
    with transaction.atomic():
        settled = hold([site.pk])
        what = f"The network fee from {seller_zone} to {buyer_zone}"
        if set_dated(NetworkFee, key, valid_from, values, settled, what, fills_holes=False):
            told = {"from": seller_zone, "to": buyer_zone, "price": price, "valid_from": valid_from.isoformat()}
            audit(by, at, "network_fee.set", f"site {site.code}", told)


def set_vat_rate(
    *,
    country: str,
    category: str,
    rate_bp: int,
    valid_from: date,
    valid_to: date | None = None,
    legal_from: date | None = None,
    source: str = "",
    doubt: str = "",
    by: User | None,
    at: datetime,
) -> None:
    """The VAT of a kind of supply in basis points from a date, to another (exclusive). Raises TermsRejected,
    RulesSettled."""
    if not 0 <= rate_bp <= 10_000:
        raise TermsRejected("VAT is from 0 to 100 %.")
    values = {
        "rate_bp": rate_bp, "valid_to": valid_to, "legal_from": legal_from, "source": source, "doubt": doubt,
    }  # fmt: skip
    key = {"country": country, "category": category}
    with transaction.atomic():
        settled = hold_everywhere()
        if set_dated(VatRate, key, valid_from, values, settled, f"The VAT on {category} in {country}"):
            told = {"rate_bp": rate_bp, "valid_from": valid_from.isoformat(), "valid_to": str(valid_to or "")}
            audit(by, at, "vat.set", f"{country} {category}", told)


def set_emission_factor(
    *,
    country: str,
    year: int,
    mg_per_kwh: int,
    official: bool,
    valid_from: date,
    valid_to: date | None = None,
    legal_from: date | None = None,
    source: str = "",
    doubt: str = "",
    by: User | None,
    at: datetime,
) -> None:
    """What a kWh from the grid emits (mg CO₂), measured for a year, to be used from a date on. Raises TermsRejected,
    RulesSettled."""
    if mg_per_kwh < 0:
        raise TermsRejected("An emission factor is 0 or more.")
    values = {
        "year": year, "mg_per_kwh": mg_per_kwh, "valid_to": valid_to, "legal_from": legal_from, "source": source,
        "doubt": doubt,
    }  # fmt: skip
    key = {"country": country, "official": official}
    with transaction.atomic():
        settled = hold_everywhere()
        if set_dated(EmissionFactor, key, valid_from, values, settled, f"The emission factor of {country}"):
            told = {"year": year, "mg_per_kwh": mg_per_kwh, "official": official, "valid_from": valid_from.isoformat()}
            audit(by, at, "emission_factor.set", country, told)


def set_capacity_price(
    *,
    tariff: Tariff,
    price_per_kw: int,
    valid_from: date,
    valid_to: date | None = None,
    legal_from: date | None = None,
    source: str = "",
    doubt: str = "",
    by: User | None,
    at: datetime,
) -> None:
    """What a two-part tariff charges for the month's peak, đồng per kW and month, from a date to another (exclusive).
    Raises TermsRejected, RulesSettled."""
    if price_per_kw < 0:
        raise TermsRejected("A price for power is 0 or more.")
    values = {
        "price_per_kw": price_per_kw, "valid_to": valid_to, "legal_from": legal_from, "source": source, "doubt": doubt,
    }  # fmt: skip
    with transaction.atomic():
        settled = hold_for_tariff(tariff.pk)
        what = f"The price for power of {tariff.code}"
        if set_dated(CapacityPrice, {"tariff": tariff}, valid_from, values, settled, what, fills_holes=False):
            told = {"price_per_kw": price_per_kw, "valid_from": valid_from.isoformat()}
            audit(by, at, "capacity_price.set", f"tariff {tariff.code}", told)


def set_dated(
    model: Any,
    key: Mapping[str, Any],
    valid_from: date,
    values: Mapping[str, Any],
    settled: date | None,
    what: str,
    *,
    fills_holes: bool = True,
) -> bool:
    """Make or change the row of `key` from a date on; False where it says so already. Settled days stay: there a row's
    end may move later, its doubt be told otherwise, and a hole be filled. Raises RulesSettled."""
    found = model.objects.filter(**key, valid_from=valid_from).first()
    changed = {name for name, value in values.items() if found is None or getattr(found, name) != value}
    if not changed:
        return False
    if settled is not None and valid_from <= settled:
        if found is None:
            earlier = model.objects.filter(**key, valid_from__lte=valid_from).order_by("-valid_from").first()
            allowed = fills_holes and (earlier is None or _ended(earlier, valid_from))
        else:
            ends = "valid_to" not in changed or not (_ended(found, settled) or _ends_by(values["valid_to"], settled))
            allowed = changed <= {"doubt", "valid_to"} and ends
        if not allowed:
            raise RulesSettled(f"{what} would change from {valid_from.isoformat()}", settled)
    model.objects.update_or_create(**key, valid_from=valid_from, defaults=dict(values))
    return True


def _ended(row: Any, on: date) -> bool:
    return _ends_by(getattr(row, "valid_to", None), on)


def _ends_by(valid_to: date | None, on: date) -> bool:
    return valid_to is not None and valid_to <= on


def end_row(row: Any, last_day: date) -> None:
    """Let a dated row hold no longer than to this day."""
    row.valid_to = last_day + timedelta(days=1)
    row.save(update_fields=["valid_to"])


def _window(row: TariffRow) -> Window:
    return Window(**{name: getattr(row, name) for name in COLUMNS})


def _row(tariff: Tariff, row: Window) -> TariffRow:
    return TariffRow(tariff=tariff, **{name: getattr(row, name) for name in COLUMNS})


def _as_text(row: Window) -> str:
    until = row.valid_to.isoformat() if row.valid_to else "on"
    times = f"{row.from_minute}-{row.to_minute} min, weekdays {row.weekdays}"
    tier = f", tier {row.tier_from_wh}-{row.tier_to_wh or ''} Wh" if row.period == "tier" else ""
    return f"{row.valid_from.isoformat()}..{until}: {times}{tier}: {row.price} ({row.period})"


def audit(by: User | None, at: datetime, action: str, target: str, detail: Mapping[str, object]) -> None:
    """Write the audit's row, and have this process read the rulebook anew once the change is committed."""
    AuditEntry.objects.create(at=at, by=by, action=action, target=target, detail=dict(detail))
    transaction.on_commit(forget)
