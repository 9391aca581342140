"""Writing what was measured: readings with their versions, and the state of charge of storage.

A reading is never altered. What arrives for a (metering point, start) that has none becomes version 1; what differs
from the present version becomes the next one, 'corrected'; what is equal changes nothing, so a file or a gateway may
send everything twice. Each call is taken whole or not at all, under the lock of its site's row.

Example: 10:00 holds 1,500 Wh in version 1. Sent 1,500 again: unchanged. Sent 1,480: version 2, corrected. A measured
1,480 in place of an estimated 1,480 is a new version too, since an estimate pays no compensation.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from django.db import connection, transaction

from accounts.models import AuditEntry, User
from meters.domain.readings_csv import ParsedReadings, PointInfo, parse
from meters.models import Device, MeteringPoint, Site
from units.interval import from_ms, interval_ms, local_ms, to_ms

QUALITIES = ("measured", "estimated", "corrected")
MS_PER_HOUR = 3_600_000
FULL_PCT = 100


class ReadingRejected(ValueError):
    """The readings were refused as a whole. `code` is stable, `index` is the first row that is wrong."""

    def __init__(self, code: str, index: int, message: str) -> None:
        super().__init__(f"{message} Nothing was recorded.")
        self.code = code
        self.index = index


class StateOfChargeRejected(ValueError):
    """A state of charge that the device cannot have."""

    code = "soc_out_of_range"


class ReserveRejected(ValueError):
    """A reserve that the device cannot have."""

    code = "reserve_out_of_range"


class ReadingLike(Protocol):
    """Energy in Wh through the metering point with this code in the interval that begins at `start` (with its zone)."""

    @property
    def metering_point(self) -> str: ...
    @property
    def start(self) -> datetime: ...
    @property
    def import_wh(self) -> int: ...
    @property
    def export_wh(self) -> int: ...
    @property
    def quality(self) -> str: ...


class NewReading(NamedTuple):
    """One reading to record."""

    metering_point: str
    start: datetime
    import_wh: int
    export_wh: int
    quality: str = "measured"


@dataclass(frozen=True, slots=True)
class Recorded:
    """How many readings were new, how many became a later version, and how many were there already."""

    new: int
    corrected: int
    unchanged: int


class _Point(NamedTuple):
    id: int
    max_import_w: int | None
    max_export_w: int | None


class _Columns(NamedTuple):
    """Readings as columns: metering point ids, starts in ms, Wh, quality."""

    point: list[int]
    start_ms: list[int]
    import_wh: list[int]
    export_wh: list[int]
    quality: list[str]


def record_readings(
    *, site: Site, rows: Iterable[ReadingLike], by: User | None, at: datetime, source: str, minutes: int = 30
) -> Recorded:
    """Record readings of intervals of `minutes`. `at` is now in the site's market time.

    Raises ReadingRejected (`unknown_metering_point`, `negative_energy`, `off_grid`, `in_the_future`, `above_limit`,
    `unknown_quality`, `duplicate_row`); then nothing is recorded.
    """
    given = list(rows)
    with transaction.atomic():
        zone = ZoneInfo(_lock_site(site.pk))
        points = _points(site.pk, {row.metering_point for row in given})
        columns = _checked(given, points, zone, minutes, at)
        recorded = _insert(site.pk, columns, minutes, at, source)
        AuditEntry.objects.create(
            at=at,
            by=by,
            action="readings.recorded",
            target=f"site {site.code}",
            detail={
                "source": source,
                "new": recorded.new,
                "corrected": recorded.corrected,
                "unchanged": recorded.unchanged,
            },
        )
    return recorded


def import_csv(
    *,
    site: Site,
    data: bytes,
    by: User | None,
    at: datetime,
    allow_gaps: bool = False,
    file_name: str = "readings.csv",
    minutes: int = 30,
) -> tuple[Recorded, ParsedReadings]:
    """Record an uploaded file (docs/formats/readings-csv.md). Raises CsvRejected with every error found, or
    ReadingRejected; then nothing is recorded."""
    parsed = parse(
        data,
        known_points=_known_points(site.pk, at),
        interval_minutes=minutes,
        timezone=ZoneInfo(site.timezone),
        file_name=file_name,
        allow_gaps=allow_gaps,
        not_after=at,
    )
    recorded = record_readings(
        site=site, rows=parsed.rows, by=by, at=at, source=f"csv {file_name}"[:60], minutes=minutes
    )
    return recorded, parsed


def record_state_of_charge(*, device: Device, soc_wh: int, by: User | None, at: datetime) -> bool:
    """Note what a battery holds, in Wh. False where a later figure is known already. Raises StateOfChargeRejected."""
    with transaction.atomic():
        known = Device.objects.select_for_update().get(pk=device.pk)
        if not 0 <= soc_wh <= known.capacity_wh:
            raise StateOfChargeRejected(f"{known.name} holds from 0 to {known.capacity_wh} Wh, not {soc_wh} Wh.")
        if known.soc_at is not None and known.soc_at > at:
            return False
        Device.objects.filter(pk=device.pk).update(soc_wh=soc_wh, soc_at=at)
        if by is not None:  # a gateway reports every minute; only what a person sets belongs in the audit trail
            detail = {"from_wh": known.soc_wh, "to_wh": soc_wh}
            AuditEntry.objects.create(at=at, by=by, action="device.soc_set", target=f"device {known.pk}", detail=detail)
    return True


def set_reserve(*, device: Device, reserve_pct: int, by: User, at: datetime) -> Device:
    """Set how much of a battery is kept for its owner, in per cent of its capacity. Raises ReserveRejected."""
    with transaction.atomic():
        known = Device.objects.select_for_update().get(pk=device.pk)
        if not known.capacity_wh:
            raise ReserveRejected(f"{known.name} stores nothing, so nothing can be kept in it.")
        if not known.floor_pct <= reserve_pct <= FULL_PCT:
            raise ReserveRejected(
                f"Choose from {known.floor_pct} to {FULL_PCT} %: below that the battery would suffer."
            )
        if known.reserve_pct != reserve_pct:
            detail = {"participant": known.participant.code, "from_pct": known.reserve_pct, "to_pct": reserve_pct}
            known.reserve_pct = reserve_pct
            known.save(update_fields=["reserve_pct"])
            AuditEntry.objects.create(
                at=at, by=by, action="device.reserve_set", target=f"device {known.name}", detail=detail
            )
    return known


def _lock_site(site_id: int) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT timezone FROM meters_site WHERE id = %s FOR NO KEY UPDATE", (site_id,))
        return str(cursor.fetchone()[0])


def _points(site_id: int, codes: set[str]) -> dict[str, _Point]:
    found = MeteringPoint.objects.filter(site_id=site_id, code__in=codes)
    rows = found.values_list("code", "pk", "max_import_w", "max_export_w")
    return {code: _Point(pk, max_import_w, max_export_w) for code, pk, max_import_w, max_export_w in rows}


def _known_points(site_id: int, at: datetime) -> dict[str, PointInfo]:
    """The site's points with the multiplier of the meter that hangs there now."""
    found = MeteringPoint.objects.filter(site_id=site_id).prefetch_related("meters")
    return {p.code: PointInfo(p.max_import_w, p.max_export_w, _multiplier(p, at)) for p in found}


