"""Certificates on PostgreSQL: issued once, handed on with what was delivered, corrected, used up, never used twice."""

import threading
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from accounts.models import AuditEntry
from settlement.models import CertificateEvent, CertifiedContract, GreenSurplus
from settlement.operations import settle
from settlement.operations.certificates import (
    CertificateError,
    issue,
    issue_due,
    lock,
    retire,
    retire_for_report,
)
from settlement.queries.certificates import certificate_invariants, certificates_of, holdings, open_debts, trail
from tests.certificate_world import (
    YEAR,
    add_panels,
    add_storage,
    broken_laws,
    certificates,
    settle_and_issue,
    sub_read,
    sums,
)
from tests.settlement_world import HALF_HOUR, TUESDAY_TEN, World, make_world
from trading.models import Contract

pytestmark = pytest.mark.django_db(transaction=True)
AT = TUESDAY_TEN + timedelta(days=1)


@pytest.fixture
def world() -> World:
    """A roof with panels that sells to a lab and a shop, and offers the rest to the pool."""
    made = make_world()
    made.add("roof", ask=900)
    made.add("lab", retail=3_000)
    made.add("shop", retail=3_000, bid=2_000)
    add_panels(made, "roof")
    return made


def morning(world: World, *, export_wh: int = 10_000, pv_wh: int = 12_000) -> Contract:
    contract = world.contract()
    world.trade(contract, "roof", "lab", 5_000, 1_700)
    world.read({"roof": (0, export_wh), "lab": (6_000, 0), "shop": (3_000, 0)})
    sub_read(world, {"PV-roof": (0, pv_wh)})
    return contract


def use(world: World, code: str, how=retire, **more) -> int:
    values = {"purpose": "a report"} if how is not lock else {"registry": "I-REC", "reference": "VN-7"}
    used = how(
        market_id=world.market.pk, participant_id=world.people[code].pk, start=YEAR[0], end=YEAR[1], by=None, at=AT,
        **values, **more,
    )  # fmt: skip
    return used.wh


def test_green_goes_to_the_buyer_the_pool_and_the_producer(world: World) -> None:
    done = settle_and_issue(morning(world))
    assert done.issued_wh == 10_000
    assert certificates(world) == [
        ("roof", "lab", "pv", 0, 5_000, "transferred"),
        ("roof", "shop", "pv", 5_000, 8_000, "transferred"),
        ("roof", "roof", "pv", 8_000, 10_000, "issued"),
    ]
    row = GreenSurplus.objects.get()
    assert (row.output_wh, row.green_wh, row.certified_wh) == (12_000, 10_000, 10_000)
    assert row.hour_start == TUESDAY_TEN and row.reading_version == 1
    assert broken_laws(world) == ()


def test_only_what_the_panels_gave_is_green(world: World) -> None:
    settle_and_issue(morning(world, pv_wh=4_000))
    assert certificates(world) == [("roof", "lab", "pv", 0, 4_000, "transferred")]


def test_an_estimate_issues_nothing_until_the_reading_is_there(world: World) -> None:
    contract = world.contract()
    world.read({"lab": (6_000, 0), "shop": (3_000, 0)})
    sub_read(world, {"PV-roof": (0, 12_000)}, quality="estimated")
    settle_and_issue(contract)
    assert certificates(world) == []
    world.read({"roof": (0, 3_000)})
    settle_and_issue(contract)
    assert certificates(world) == []
    sub_read(world, {"PV-roof": (0, 12_000)})
    settle_and_issue(contract)
    assert sums(world) == {("shop", "transferred"): 3_000}


def test_issued_again_nothing_changes(world: World) -> None:
    contract = morning(world)
    settle_and_issue(contract)
    before, events = certificates(world), CertificateEvent.objects.count()
    assert issue(contract_id=contract.pk, at=AT) is None
    CertifiedContract.objects.update(stale=True)
    done = issue(contract_id=contract.pk, at=AT)
    assert (done.issued_wh, done.voided_wh, done.owed_wh) == (0, 0, 0)
    assert certificates(world) == before and CertificateEvent.objects.count() == events


def test_a_contract_without_a_run_waits(world: World) -> None:
    assert issue(contract_id=world.contract().pk, at=AT) is None
    assert issue_due(world.market, AT) == []


def test_more_metered_issues_the_difference(world: World) -> None:
    contract = morning(world)
    settle_and_issue(contract)
    world.read({"roof": (0, 11_000)})
    done = settle_and_issue(contract)
    assert (done.issued_wh, done.voided_wh) == (1_000, 0)
    assert certificates(world)[-1] == ("roof", "roof", "pv", 10_000, 11_000, "issued")
    assert broken_laws(world) == ()


