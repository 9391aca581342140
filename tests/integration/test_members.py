"""Members written one by one and by spreadsheet: whole or not at all, once, and only at their own site."""

import threading
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEntry, Invitation, Participant
from members.domain.sheet import SheetRefused, csv_file, group_rows, read_sheet
from members.models import MemberSheet, MemberSheetRow
from members.operations import (
    MemberRefused,
    SheetError,
    apply_member,
    begin_sheet,
    check_sheet,
    discard_sheet,
    load_some,
    retire_member,
)
from members.operations import sheets as loading
from members.queries import MemberFilter, described, member_rows, sheet_rows
from meters.models import Channel, Device, Meter, MeteringPoint
from meters.operations import EquipmentRefused, NewMeter, exchange_meter
from meters.queries import all_boundary_readings_in
from tariffs.models import TariffAssignment
from tests.members_world import HOME, NOW, Sites, group, make_sites, sheet
from trading.models import Admission

pytestmark = pytest.mark.django_db


@pytest.fixture
def sites() -> Sites:
    return make_sites()


def apply(sites: Sites, adding: bool = False, **cells: str):
    return apply_member(
        market=sites.east, group=group(**cells), by=sites.lan, at=NOW, wall=datetime.now(UTC), adding=adding
    )


def test_a_member_is_written_with_everything_it_has(sites: Sites) -> None:
    made = apply(sites, **HOME)
    assert made.state == "new" and made.secret and made.invitation is not None
    home = Participant.objects.get(code="b1")
    meter = Meter.objects.get(metering_point__participant=home)
    assert (meter.serial, meter.start_import_wh, meter.installed_on) == ("EM-1001", 1_204_500, date(2026, 6, 2))
    assert sorted(Channel.objects.filter(meter=meter).values_list("obis", flat=True)) == ["1.8.0", "2.8.0"]
    devices = (
        Device.objects.filter(participant=home).order_by("pk").values_list("kind", "peak_w", "capacity_wh", "charge_w")
    )
    assert list(devices) == [("pv", 5_500, 0, 0), ("battery", 0, 5_000, 2_500)]
    assert Admission.objects.get(participant=home).credit_limit_millidong == 5_000_000_000
    assert TariffAssignment.objects.get(participant=home).valid_from == date(2026, 6, 2)
    actions = set(AuditEntry.objects.filter(by=sites.lan).values_list("action", flat=True))
    assert actions >= {
        "participant.created", "admission.granted", "tariff.assigned", "point.added", "meter.installed", "device.set",
        "invitation.sent",
    }  # fmt: skip


def test_the_same_again_changes_nothing_and_writes_no_trail(sites: Sites) -> None:
    apply(sites, **HOME)
    trail = AuditEntry.objects.count()
    again = apply(sites, **HOME)
    assert again.state == "unchanged" and not again.secret
    assert AuditEntry.objects.count() == trail