def _multiplier(point: MeteringPoint, at: datetime) -> int:
    meters = [m for m in point.meters.all() if m.removed_on is None or m.removed_on > at.date()]
    return max(meters, key=lambda m: m.installed_on).multiplier if meters else 1


def _checked(
    rows: Sequence[ReadingLike], points: dict[str, _Point], zone: ZoneInfo, minutes: int, at: datetime
) -> _Columns:
    step, now_ms = interval_ms(minutes), to_ms(at)
    starts = {row.start: to_ms(row.start) for row in rows}
    wrong = {start: _wrong_start(start, ms, zone, step, now_ms) for start, ms in starts.items()}
    seen: set[tuple[str, int]] = set()
    for index, row in enumerate(rows):
        problem = wrong[row.start] or _wrong_value(row, points.get(row.metering_point), step)
        key = (row.metering_point, starts[row.start])
        if problem is None and key in seen:
            problem = "duplicate_row", f"{row.metering_point} at {row.start.isoformat()} is given twice; send it once."
        if problem is not None:
            raise ReadingRejected(problem[0], index, problem[1])
        seen.add(key)
    return _Columns(
        [points[row.metering_point].id for row in rows],
        [starts[row.start] for row in rows],
        [row.import_wh for row in rows],
        [row.export_wh for row in rows],
        [row.quality for row in rows],
    )


