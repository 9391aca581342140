"""Every read of meters. What settlement reads for a whole site comes as numpy arrays, the rest as plain dataclasses."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from django.db import connection
from django.db.backends.utils import CursorWrapper

from meters.columns import IntArray, distinct, read_columns
from meters.models import Device, MeteringPoint, Site

ESTIMATE_DAYS = 7


@dataclass(frozen=True, eq=False, slots=True)
class Readings:
    """One interval of a site, a row for each participant with a boundary point, by ascending participant id.

    Energies in Wh are summed over its boundary points. `version` is the highest version, 0 where no point has a
    reading. `estimated`: at least one point has no reading, or an estimated one. Arrays are int64 or bool.
    """

    participant_ids: IntArray
    import_wh: IntArray
    export_wh: IntArray
    version: IntArray
    estimated: np.ndarray


@dataclass(frozen=True, slots=True)
class BoundaryPoint:
    """A metering point that is settled."""

    id: int
    code: str
    participant_id: int


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """Something that makes or keeps energy. Powers in W, energy in Wh."""

    id: int
    participant_id: int
    name: str
    kind: str
    peak_w: int
    capacity_wh: int
    charge_w: int
    discharge_w: int
    round_trip_ppm: int
    floor_pct: int
    reserve_pct: int
    soc_wh: int
    soc_at: datetime | None


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """What a participant took and gave in one interval, in Wh, over its points of one role."""

    start: datetime
    import_wh: int
    export_wh: int
    estimated: bool


def current_readings(site_id: int, start: datetime, minutes: int = 30) -> Readings:
    """The latest version of every boundary reading of the interval; what is missing is estimated from the days before.

    An estimate is the mean of the point's own measured readings at the same local time on the seven days before,
    rounded down; 0 where there are none. It is not stored as a reading.
    """
    with connection.cursor() as cursor:
        rows = read_columns(cursor, _CURRENT, (site_id, start, minutes, site_id), _CURRENT_NAMES)
        missing = np.flatnonzero(rows["version"] == 0)
        if len(missing):
            _estimate(cursor, site_id, start, minutes, rows, missing)
    return _by_participant(rows)


_CURRENT_NAMES = ("participant", "point", "import_wh", "export_wh", "version", "estimated")
_CURRENT = """
    SELECT p.participant_id, p.id, coalesce(r.import_wh, 0), coalesce(r.export_wh, 0), coalesce(r.version, 0)::bigint,
           (r.quality IS NULL OR r.quality = 'estimated')::int::bigint
    FROM meters_meteringpoint p LEFT JOIN (
        SELECT DISTINCT ON (metering_point_id) metering_point_id, import_wh, export_wh, version, quality
        FROM meters_reading WHERE site_id = %s AND start = %s AND minutes = %s
        ORDER BY metering_point_id, version DESC
    ) r ON r.metering_point_id = p.id
    WHERE p.site_id = %s AND p.role = 'boundary' ORDER BY p.participant_id
"""


def _by_participant(rows: dict[str, IntArray]) -> Readings:
    participants = distinct(rows["participant"])
    first = np.searchsorted(rows["participant"], participants)
    if not len(participants):
        none = np.zeros(0, dtype=np.int64)
        return Readings(none, none, none, none, none.astype(bool))
    return Readings(
        participants,
        np.add.reduceat(rows["import_wh"], first),
        np.add.reduceat(rows["export_wh"], first),
        np.maximum.reduceat(rows["version"], first),
        np.maximum.reduceat(rows["estimated"], first) > 0,
    )


_ESTIMATE = """
    SELECT point, floor(avg(import_wh))::bigint, floor(avg(export_wh))::bigint FROM (
        SELECT DISTINCT ON (r.metering_point_id, r.start) r.metering_point_id AS point, r.import_wh, r.export_wh,
               r.quality
        FROM meters_reading r WHERE r.site_id = %s AND r.start = ANY(%s) AND r.minutes = %s
             AND r.metering_point_id = ANY(%s)
        ORDER BY r.metering_point_id, r.start, r.version DESC
    ) before WHERE quality <> 'estimated' GROUP BY point ORDER BY point