def test_only_what_differs_is_changed(sites: Sites) -> None:
    apply(sites, **HOME)
    assert apply(sites, code="b1", pv_kwp="6", tariff="factory").state == "changed"
    assert Device.objects.get(kind="pv").peak_w == 6_000
    assert Device.objects.get(kind="battery").capacity_wh == 5_000
    assert TariffAssignment.objects.latest("valid_from").valid_from == date(2026, 6, 3)
    assert apply(sites, code="b1", pv_kwp="6", tariff="factory").state == "unchanged"
    apply(sites, code="b1", pv_kwp="0")
    assert not Device.objects.filter(kind="pv").exists()


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ({"tariff": "moon"}, "unknown_tariff"),
        ({"name": ""}, "no_name"),
        ({"kind": "castle"}, "bad_choice"),
        ({"pv_kwp": "-1"}, "negative"),
        ({"pv_kwp": "=1+1"}, "not_a_number"),
        ({"digits": "3"}, "register_full"),
        ({"battery_kwh": ""}, "power_alone"),
        ({"point": ""}, "no_point"),
        ({"code": "Nhà 1"}, "bad_code"),
        ({"email": "nobody"}, "bad_email"),
        ({"installed_on": "soon"}, "bad_day"),
        ({"multiplier": "0"}, "bad_multiplier"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(sites: Sites, cells: dict[str, str], code: str) -> None:
    with pytest.raises(MemberRefused) as refused:
        apply(sites, **(HOME | cells))
    assert code in [mistake.code for mistake in refused.value.mistakes_kept]
    assert not Participant.objects.exists() and not Admission.objects.exists()


def test_points_and_serials_of_others_are_refused(sites: Sites) -> None:
    apply(sites, **HOME)
    for cells, code in (
        ({"serial": "EM-2"}, "point_of_other"),
        ({"point": "B2"}, "serial_taken"),
    ):
        with pytest.raises(MemberRefused) as refused:
            apply(sites, **(HOME | {"code": "b2", "name": "Nhà B2"} | cells))
        assert code in [mistake.code for mistake in refused.value.mistakes_kept]
    with pytest.raises(MemberRefused) as refused:
        apply(sites, code="b1", point="B1", serial="EM-9")
    assert refused.value.code == "other_meter"


@pytest.mark.django_db(transaction=True)
def test_two_administrators_who_add_the_same_code_make_one_member(sites: Sites) -> None:
    ends: list[str] = []
    start = threading.Barrier(2)

    def add(by) -> None:
        start.wait()
        try:
            cells = HOME | {"email": f"{by.username}@example.vn"}
            apply_member(market=sites.east, group=group(**cells), by=by, at=NOW, wall=datetime.now(UTC), adding=True)
            ends.append("added")
        except (MemberRefused, EquipmentRefused) as error:
            ends.append(error.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=add, args=(by,)) for by in (sites.lan, sites.minh)]
    [thread.start() for thread in threads]
    [thread.join(30) for thread in threads]
    assert sorted(ends) == ["added", "already_member"]
    assert Participant.objects.count() == Admission.objects.count() == Meter.objects.count() == 1
    assert Invitation.objects.count() == 1


def test_a_member_may_belong_to_two_sites_under_one_name(sites: Sites) -> None:
    apply(sites, **HOME)
    west = {"code": "b1", "name": "Nhà B1", "kind": "household", "tariff": "home", "point": "B1", "serial": "W-1"}
    wrong = group(**(west | {"name": "Somebody else"}))
    with pytest.raises(MemberRefused) as refused:
        apply_member(market=sites.west, group=wrong, by=sites.lan, at=NOW, wall=datetime.now(UTC))
    assert refused.value.code == "known_elsewhere"
    apply_member(market=sites.west, group=group(**west), by=sites.lan, at=NOW, wall=datetime.now(UTC))
    assert Participant.objects.count() == 1 and Admission.objects.count() == 2
    assert MeteringPoint.objects.filter(code="B1").count() == 2


def test_a_meter_is_exchanged_with_its_registers(sites: Sites) -> None:
    apply(sites, **HOME)
    point = MeteringPoint.objects.get(code="B1")
    new = NewMeter("em 2002", date(2026, 6, 5), start_import_wh=3_000)
    with pytest.raises(EquipmentRefused, match="shows 0 kWh or more"):
        exchange_meter(point=point, end_import_wh=-1, end_export_wh=0, meter=new, by=sites.lan, at=NOW)
    with pytest.raises(EquipmentRefused):
        early = replace(new, installed_on=date(2026, 6, 1))
        exchange_meter(point=point, end_import_wh=1, end_export_wh=0, meter=early, by=sites.lan, at=NOW)
    exchange_meter(point=point, end_import_wh=1_300_000, end_export_wh=0, meter=new, by=sites.lan, at=NOW)
    rows = list(point.meters.order_by("installed_on").values_list("serial", "removed_on", "end_import_wh"))
    assert rows == [("EM-1001", date(2026, 6, 5), 1_300_000), ("EM2002", None, None)]


