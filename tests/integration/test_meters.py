"""Readings on real PostgreSQL: versions, repeats, refusals, races, and what settlement reads of them."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from accounts.models import AuditEntry, Participant
from meters.domain.readings_csv import CsvRejected
from meters.models import Device, Meter, MeteringPoint, Reading, Site
from meters.operations import (
    NewReading,
    ReadingRejected,
    Recorded,
    StateOfChargeRejected,
    import_csv,
    record_readings,
    record_state_of_charge,
)
from meters.queries import (
    all_boundary_readings_in,
    boundary_points,
    current_readings,
    curve,
    devices_of,
    output_since,
    reading_revision,
    sub_metered_output,
)

TEN = datetime(2026, 6, 2, 3, 0, tzinfo=UTC)  # 10:00 in Hồ Chí Minh City
HALF_HOUR = timedelta(minutes=30)
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def site() -> Site:
    made = Site.objects.create(code="campus", name="Campus")
    for code in ("b1", "b2"):
        person = Participant.objects.create(code=code, name=code, kind="household")
        MeteringPoint.objects.create(site=made, participant=person, code=f"MP-{code}", max_import_w=10_000)
    return made


def record(site: Site, *rows: NewReading, at: datetime = TEN + HALF_HOUR) -> Recorded:
    return record_readings(site=site, rows=rows, by=None, at=at, source="test")


def stored(site: Site) -> list[tuple[str, int, int, int, str]]:
    rows = Reading.objects.filter(site=site).order_by("metering_point__code", "start", "version")
    return list(rows.values_list("metering_point__code", "version", "import_wh", "export_wh", "quality"))


def test_a_reading_is_new_then_unchanged_then_corrected(site: Site) -> None:
    reading = NewReading("MP-b1", TEN, 1_500, 0)
    assert record(site, reading) == Recorded(1, 0, 0)
    assert record(site, reading) == Recorded(0, 0, 1)
    assert reading_revision(site.pk, TEN) == 1
    assert record(site, reading._replace(import_wh=1_480)) == Recorded(0, 1, 0)
    assert stored(site) == [("MP-b1", 1, 1_500, 0, "measured"), ("MP-b1", 2, 1_480, 0, "corrected")]
    assert reading_revision(site.pk, TEN) == 2
    assert [entry.detail["new"] for entry in AuditEntry.objects.order_by("pk")] == [1, 0, 0]


def test_a_measurement_takes_the_place_of_an_equal_estimate(site: Site) -> None:
    record(site, NewReading("MP-b1", TEN, 900, 0, "estimated"))
    assert record(site, NewReading("MP-b1", TEN, 900, 0)) == Recorded(0, 1, 0)
    assert record(site, NewReading("MP-b1", TEN, 900, 0, "estimated")) == Recorded(0, 0, 1)
    assert not current_readings(site.pk, TEN).estimated[0]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (NewReading("MP-zz", TEN, 1, 0), "unknown_metering_point"),
        (NewReading("MP-b2", TEN, -1, 0), "negative_energy"),
        (NewReading("MP-b2", TEN + timedelta(minutes=7), 1, 0), "off_grid"),
        (NewReading("MP-b2", TEN + HALF_HOUR, 1, 0), "in_the_future"),
        (NewReading("MP-b2", TEN, 5_001, 0), "above_limit"),
        (NewReading("MP-b2", TEN, 1, 0, "guessed"), "unknown_quality"),
        (NewReading("MP-b1", TEN, 7, 0), "duplicate_row"),
    ],
)
def test_one_wrong_reading_refuses_all(site: Site, wrong: NewReading, code: str) -> None:
    with pytest.raises(ReadingRejected) as refused:
        record(site, NewReading("MP-b1", TEN, 1_500, 0), wrong)
    assert (refused.value.code, refused.value.index) == (code, 1)
    assert "Nothing was recorded." in str(refused.value)
    assert stored(site) == [] and not AuditEntry.objects.exists()


def test_readings_are_never_altered_or_deleted(site: Site) -> None:
    record(site, NewReading("MP-b1", TEN, 1_500, 0))
    for statement in ("UPDATE meters_reading SET import_wh = 0", "DELETE FROM meters_reading"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    assert stored(site) == [("MP-b1", 1, 1_500, 0, "measured")]


def test_two_gateways_at_once_make_one_version_each(site: Site) -> None:
    """Ten senders of ten different values: ten versions, none lost, none doubled; the last repeat changes nothing."""
    start = threading.Barrier(10)
    failures: list[BaseException] = []

    def send(value: int) -> None:
        try:
            start.wait()
            record(site, NewReading("MP-b1", TEN, value, 0), NewReading("MP-b2", TEN, 5, 0))
        except BaseException as failure:
            failures.append(failure)
        finally:
            connection.close()

    senders = [threading.Thread(target=send, args=(value,)) for value in range(10)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert failures == []
    versions = [(version, value) for code, version, value, *_ in stored(site) if code == "MP-b1"]
    assert [version for version, _ in versions] == list(range(1, 11))
    assert {value for _, value in versions} == set(range(10))
    assert [row[:2] for row in stored(site) if row[0] == "MP-b2"] == [("MP-b2", 1)]


def test_a_csv_is_recorded_whole_or_not_at_all(site: Site) -> None:
    good = (
        "metering_point;start;import_kwh;export_kwh\nMP-b1;02/06/2026 10:00;1,25;0\nMP-b1;02/06/2026 10:30;0,5;0,125\n"
    )
    recorded, parsed = import_csv(site=site, data=good.encode("utf-8-sig"), by=None, at=TEN + 2 * HALF_HOUR)
    assert recorded == Recorded(2, 0, 0) and parsed.warnings_total == 0
    assert [row[2:4] for row in stored(site)] == [(1_250, 0), (500, 125)]

    bad = good.replace("0,125", "-1") + "MP-b1;02/06/2026 11:30;1;0\n"
    with pytest.raises(CsvRejected) as refused:
        import_csv(site=site, data=bad.encode(), by=None, at=TEN + timedelta(days=1), file_name="june.csv")
    assert str(refused.value.errors[0]).startswith("june.csv, line 3, column export_kwh")
    assert len(stored(site)) == 2


def test_register_values_are_multiplied_by_the_meter_that_hangs_there(site: Site) -> None:
    point = MeteringPoint.objects.get(code="MP-b1")
    Meter.objects.create(
        metering_point=point, serial="A", multiplier=1, installed_on="2024-01-01", removed_on="2026-01-01"
    )
    Meter.objects.create(metering_point=point, serial="B", multiplier=10, installed_on="2026-01-01")
    data = b"metering_point,start,import_register_kwh,export_register_kwh\n"
    data += b"MP-b1,2026-06-02 10:00,100.0,0\nMP-b1,2026-06-02 10:30,100.1,0\n"
    import_csv(site=site, data=data, by=None, at=TEN + timedelta(hours=2))
    assert stored(site) == [("MP-b1", 1, 1_000, 0, "measured")]


def test_a_participant_is_the_sum_of_its_boundary_points(site: Site) -> None:
    person = Participant.objects.get(code="b1")
    MeteringPoint.objects.create(site=site, participant=person, code="MP-b1-shed")
    MeteringPoint.objects.create(site=site, participant=person, code="PV-b1", role="generation")
    record(
        site,
        NewReading("MP-b1", TEN, 1_000, 5),
        NewReading("MP-b1-shed", TEN, 200, 0),
        NewReading("PV-b1", TEN, 0, 3_000),
        NewReading("MP-b2", TEN, 7, 0),
    )
    record(site, NewReading("MP-b1-shed", TEN, 300, 0))
    now = current_readings(site.pk, TEN)
    other = Participant.objects.get(code="b2").pk
    assert now.participant_ids.tolist() == sorted([person.pk, other])
    assert (now.import_wh.tolist(), now.export_wh.tolist()) == ([1_300, 7], [5, 0])
    assert (now.version.tolist(), now.estimated.tolist()) == ([2, 1], [False, False])
    assert [point.code for point in boundary_points(site.pk)] == ["MP-b1", "MP-b1-shed", "MP-b2"]
    owners, wh = sub_metered_output(site.pk, TEN)
    assert (owners.tolist(), wh.tolist()) == ([person.pk], [3_000])
    assert output_since(site.pk, TEN, TEN + HALF_HOUR)[1].tolist() == [3_000]
    assert [(point.import_wh, point.export_wh) for point in curve(site.pk, person.pk, TEN, TEN + HALF_HOUR)] == [
        (1_300, 5)
    ]


def test_a_missing_reading_is_the_mean_of_the_same_hour_before(site: Site) -> None:
    for days, wh in ((1, 100), (2, 201), (9, 4_999)):
        start = TEN - timedelta(days=days)
        record(site, NewReading("MP-b1", start, wh, 2 * wh), at=start + HALF_HOUR)
    record(site, NewReading("MP-b1", TEN - timedelta(days=3), 4_000, 0, "estimated"))
    assert not all_boundary_readings_in(site.pk, TEN)
    now = current_readings(site.pk, TEN)
    assert (now.import_wh.tolist(), now.export_wh.tolist()) == ([150, 0], [301, 0])  # nothing is known of b2
    assert (now.version.tolist(), now.estimated.tolist()) == ([0, 0], [True, True])
    record(site, NewReading("MP-b1", TEN, 1, 1), NewReading("MP-b2", TEN, 2, 2))
    assert all_boundary_readings_in(site.pk, TEN)


def test_estimates_keep_the_local_hour_when_clocks_change() -> None:
    berlin = Site.objects.create(code="berlin", name="Berlin", timezone="Europe/Berlin")
    person = Participant.objects.create(code="b", name="b", kind="household")
    MeteringPoint.objects.create(site=berlin, participant=person, code="B")
    saturday = datetime(2026, 3, 28, 11, 0, tzinfo=UTC)  # 12:00 in winter
    record(berlin, NewReading("B", saturday, 500, 0), at=saturday + HALF_HOUR)
    sunday_noon = datetime(2026, 3, 29, 10, 0, tzinfo=UTC)  # 12:00 in summer
    assert current_readings(berlin.pk, sunday_noon).import_wh.tolist() == [500]


def test_a_reading_of_another_length_is_no_reading_of_the_interval(site: Site) -> None:
    record_readings(
        site=site, rows=[NewReading("MP-b1", TEN, 5, 0)], by=None, at=TEN + HALF_HOUR, source="test", minutes=15
    )
    assert current_readings(site.pk, TEN).version.tolist() == [0, 0]
    assert current_readings(site.pk, TEN, 15).version.tolist() == [1, 0]


def test_the_state_of_charge_stays_within_the_battery(site: Site) -> None:
    owner = Participant.objects.get(code="b1")
    battery = Device.objects.create(site=site, participant=owner, name="battery", kind="battery", capacity_wh=10_000)
    assert record_state_of_charge(device=battery, soc_wh=4_000, by=None, at=TEN)
    assert not record_state_of_charge(device=battery, soc_wh=9_000, by=None, at=TEN - HALF_HOUR)
    with pytest.raises(StateOfChargeRejected) as refused:
        record_state_of_charge(device=battery, soc_wh=10_001, by=None, at=TEN + HALF_HOUR)
    assert refused.value.code == "soc_out_of_range"
    (row,) = devices_of(site.pk, [owner.pk])[owner.pk]
    assert (row.soc_wh, row.soc_at, row.capacity_wh) == (4_000, TEN, 10_000)
