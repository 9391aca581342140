"""Readings over HTTP: loaded whole or not at all by administrators, read by those they belong to."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from meters.models import MeteringPoint, Reading
from tests.api.conftest import BASE, World
from tests.api.test_orders import error_of
from tests.factories import make_site

CSV = b"metering_point,start,import_kwh,export_kwh\nMP-1,2026-06-01 10:00,0.25,0\nMP-1,2026-06-01 10:30,1.5,0.001\n"
FIRST = "2026-06-01T03:00:00Z"


@pytest.fixture
def point(world: World) -> MeteringPoint:
    return MeteringPoint.objects.create(site=world.market.site, participant=world.p0, code="MP-1", max_import_w=10_000)


def row(**changes: Any) -> dict[str, Any]:
    return {"metering_point": "MP-1", "start": FIRST, "import_wh": 250, "export_wh": 0} | changes


WINDOW = {"metering_point": "MP-1", "from": "2026-06-01T00:00:00Z", "to": "2026-06-02T00:00:00Z"}


def test_readings_are_loaded_corrected_and_read(world: World, point: MeteringPoint) -> None:
    loaded = world.admin.post("readings", {"rows": [row(), row(start="2026-06-01T10:30:00+07:00")]})
    assert (loaded.status_code, loaded.json()["new"]) == (200, 2)
    again = world.admin.post("readings", {"rows": [row(import_wh=300), row(start="2026-06-01T03:30:00Z")]}).json()
    assert (again["new"], again["corrected"], again["unchanged"]) == (0, 1, 1)
    for reader in (world.anna, world.chi, world.admin):
        told = reader.get("readings", **WINDOW).json()
        assert (told["participant"], told["site"]) == ("p0", "campus")
        assert [(r["start"], r["import_wh"], r["version"]) for r in told["readings"]] == [
            ("2026-06-01T03:00:00Z", 300, 2),
            ("2026-06-01T03:30:00Z", 250, 1),
        ]


def test_nobody_reads_somebody_elses_readings(world: World, point: MeteringPoint) -> None:
    for stranger in (world.binh, world.dung):
        assert error_of(stranger.get("readings", **WINDOW)) == (404, "unknown_metering_point")
    assert error_of(world.anna.get("readings", metering_point="MP-9")) == (404, "unknown_metering_point")


def test_members_load_nothing(world: World, point: MeteringPoint) -> None:
    for member in (world.anna, world.binh, world.chi):
        assert error_of(member.post("readings", {"rows": [row()]})) == (403, "forbidden")
        assert error_of(member.raw("readings/csv", CSV, "text/csv")) == (403, "forbidden")
    assert not Reading.objects.exists()


REFUSED = [
    (row(metering_point="MP-9"), 422, "unknown_metering_point"),
    (row(start="2026-06-01T03:10:00Z"), 422, "off_grid"),
    (row(start=(datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%dT%H:00:00Z")), 422, "in_the_future"),
    (row(import_wh=5_001), 422, "above_limit"),
    (row(), 422, "duplicate_row"),
    (row(quality="guessed"), 400, "invalid_message"),
    (row(import_wh=-1), 400, "invalid_message"),
    (row(import_wh=True), 400, "invalid_message"),
    (row(import_wh=10**30), 400, "invalid_message"),
    (row(start="2026-06-01T03:00:00"), 400, "invalid_message"),
    (row(start="9999-12-31T23:30:00-14:00"), 400, "invalid_parameter"),
    (row(metering_point="a\x00"), 400, "invalid_message"),
]


@pytest.mark.parametrize(("bad", "status", "code"), REFUSED)
def test_one_bad_row_refuses_all(world: World, point: MeteringPoint, bad: Any, status: int, code: str) -> None:
    answer = world.admin.post("readings", {"rows": [row(), bad]})
    assert error_of(answer) == (status, code)
    assert answer.json()["error"]["field"].startswith("rows[")
    assert not Reading.objects.exists()


def test_a_csv_is_loaded_as_a_body_or_as_a_form(world: World, point: MeteringPoint) -> None:
    loaded = world.admin.raw("readings/csv", CSV, "text/csv")
    assert (loaded.status_code, loaded.json()["new"]) == (200, 2)
    form = {"file": SimpleUploadedFile("june.csv", CSV, "text/csv")}
    again = world.admin.client.post(BASE + "readings/csv", form, headers=world.admin.headers)
    assert (again.status_code, again.json()["unchanged"]) == (200, 2)


def test_a_bad_csv_names_file_line_and_column_and_loads_nothing(world: World, point: MeteringPoint) -> None:
    bad = CSV + b"MP-7,2026-06-01 11:00,x,0\n"
    form = {"file": SimpleUploadedFile("june.csv", bad, "text/csv")}
    answer = world.admin.client.post(BASE + "readings/csv", form, headers=world.admin.headers)
    assert error_of(answer) == (422, "csv_rejected")
    error = answer.json()["error"]
    assert error["details_total"] == 2
    assert [(d["file"], d["line"], d["column"], d["code"]) for d in error["details"]] == [
        ("june.csv", 4, "import_kwh", "not_a_number"),
        ("june.csv", 4, "metering_point", "unknown_metering_point"),
    ]
    assert not Reading.objects.exists()


def test_gaps_are_errors_unless_allowed(world: World, point: MeteringPoint) -> None:
    gap = CSV + b"MP-1,2026-06-01 11:30,1,0\n"
    assert error_of(world.admin.raw("readings/csv", gap, "text/csv")) == (422, "csv_rejected")
    loaded = world.admin.raw("readings/csv?allow_gaps=true", gap, "text/csv").json()
    assert (loaded["new"], loaded["warnings_total"]) == (3, 1)


BAD_UPLOADS = [
    (b"\n", "text/csv", 422),
    (b"\x00\x01\x02", "text/csv", 422),
    (b"\xff\xfe\x00", "text/csv", 422),
    (CSV, "application/json", 415),
    (CSV, "", 415),
    (b"no form", "multipart/form-data; boundary=x", 400),
    (b"no form", "multipart/form-data", 400),
    (
        b'--x\r\nContent-Disposition: form-data; name="other"\r\n\r\n1\r\n--x--\r\n',
        "multipart/form-data; boundary=x",
        400,
    ),
]


@pytest.mark.parametrize(("data", "kind", "status"), BAD_UPLOADS)
def test_an_upload_that_is_none(world: World, point: MeteringPoint, data: bytes, kind: str, status: int) -> None:
    assert world.admin.raw("readings/csv", data, kind).status_code == status


def test_a_strange_file_name_harms_nothing(world: World, point: MeteringPoint) -> None:
    body = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a\x00\x01%00.csv"\r\n\r\n'
        + CSV
        + b"\r\n--x--\r\n"
    )
    assert world.admin.raw("readings/csv", body, "multipart/form-data; boundary=x").status_code == 200


def test_with_several_sites_one_must_be_named(world: World, point: MeteringPoint) -> None:
    other = make_site("park")
    MeteringPoint.objects.create(site=other, participant=world.p0, code="MP-1")
    assert error_of(world.admin.post("readings", {"rows": [row()]})) == (400, "site_required")
    assert world.admin.post("readings", {"rows": [row()], "site": "park"}).json()["new"] == 1
    assert error_of(world.admin.post("readings", {"rows": [row()], "site": "moon"})) == (404, "unknown_site")
    assert error_of(world.anna.get("readings", **WINDOW)) == (400, "site_required")
    assert len(world.anna.get("readings", **WINDOW, site="park").json()["readings"]) == 1
    assert world.anna.get("readings", **WINDOW, site="campus").json()["readings"] == []