def test_less_metered_voids_the_highest_first(world: World) -> None:
    contract = morning(world)
    settle_and_issue(contract)
    sub_read(world, {"PV-roof": (0, 6_500)})
    done = settle_and_issue(contract)
    assert (done.issued_wh, done.voided_wh, done.owed_wh) == (0, 3_500, 0)
    assert certificates(world) == [
        ("roof", "lab", "pv", 0, 5_000, "transferred"),
        ("roof", "shop", "pv", 5_000, 6_500, "transferred"),
        ("roof", "shop", "pv", 6_500, 8_000, "void"),
        ("roof", "roof", "pv", 8_000, 10_000, "void"),
    ]
    assert broken_laws(world) == ()


def test_numbers_are_never_used_again(world: World) -> None:
    contract = morning(world)
    settle_and_issue(contract)
    for pv_wh in (6_500, 12_000):
        sub_read(world, {"PV-roof": (0, pv_wh)})
        settle_and_issue(contract)
    assert sums(world) == {("lab", "transferred"): 5_000, ("shop", "transferred"): 3_000, ("roof", "issued"): 2_000}
    assert max(last for *_, last, _ in certificates(world)) == 13_500


def test_what_was_used_is_owed_and_made_up_next(world: World) -> None:
    """3,000 Wh that the shop retired turn out not to be green: the roof's next 3,000 Wh are withheld for them."""
    first = morning(world)
    settle_and_issue(first)
    assert use(world, "shop") == 3_000
    sub_read(world, {"PV-roof": (0, 5_000)})
    done = settle_and_issue(first)
    assert (done.voided_wh, done.owed_wh) == (2_000, 3_000)
    (debt,) = open_debts(world.market.pk)
    assert (debt.producer, debt.owed_wh, debt.outstanding_wh) == ("roof", 3_000, 3_000)

    later = TUESDAY_TEN + timedelta(hours=1)
    second = world.contract(later)
    world.read({"roof": (0, 4_000), "lab": (4_000, 0), "shop": (0, 0)}, later)
    sub_read(world, {"PV-roof": (0, 4_000)}, later)
    done = settle_and_issue(second)
    assert (done.issued_wh, done.made_up_wh) == (1_000, 3_000)
    assert open_debts(world.market.pk) == []
    checks = certificate_invariants(world.market.pk, *YEAR)
    assert checks.violations == () and checks.certified_wh == 9_000 == checks.green_wh
    CertifiedContract.objects.update(stale=True)
    assert issue(contract_id=second.pk, at=AT).issued_wh == 0
    assert issue(contract_id=first.pk, at=AT).owed_wh == 0


def test_a_debt_ends_when_the_reading_comes_back(world: World) -> None:
    contract = morning(world)
    settle_and_issue(contract)
    use(world, "shop", lock)
    for pv_wh, outstanding in ((5_000, 3_000), (7_000, 1_000), (8_000, 0)):
        sub_read(world, {"PV-roof": (0, pv_wh)})
        settle_and_issue(contract)
        assert sum(debt.outstanding_wh for debt in open_debts(world.market.pk)) == outstanding
    assert sums(world) == {("lab", "transferred"): 5_000, ("shop", "locked"): 3_000}
    assert broken_laws(world) == ()


def test_used_certificates_are_never_used_again(world: World) -> None:
    settle_and_issue(morning(world))
    assert use(world, "shop", lock, most_wh=1_000) == 1_000
    assert use(world, "shop", retire) == 2_000
    assert use(world, "shop", retire) == 0 and use(world, "shop", lock) == 0
    with pytest.raises(CertificateError, match=r"Only 0\.0 kWh") as refused:
        use(world, "shop", retire, most_wh=1)
    assert refused.value.code == "not_enough_certificates"
    assert sums(world)["shop", "locked"] == 1_000 and sums(world)["shop", "retired"] == 2_000
    assert set(AuditEntry.objects.filter(action__startswith="certif").values_list("action", flat=True)) == {
        "certificates.locked",
        "certificates.retired",
    }
    assert broken_laws(world) == ()


