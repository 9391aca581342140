"""Random lives of a market's certificates through PostgreSQL: whatever is read, corrected, retired and locked, in
whatever order, no Wh is used twice, no law breaks, and the trail of events alone gives every holding."""

from datetime import timedelta
from typing import Any

from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from settlement.models import Certificate, CertificateEvent
from settlement.operations import run_due, touched
from settlement.operations.certificates import CertificateError, issue_due, lock, retire
from settlement.operations.runs import resettle
from settlement.queries.certificates import certificate_invariants
from tests.certificate_world import YEAR, add_panels, add_storage, sub_read
from tests.settlement_world import HALF_HOUR, TUESDAY_TEN, World, make_world

PEOPLE = ("roof", "barn", "lab", "shop")
AT = TUESDAY_TEN + timedelta(hours=6)
slots = st.integers(0, 2)
energy = st.integers(0, 9_000)
moves = st.one_of(
    st.tuples(st.just("boundary"), slots, st.sampled_from(PEOPLE), st.tuples(energy, energy)),
    st.tuples(st.just("panels"), slots, st.sampled_from(PEOPLE[:2]), energy),
    st.tuples(st.just("storage"), slots, st.just("roof"), st.tuples(energy, energy)),
    st.tuples(st.sampled_from(["retire", "lock"]), slots, st.sampled_from(PEOPLE), st.integers(1, 4_000)),
)
trades = st.lists(
    st.tuples(slots, st.sampled_from(PEOPLE[:2]), st.sampled_from(PEOPLE[2:]), st.integers(1, 6_000)), max_size=6
)


class RandomLives(TestCase):
    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(trades, st.lists(moves, min_size=4, max_size=14))
    def test_no_life_breaks_a_law(self, agreed: list[Any], life: list[Any]) -> None:
        world = _market(agreed)
        used: dict[tuple[int, int], str] = {}
        for kind, slot, who, what in life:
            _move(world, kind, TUESDAY_TEN + slot * HALF_HOUR, who, what)
            for contract_id in touched(world.market):
                resettle(contract_id=contract_id, at=AT)
            while issue_due(world.market, AT):
                pass
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
            checks = certificate_invariants(world.market.pk, *YEAR)
            assert checks.violations == () and checks.due_contracts == 0
            assert checks.certified_wh <= checks.green_wh + checks.outstanding_wh
            used = _used_only_grows(used)
        _events_give_the_holdings()


def _market(agreed: list[Any]) -> World:
    world = make_world()
    for code, ask, bid in (("roof", 700, None), ("barn", 800, None), ("lab", None, 2_000), ("shop", None, 1_500)):
        world.add(code, retail=3_000, ask=ask, bid=bid)
    for code in PEOPLE[:2]:
        add_panels(world, code)
    add_storage(world, "roof", 8_000)
    contracts = [world.contract(TUESDAY_TEN + number * HALF_HOUR) for number in range(3)]
    for slot, seller, buyer, wh in agreed:
        world.trade(contracts[slot], seller, buyer, wh, 1_700)
    for number in range(3):
        start = TUESDAY_TEN + number * HALF_HOUR
        world.read({"roof": (0, 4_000), "barn": (0, 3_000), "lab": (3_000, 0), "shop": (2_500, 0)}, start)
        sub_read(world, {"PV-roof": (0, 3_500), "PV-barn": (0, 5_000), "ST-roof": (1_000, 800)}, start)
    run_due(world.market, AT)
    issue_due(world.market, AT)
    return world


def _move(world: World, kind: str, start: Any, who: str, what: Any) -> None:
    if kind == "boundary":
        world.read({who: what}, start)
    elif kind == "panels":
        sub_read(world, {f"PV-{who}": (0, what)}, start)
    elif kind == "storage":
        sub_read(world, {f"ST-{who}": what}, start)
    else:
        _use(world, kind, who, what)


def _use(world: World, kind: str, who: str, most_wh: int) -> None:
    period = {"market_id": world.market.pk, "participant_id": world.people[who].pk, "start": YEAR[0], "end": YEAR[1]}
    try:
        if kind == "retire":
            retire(**period, purpose="a report", by=None, at=AT, most_wh=most_wh)
        else:
            lock(**period, registry="I-REC", reference="1", by=None, at=AT, most_wh=most_wh)
    except CertificateError as refused:
        assert refused.code == "not_enough_certificates"


def _used_only_grows(before: dict[tuple[int, int], str]) -> dict[tuple[int, int], str]:
    """Every Wh that was used stays used in the same way, by its (producer, number)."""
    now = {
        (producer, number): state
        for producer, first, last, state in Certificate.objects.filter(state__in=("retired", "locked")).values_list(
            "producer_id", "first_wh", "last_wh", "state"
        )
        for number in range(first, last)
    }
    assert before.items() <= now.items()
    return now


def _events_give_the_holdings() -> None:
    """Played one after the other, Wh by Wh, the events lead to the certificates that are there."""
    holdings: dict[tuple[int, int], tuple[int, str]] = {}
    for event in CertificateEvent.objects.filter(first_wh__isnull=False).order_by("pk"):
        for number in range(event.first_wh, event.last_wh):
            key = (event.producer_id, number)
            holder, state = holdings.get(key, (None, None))
            assert holder == event.giver_id and state in (None, "issued", "transferred")
            holdings[key] = (event.taker_id or event.giver_id, event.kind)
    there = {
        (c.producer_id, number): (c.holder_id, c.state)
        for c in Certificate.objects.all()
        for number in range(c.first_wh, c.last_wh)
    }
    assert holdings == there