"""


def _estimate(
    cursor: CursorWrapper, site_id: int, start: datetime, minutes: int, rows: dict[str, IntArray], missing: IntArray
) -> None:
    zone = ZoneInfo(Site.objects.values_list("timezone", flat=True).get(pk=site_id))
    points = rows["point"][missing]
    values = (site_id, days_before(start, zone, ESTIMATE_DAYS), minutes, points.tolist())
    found = read_columns(cursor, _ESTIMATE, values, ("point", "import_wh", "export_wh"))
    order = np.argsort(points)
    where = missing[order[np.searchsorted(points, found["point"], sorter=order)]]
    rows["import_wh"][where] = found["import_wh"]
    rows["export_wh"][where] = found["export_wh"]


def days_before(start: datetime, zone: ZoneInfo, days: int) -> list[datetime]:
    """The same local time on each of the `days` days before `start`, as UTC moments."""
    local = start.astimezone(zone)
    return [(local - timedelta(days=back)).astimezone(UTC) for back in range(1, days + 1)]


def all_boundary_readings_in(site_id: int, start: datetime, minutes: int = 30) -> bool:
    """Whether every boundary point of the site has a reading for the interval.

    A point from which the meter was taken down before that day, and none hung up since, has nothing to say any more.
    """
    with connection.cursor() as cursor:
        cursor.execute(_ALL_IN, (site_id, start, minutes, start))
        return bool(cursor.fetchone()[0])


_ALL_IN = """
    SELECT NOT EXISTS (
        SELECT FROM meters_meteringpoint p JOIN meters_site s ON s.id = p.site_id
        WHERE p.site_id = %s AND p.role = 'boundary'
        AND NOT EXISTS (SELECT FROM meters_reading r WHERE r.site_id = p.site_id AND r.start = %s
                        AND r.metering_point_id = p.id AND r.minutes = %s)
        AND coalesce((SELECT bool_or(m.removed_on IS NULL OR m.removed_on >= (%s AT TIME ZONE s.timezone)::date)
                      FROM meters_meter m WHERE m.metering_point_id = p.id), true)
    )
"""


def reading_revision(site_id: int, start: datetime) -> int:
    """How often the interval's readings have changed: 0 where there are none yet. Read it before the readings."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT revision FROM meters_intervalrevision WHERE site_id = %s AND start = %s", (site_id, start)
        )
        row = cursor.fetchone()
    return int(row[0]) if row else 0


def boundary_points(site_id: int) -> list[BoundaryPoint]:
    """The metering points that are settled, by code."""
    found = MeteringPoint.objects.filter(site_id=site_id, role=MeteringPoint.Role.BOUNDARY).order_by("code")
    return [BoundaryPoint(*row) for row in found.values_list("pk", "code", "participant_id")]


def devices_of(site_id: int, participant_ids: Iterable[int]) -> dict[int, list[DeviceRow]]:
    """The devices of these participants at a site, by participant, in the order they were added."""
    fields = tuple(DeviceRow.__dataclass_fields__)
    found = Device.objects.filter(site_id=site_id, participant_id__in=list(participant_ids)).order_by("pk")
    devices: dict[int, list[DeviceRow]] = defaultdict(list)
    for row in found.values_list(*fields):
        device = DeviceRow(*row)
        devices[device.participant_id].append(device)
    return dict(devices)


def curve(
    site_id: int, participant_id: int, start: datetime, end: datetime, role: str = MeteringPoint.Role.BOUNDARY
) -> list[CurvePoint]:
    """What a participant's points of one role measured in [start, end), by interval; only intervals with a reading."""
    return curves(site_id, [participant_id], start, end, role).get(participant_id, [])


_CURVES = """
    SELECT p.participant_id, r.start, sum(r.import_wh)::bigint, sum(r.export_wh)::bigint,
           bool_or(r.quality = 'estimated')
    FROM (
        SELECT DISTINCT ON (start, metering_point_id) start, metering_point_id, import_wh, export_wh, quality
        FROM meters_reading WHERE start >= %s AND start < %s AND metering_point_id IN (
            SELECT id FROM meters_meteringpoint WHERE site_id = %s AND participant_id = ANY(%s) AND role = %s
        ) ORDER BY start, metering_point_id, version DESC
    ) r JOIN meters_meteringpoint p ON p.id = r.metering_point_id
    GROUP BY p.participant_id, r.start ORDER BY r.start
"""