@pytest.mark.parametrize(
    ("more", "code"),
    [({"most_wh": 0}, "invalid_quantity"), ({"most_wh": 9_999}, "not_enough_certificates")],
)
def test_what_cannot_be_used_is_refused_whole(world: World, more: dict[str, int], code: str) -> None:
    settle_and_issue(morning(world))
    with pytest.raises(CertificateError) as refused:
        use(world, "shop", **more)
    assert refused.value.code == code
    assert ("shop", "retired") not in sums(world)


def test_a_report_retires_by_the_hour_and_no_more_than_was_bought(world: World) -> None:
    """The roof imported 500 Wh in the hour in which it keeps 2,000 Wh of certificates: only 500 Wh are used up."""
    contract = morning(world)
    world.read({"roof": (500, 10_000)})
    settle_and_issue(contract)
    assert use(world, "roof", retire_for_report) == 500
    assert use(world, "roof", retire_for_report) == 0
    assert use(world, "lab", retire_for_report) == 5_000
    assert sums(world)["roof", "issued"] == 1_500


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE settlement_certificate SET state = 'transferred' WHERE state = 'retired'",
        "UPDATE settlement_certificate SET holder_id = producer_id WHERE state = 'retired'",
        "UPDATE settlement_certificate SET last_wh = last_wh + 1 WHERE state = 'issued'",
        "UPDATE settlement_certificate SET last_wh = last_wh - 1 WHERE state = 'issued'",
        "UPDATE settlement_certificate SET state = 'void' WHERE state = 'issued'",
        "UPDATE settlement_certificate SET producer_id = holder_id WHERE state = 'transferred'",
        "UPDATE settlement_certificate SET state = 'issued' WHERE state = 'transferred'",
        "UPDATE settlement_certificate SET state = 'locked' WHERE state = 'issued'",
        "UPDATE settlement_certificate SET state = 'retired' WHERE state = 'issued'",
        "DELETE FROM settlement_certificate WHERE state = 'issued'",
        "UPDATE settlement_greensurplus SET certified_wh = certified_wh + 1",
        "UPDATE settlement_greensurplus SET certified_wh = certified_wh - 1",
        "UPDATE settlement_greensurplus SET repaid_wh = 1",
        "DELETE FROM settlement_greensurplus",
        "UPDATE settlement_certificateseries SET next_wh = 0",
        "UPDATE settlement_certificateevent SET quantity_wh = 1",
        "DELETE FROM settlement_certificateevent",
        "INSERT INTO settlement_certificate (market_id, producer_id, holder_id, contract_id, hour_start, origin,"
        " first_wh, last_wh, state, run_id, reading_version, purpose, registry, reference)"
        " SELECT market_id, producer_id, holder_id, contract_id, hour_start, origin, 7999, 8001, 'transferred',"
        " run_id, 1, '', '', '' FROM settlement_certificate WHERE state = 'transferred' LIMIT 1",
        "INSERT INTO settlement_certificate (market_id, producer_id, holder_id, contract_id, hour_start, origin,"
        " first_wh, last_wh, state, run_id, reading_version, purpose, registry, reference)"
        " SELECT market_id, producer_id, holder_id, contract_id, hour_start, origin, 90000, 90001, 'transferred',"
        " run_id, 1, '', '', '' FROM settlement_certificate WHERE state = 'transferred' LIMIT 1",
    ],
)
def test_the_database_refuses(world: World, statement: str) -> None:
    settle_and_issue(morning(world))
    use(world, "lab")
    before = certificates(world)
    refused = pytest.raises(DatabaseError, match=r"pgtrigger|violates|used again|only shrinks|are -?\d+ Wh off")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert certificates(world) == before


def test_everything_that_happened_to_a_wh_can_be_told(world: World) -> None:
    contract = morning(world)
    settle_and_issue(contract)
    use(world, "shop", most_wh=1_000)
    sub_read(world, {"PV-roof": (0, 7_000)})
    settle_and_issue(contract)
    roof = world.people["roof"].pk
    told = [(e.kind, e.first_wh, e.last_wh) for e in trail(world.market.pk, roof, 5_500, 5_600)]
    assert told == [("issued", 5_000, 8_000), ("transferred", 5_000, 8_000), ("retired", 5_000, 6_000)]
    assert [e.kind for e in trail(world.market.pk, roof, 7_500, 7_501)] == ["issued", "transferred", "void"]
    rows = certificates_of(world.market.pk, world.people["shop"].pk, *YEAR)
    assert [(row.producer, row.state, row.quantity_wh) for row in rows] == [
        ("roof", "retired", 1_000),
        ("roof", "transferred", 1_000),
        ("roof", "void", 1_000),
    ]
    assert [(h.state, h.wh) for h in holdings(world.market.pk, world.people["shop"].pk, *YEAR)] == [
        ("retired", 1_000),
        ("transferred", 1_000),
        ("void", 1_000),
    ]