def _wrong_start(start: datetime, ms: int, zone: ZoneInfo, step: int, now_ms: int) -> tuple[str, str] | None:
    if local_ms(ms, zone) % step:
        minutes = step // 60_000
        return "off_grid", f"{start.isoformat()} is not the start of an interval of {minutes} minutes; check the clock."
    if ms + step > now_ms:
        return "in_the_future", f"The interval from {start.isoformat()} is not over yet; send it afterwards."
    return None


def _wrong_value(row: ReadingLike, point: _Point | None, step: int) -> tuple[str, str] | None:
    if point is None:
        return "unknown_metering_point", f"{row.metering_point} is no metering point of this site; onboard it first."
    if row.import_wh < 0 or row.export_wh < 0:
        return (
            "negative_energy",
            f"{row.metering_point} has an energy below 0 Wh; import and export are both counted up.",
        )
    if row.quality not in QUALITIES:
        return "unknown_quality", f"“{row.quality}” is no quality; use one of {', '.join(QUALITIES)}."
    for wh, limit_w in ((row.import_wh, point.max_import_w), (row.export_wh, point.max_export_w)):
        if limit_w is not None and wh * MS_PER_HOUR > limit_w * step:
            return "above_limit", f"{wh} Wh is more than the {limit_w} W of {row.metering_point} can carry."
    return None


_INSERT = """
    WITH incoming AS (
        SELECT i.*, now.version AS present, now.import_wh AS import_now, now.export_wh AS export_now,
               now.quality AS quality_now, now.minutes AS minutes_now
        FROM (
            SELECT point, to_timestamp(minute * 60) AS start, imported, exported, quality
            FROM unnest(%(point)s::bigint[], %(minute)s::bigint[], %(imported)s::bigint[], %(exported)s::bigint[],
                        %(quality)s::text[]) AS i(point, minute, imported, exported, quality)
        ) i LEFT JOIN LATERAL (
            SELECT version, import_wh, export_wh, quality, minutes FROM meters_reading r
            WHERE r.site_id = %(site)s AND r.start = i.start AND r.metering_point_id = i.point
            ORDER BY r.version DESC LIMIT 1
        ) now ON true
    ), changed AS (
        SELECT * FROM incoming WHERE present IS NULL OR (import_now, export_now, minutes_now)
            <> (imported, exported, %(minutes)s) OR (quality_now = 'estimated' AND quality <> 'estimated')
    ), written AS (
        INSERT INTO meters_reading (site_id, start, metering_point_id, version, minutes, import_wh, export_wh, quality,
                                    source, received_at)
        SELECT %(site)s, start, point, coalesce(present, 0) + 1, %(minutes)s, imported, exported,
               CASE WHEN present IS NULL OR quality = 'estimated' THEN quality ELSE 'corrected' END,
               %(source)s, %(at)s
        FROM changed
        RETURNING start, version
    ), touched AS (
        INSERT INTO meters_intervalrevision AS known (site_id, start, revision)
        SELECT DISTINCT %(site)s, start, 1 FROM written
        ON CONFLICT (site_id, start) DO UPDATE SET revision = known.revision + 1
    )
    SELECT count(*) FILTER (WHERE version = 1), count(*) FILTER (WHERE version > 1) FROM written
"""


def _insert(site_id: int, columns: _Columns, minutes: int, at: datetime, source: str) -> Recorded:
    values: dict[str, Any] = {
        "site": site_id,
        "point": columns.point,
        "minute": [ms // 60_000 for ms in columns.start_ms],
        "imported": columns.import_wh,
        "exported": columns.export_wh,
        "quality": columns.quality,
        "minutes": minutes,
        "source": source,
        "at": from_ms(to_ms(at)),
    }
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, values)
        new, corrected = cursor.fetchone()
    return Recorded(new, corrected, len(columns.point) - new - corrected)