def test_who_leaves_trades_no_more_and_holds_up_no_settlement(sites: Sites) -> None:
    apply(sites, **HOME)
    home, point = Participant.objects.get(code="b1"), MeteringPoint.objects.get(code="B1")
    with pytest.raises(MemberRefused):
        retire_member(market=sites.east, participant=home, shown_wh={}, by=sites.lan, at=NOW)
    assert Admission.objects.get().active
    retire_member(market=sites.east, participant=home, shown_wh={point.pk: (2_000_000, 0)}, by=sites.lan, at=NOW)
    admission = Admission.objects.get()
    assert (admission.active, admission.ended_at) == (False, NOW)
    assert Meter.objects.get().removed_on == date(2026, 6, 2)
    assert not all_boundary_readings_in(sites.east.site_id, NOW)  # of the day itself they still count
    assert all_boundary_readings_in(sites.east.site_id, datetime(2026, 6, 3, 3, 0, tzinfo=UTC))
    assert apply(sites, code="b1").state == "changed" and Admission.objects.get().active


def load(sites: Sites, data: bytes) -> MemberSheet:
    made = check_sheet(market=sites.east, data=data, name="members.csv", by=sites.lan, at=NOW, address="http://here")
    begin_sheet(sheet=made, by=sites.lan, at=NOW)
    for _step in range(1_000):
        if not load_some(made.pk, datetime.now(UTC)):
            break
    made.refresh_from_db()
    return made


FACTORY = {
    "code": "det",
    "name": "Dệt Bình Minh",
    "kind": "tenant",
    "tariff": "factory",
    "point": "D1",
    "serial": "T-1",
}
SECOND = {"code": "det", "point": "D2", "serial": "T-2", "max_import_kw": "400"}


def states(made: MemberSheet) -> list[str]:
    return list(made.rows.order_by("line").values_list("state", flat=True))


def test_a_sheet_is_checked_first_and_then_applied(sites: Sites) -> None:
    wrong = {"code": "b3", "name": "Nhà B3", "kind": "household", "tariff": "moon"}
    data = sheet(HOME, FACTORY, SECOND, wrong)
    checked = check_sheet(market=sites.east, data=data, name="m.csv", by=sites.lan, at=NOW)
    assert states(checked) == ["new", "new", "new", "refused"]
    assert not Participant.objects.exists()
    discard_sheet(sheet=checked)
    with pytest.raises(SheetError, match="thrown away"):
        begin_sheet(sheet=checked, by=sites.lan, at=NOW)
    made = load(sites, data)
    assert (made.state, made.done, made.total) == ("applied", 3, 3)
    assert sorted(Participant.objects.values_list("code", flat=True)) == ["b1", "det"]
    assert MeteringPoint.objects.filter(participant__code="det").count() == 2
    assert AuditEntry.objects.get(action="members.loaded").detail == {"members": 2, "refused": 1, "file": "members.csv"}


def test_the_same_file_twice_and_the_export_change_nothing(sites: Sites) -> None:
    load(sites, sheet(HOME, FACTORY, SECOND))
    again = check_sheet(market=sites.east, data=sheet(HOME, FACTORY, SECOND), name="m", by=sites.lan, at=NOW)
    assert states(again) == ["unchanged"] * 3
    with pytest.raises(SheetError, match="Nothing in the file"):
        begin_sheet(sheet=again, by=sites.lan, at=NOW)
    export = csv_file(sheet_rows(sites.east))
    back = check_sheet(market=sites.east, data=export, name="m", by=sites.lan, at=NOW)
    assert states(back) == ["unchanged"] * 3, [row.mistakes or row.changes for row in back.rows.all()]


def test_a_member_that_became_wrong_since_the_check_is_refused_alone(sites: Sites) -> None:
    made = check_sheet(market=sites.east, data=sheet(HOME, FACTORY), name="m", by=sites.lan, at=NOW)
    apply(sites, code="other", name="Other", kind="dorm", tariff="home", point="D1", serial="X-1")
    begin_sheet(sheet=made, by=sites.lan, at=NOW)
    assert load_some(made.pk, datetime.now(UTC), most=1)  # one member at a time
    made.refresh_from_db()
    assert (made.done, made.state) == (1, "applying")
    while load_some(made.pk, datetime.now(UTC)):
        pass
    assert states(made) == ["new", "refused"]
    assert not Participant.objects.filter(code="det").exists()