def curves(
    site_id: int,
    participant_ids: Sequence[int],
    start: datetime,
    end: datetime,
    role: str = MeteringPoint.Role.BOUNDARY,
) -> dict[int, list[CurvePoint]]:
    """`curve` for several participants in one query; those without any reading are left out."""
    found: dict[int, list[CurvePoint]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_CURVES, (start, end, site_id, list(participant_ids), role))
        for participant_id, *row in cursor.fetchall():
            found[participant_id].append(CurvePoint(*row))
    return dict(found)


_SUB_METERED = """
    SELECT participant_id, sum(export_wh)::bigint FROM (
        SELECT p.participant_id, r.export_wh, r.version FROM meters_meteringpoint p LEFT JOIN LATERAL (
            SELECT export_wh, version FROM meters_reading
            WHERE site_id = p.site_id AND start = %s AND metering_point_id = p.id AND minutes = %s
            ORDER BY version DESC LIMIT 1
        ) r ON true WHERE p.site_id = %s AND p.role IN ('generation', 'storage')
    ) points GROUP BY participant_id
    HAVING bool_and(version IS NOT NULL) ORDER BY participant_id
"""


def sub_metered_output(site_id: int, start: datetime, minutes: int = 30) -> tuple[IntArray, IntArray]:
    """Generation and discharge in Wh (export of the sub-meters) by participant, for those with all sub-meters read."""
    with connection.cursor() as cursor:
        rows = read_columns(cursor, _SUB_METERED, (start, minutes, site_id), ("participant", "wh"))
    return rows["participant"], rows["wh"]


# One look along each point's own readings: sorted over all points at once, the planner may repeat the sort for each.
_OUTPUT = """
    SELECT p.participant_id, coalesce(sum(r.wh), 0)::bigint FROM meters_meteringpoint p LEFT JOIN LATERAL (
        SELECT sum(export_wh) AS wh FROM (
            SELECT DISTINCT ON (start) export_wh FROM meters_reading
            WHERE metering_point_id = p.id AND site_id = %s AND start >= %s AND start < %s ORDER BY start, version DESC
        ) latest
    ) r ON true
    WHERE p.site_id = %s AND p.role = 'generation' AND (%s::bigint[] IS NULL OR p.participant_id = ANY(%s::bigint[]))
    GROUP BY p.participant_id ORDER BY p.participant_id
"""


def output_since(
    site_id: int, start: datetime, end: datetime, participant_ids: Sequence[int] | None = None
) -> tuple[IntArray, IntArray]:
    """What the generation sub-meters of each participant (or of these) gave in [start, end), Wh; only those who have
    one."""
    chosen = None if participant_ids is None else list(participant_ids)
    values = (site_id, start, end, site_id, chosen, chosen)
    with connection.cursor() as cursor:
        rows = read_columns(cursor, _OUTPUT, values, ("participant", "wh"))
    return rows["participant"], rows["wh"]


@dataclass(frozen=True, slots=True)
class HalfHourUse:
    """What a participant's boundary took and gave in one half hour of the week over some days, Wh. Monday is 0."""

    weekday: int
    minute: int
    import_wh: int
    export_wh: int


def use_by_half_hour(
    site_id: int, participant_ids: Iterable[int], start: datetime, end: datetime, zone: ZoneInfo
) -> dict[int, list[HalfHourUse]]:
    """The latest boundary readings of [start, end) summed by the local half hour of the week, by participant."""
    with connection.cursor() as cursor:
        cursor.execute(_BY_HALF_HOUR, (zone.key, site_id, start, end, list(participant_ids)))
        rows = cursor.fetchall()
    found: dict[int, list[HalfHourUse]] = defaultdict(list)
    for participant, *figures in rows:
        found[participant].append(HalfHourUse(*figures))
    return dict(found)


_BY_HALF_HOUR = """
    SELECT participant_id, extract(isodow FROM local)::int - 1, (extract(epoch FROM local::time)::int / 1800) * 30,
           sum(import_wh)::bigint, sum(export_wh)::bigint
    FROM (
        SELECT DISTINCT ON (r.start, r.metering_point_id) p.participant_id, r.start AT TIME ZONE %s AS local,
               r.import_wh, r.export_wh
        FROM meters_reading r JOIN meters_meteringpoint p ON p.id = r.metering_point_id
        WHERE r.site_id = %s AND r.start >= %s AND r.start < %s AND p.role = 'boundary' AND p.participant_id = ANY(%s)
        ORDER BY r.start, r.metering_point_id, r.version DESC
    ) latest GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
