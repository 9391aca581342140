"""Every write of the rulebook. Rows carry the date from which they hold; each change leaves its trace in the audit."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from django.db import transaction

from accounts.models import AuditEntry, Participant, User
from meters.models import Site
from tariffs.domain.windows import Problem, Window, check_rows
from tariffs.models import SiteTerms, Tariff, TariffAssignment, TariffRow
from tariffs.pricebook import forget


class TariffRejected(ValueError):
    """The rows are no tariff. `problems` are all there are; `code` is that of the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(" ".join(problem.sentence for problem in problems))
        self.problems = tuple(problems)
        self.code = problems[0].code


class TermsRejected(ValueError):
    """Terms that no interval could be settled by."""

    code = "invalid_terms"


def replace_rows(*, tariff: Tariff, rows: Sequence[Window], by: User | None, at: datetime) -> None:
    """Give a tariff these rows in place of all it had. Raises TariffRejected unless they cover every day once."""
    problems = check_rows(rows)
    if problems:
        raise TariffRejected(problems)
    with transaction.atomic():
        Tariff.objects.select_for_update().get(pk=tariff.pk)
        before = [_as_text(row) for row in TariffRow.objects.filter(tariff=tariff)]
        TariffRow.objects.filter(tariff=tariff).delete()
        now = [_row(tariff, row) for row in rows]
        TariffRow.objects.bulk_create(now)
        detail = {"before": before, "now": [_as_text(row) for row in now]}
        _audit(by, at, "tariff.rows_replaced", f"tariff {tariff.code}", detail)


def assign_tariff(
    *, site: Site, participant: Participant, tariff: Tariff, valid_from: date, by: User | None, at: datetime
) -> None:
    """Put a participant on a tariff from a local date on, until the next assignment."""
    with transaction.atomic():
        TariffAssignment.objects.update_or_create(
            site=site, participant=participant, valid_from=valid_from, defaults={"tariff": tariff}
        )
        detail = {"site": site.code, "tariff": tariff.code, "valid_from": valid_from.isoformat()}
        _audit(by, at, "tariff.assigned", f"participant {participant.code}", detail)


def set_terms(
    *,
    site: Site,
    valid_from: date,
    surplus_price: int,
    network_fee: int,
    deadband_pct: int = 5,
    deadband_wh: int = 250,
    surplus_cap_pct: int | None = None,
    source: str = "",
    by: User | None,
    at: datetime,
) -> None:
    """What the grid pays for surplus and what the local wires cost, in đồng/kWh, from a local date on.

    `surplus_cap_pct`: the grid pays up to so much of an owner's monthly output; None: for all. Raises TermsRejected.
    """
    percents = [deadband_pct] if surplus_cap_pct is None else [deadband_pct, surplus_cap_pct]
    if network_fee < 0 or deadband_wh < 0 or not all(0 <= percent <= 100 for percent in percents):
        raise TermsRejected("Network fee and dead-band are 0 or more, and a share is from 0 to 100 %.")
    values: dict[str, int | str | None] = {
        "surplus_price": surplus_price,
        "network_fee": network_fee,
        "deadband_pct": deadband_pct,
        "deadband_wh": deadband_wh,
        "surplus_cap_pct": surplus_cap_pct,
        "source": source,
    }
    with transaction.atomic():
        SiteTerms.objects.update_or_create(site=site, valid_from=valid_from, defaults=values)
        _audit(by, at, "terms.set", f"site {site.code}", {"valid_from": valid_from.isoformat(), **values})


def _row(tariff: Tariff, row: Window) -> TariffRow:
    return TariffRow(
        tariff=tariff,
        period=row.period,
        weekdays=row.weekdays,
        from_minute=row.from_minute,
        to_minute=row.to_minute,
        price=row.price,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        source=row.source,
    )


def _as_text(row: TariffRow) -> str:
    until = row.valid_to.isoformat() if row.valid_to else "on"
    times = f"{row.from_minute}-{row.to_minute} min, weekdays {row.weekdays}"
    return f"{row.valid_from.isoformat()}..{until}: {times}: {row.price} ({row.period})"


def _audit(by: User | None, at: datetime, action: str, target: str, detail: Mapping[str, object]) -> None:
    AuditEntry.objects.create(at=at, by=by, action=action, target=target, detail=dict(detail))
    transaction.on_commit(forget)