def stored_day(world: World) -> tuple[Contract, Contract]:
    """At 10:00 a battery takes 3,000 Wh of sun, at 10:30 it gives 2,000 Wh to the wires."""
    add_storage(world, "roof")
    first, second = world.contract(), world.contract(TUESDAY_TEN + HALF_HOUR)
    world.read({"roof": (0, 1_000), "lab": (500, 0), "shop": (0, 0)})
    sub_read(world, {"PV-roof": (0, 5_000), "ST-roof": (3_000, 0)})
    later = TUESDAY_TEN + HALF_HOUR
    world.trade(second, "roof", "lab", 1_500, 1_700)
    world.read({"roof": (0, 2_500), "lab": (1_500, 0), "shop": (0, 0)}, later)
    sub_read(world, {"PV-roof": (0, 400), "ST-roof": (0, 2_000)}, later)
    for contract in (first, second):
        settle(contract_id=contract.pk, kind="P", at=contract.delivery_end)
    return first, second


def test_stored_sun_is_certified_with_where_it_was_charged(world: World) -> None:
    _, second = stored_day(world)
    assert [done.issued_wh for done in issue_due(world.market, AT)] == [1_000, 2_400]
    assert certificates(world, second) == [
        ("roof", "lab", "pv", 1_000, 1_400, "transferred"),
        ("roof", "lab", "storage", 1_400, 2_500, "transferred"),
        ("roof", "roof", "storage", 2_500, 3_400, "issued"),
    ]
    row = GreenSurplus.objects.get(contract=second, origin="storage")
    assert row.lineage == [
        {"charged_at": "2026-06-02T03:00:00Z", "charged_wh": 2_224, "delivered_wh": 2_000, "lost_wh": 224}
    ]
    assert row.lots == [["pv", "2026-06-02T03:00:00Z", 737, 776]]


def test_a_correction_of_the_charge_reaches_the_discharge(world: World) -> None:
    """The charging interval had 1,500 Wh of sun, 1,000 exported: 474 of 2,109 Wh drawn are sun, so 449 of 2,000."""
    first, second = stored_day(world)
    issue_due(world.market, AT)
    sub_read(world, {"PV-roof": (0, 1_500)})
    (done,) = issue_due(world.market, AT, limit=1)
    assert done.contract_id == first.pk and done.voided_wh == 0
    (done,) = issue_due(world.market, AT)
    assert (done.contract_id, done.voided_wh) == (second.pk, 1_551)
    assert GreenSurplus.objects.get(contract=second, origin="storage").certified_wh == 449
    assert issue_due(world.market, AT) == []
    assert broken_laws(world) == ()


def test_an_hour_waits_for_all_its_contracts(world: World) -> None:
    world.contract(TUESDAY_TEN + HALF_HOUR, state="DELIVERED")
    contract = morning(world)
    settle(contract_id=contract.pk, kind="P", at=contract.delivery_end)
    assert issue_due(world.market, AT) == []
    Contract.objects.filter(state="DELIVERED").delete()
    assert len(issue_due(world.market, AT)) == 1


def test_several_workers_issue_and_use_each_wh_once(world: World) -> None:
    contracts = []
    for number in range(6):
        start = TUESDAY_TEN + number * HALF_HOUR
        contract = world.contract(start)
        world.trade(contract, "roof", "lab", 2_000, 1_700)
        world.read({"roof": (0, 3_000), "lab": (2_000, 0), "shop": (0, 0)}, start)
        sub_read(world, {"PV-roof": (0, 3_000)}, start)
        settle(contract_id=contract.pk, kind="P", at=contract.delivery_end)
        contracts.append(contract)
    problems: list[BaseException] = []
    used: list[int] = []

    def work(job) -> None:
        try:
            job()
        except BaseException as problem:
            problems.append(problem)
        finally:
            connection.close()

    def issuing() -> None:
        while issue_due(world.market, AT, limit=2):
            pass

    def using() -> None:
        for how in (retire, lock):
            used.append(use(world, "lab", how))

    threads = [threading.Thread(target=work, args=(job,)) for job in (issuing, issuing, using, using)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    used.append(use(world, "lab"))
    assert sum(used) == 12_000
    assert sum(sums(world).values()) == 18_000 and len(issue_due(world.market, AT)) == 0
    assert broken_laws(world) == ()