def test_an_unforeseen_error_refuses_its_member_and_a_database_that_is_away_none(sites: Sites, monkeypatch) -> None:
    made = check_sheet(market=sites.east, data=sheet(HOME, FACTORY), name="m", by=sites.lan, at=NOW)
    begin_sheet(sheet=made, by=sites.lan, at=NOW)

    def fails(error: Exception):
        def write(*, group, **others):
            if group.code == "b1":
                raise error
            return apply_member(group=group, **others)

        monkeypatch.setattr(loading, "apply_member", write)

    fails(OperationalError("the connection was lost"))
    with pytest.raises(OperationalError):
        load_some(made.pk, datetime.now(UTC))
    assert states(made) == ["new", "new"] and not made.rows.filter(applied=True).exists()
    fails(ZeroDivisionError())
    while load_some(made.pk, datetime.now(UTC)):
        pass
    made.refresh_from_db()
    assert made.state == "applied" and states(made) == ["refused", "new"]
    assert "the worker's log tells it" in str(made.rows.get(code="b1").mistakes)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty_file"),
        (b"x" * 4_000_001, "too_large"),
        ("code,name\nb1,Nhà\n".encode("cp1258", "replace"), "not_utf8"),
        (b"PK\x03\x04 no zip at all", "not_readable"),
        (b"name\nb1\n", "no_code_column"),
        (b"code,colour\nb1,red\n", "unknown_column"),
        (b"code,code\nb1,b1\n", "column_twice"),
        (b"code,name\n", "no_rows"),
        (b'code,name\nb1,"open\n', "not_csv"),
    ],
)
def test_a_file_that_is_no_sheet_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(SheetRefused) as refused:
        read_sheet(data)
    assert refused.value.code == code


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_semicolons_and_decimal_commas_are_read_in_every_unicode(encoding: str) -> None:
    data = "code;name;pv_kwp\r\nb1;Nhà Đức;5,5\r\n".encode(encoding)
    row = read_sheet(data)[0]
    assert row.values == {"code": "b1", "name": "Nhà Đức", "pv_kwp": 5_500} and not row.mistakes


def test_duplicates_and_contradictions_are_found_by_line() -> None:
    rows = read_sheet(sheet(HOME, HOME, {"code": "b1", "name": "Other", "point": "B7"}, {"code": "b1"}))
    found = {line: [m.code for m in wrong] for line, wrong in group_rows(rows)[0].mistakes.items()}
    assert found == {3: ["point_twice", "serial_twice"], 4: ["differs"], 5: ["code_twice"]}


def test_the_list_is_searched_filtered_and_of_one_market(sites: Sites) -> None:
    load(sites, sheet(HOME, FACTORY, SECOND))

    def names(market=sites.east, **wanted: str) -> list[str]:
        return [row.code for row in described(market, list(member_rows(market, MemberFilter(**wanted))))]

    assert names() == ["det", "b1"]
    assert names(text="em-10") == ["b1"] and names(kind="tenant") == ["det"] and names(state="waiting") == ["det", "b1"]
    assert names(state="left") == [] and names(sites.west) == []
    row = described(sites.east, list(member_rows(sites.east, MemberFilter(text="det"))))[0]
    assert row.meters == ("T-1", "T-2") and row.tariff == "factory"


def test_rows_of_a_sheet_are_kept_with_it(sites: Sites) -> None:
    made = load(sites, sheet(HOME))
    assert MemberSheetRow.objects.filter(sheet=made, applied=True).count() == 1


def test_the_rules_are_locked_before_the_admission_as_settlement_does(sites: Sites) -> None:
    load(sites, sheet(HOME))
    with CaptureQueriesContext(connection) as asked:
        load(sites, sheet(HOME | {"tariff": "factory", "renter": "yes"}))
    locks = [each["sql"] for each in asked if "FOR UPDATE" in each["sql"] or "FOR NO KEY UPDATE" in each["sql"]]
    rules = next(n for n, text in enumerate(locks) if "tariffs_" in text)
    admission = next(n for n, text in enumerate(locks) if "trading_admission" in text)
    assert rules < admission
