"""A settled world with solar panels and storages, and its certificates as short tuples by participant code."""

from datetime import datetime, timedelta

from meters.models import Device, MeteringPoint
from meters.operations import NewReading, record_readings
from settlement.models import Certificate
from settlement.operations import resettle, settle
from settlement.operations.certificates import IssueSummary, issue
from settlement.queries.certificates import certificate_invariants
from tests.settlement_world import HALF_HOUR, TUESDAY_TEN, World
from trading.models import Contract

YEAR = (TUESDAY_TEN - timedelta(days=200), TUESDAY_TEN + timedelta(days=200))


def add_panels(world: World, code: str) -> None:
    """A generation sub-meter 'PV-' + code."""
    _point(world, code, f"PV-{code}", MeteringPoint.Role.GENERATION)


def add_storage(world: World, code: str, capacity_wh: int = 100_000) -> None:
    """A storage sub-meter 'ST-' + code, and the battery behind it (90 % there and back)."""
    _point(world, code, f"ST-{code}", MeteringPoint.Role.STORAGE)
    Device.objects.create(
        site=world.site, participant=world.people[code], name="battery", kind="battery", capacity_wh=capacity_wh
    )


def _point(world: World, code: str, name: str, role: str) -> None:
    MeteringPoint.objects.create(site=world.site, participant=world.people[code], code=name, role=role)


def sub_read(
    world: World, readings: dict[str, tuple[int, int]], start: datetime = TUESDAY_TEN, quality: str = "measured"
) -> None:
    """Record (import, export) by sub-meter."""
    rows = [NewReading(code, start, *energy, quality) for code, energy in readings.items()]
    record_readings(site=world.site, rows=rows, by=None, at=start + HALF_HOUR, source="test")


def settle_and_issue(contract: Contract) -> IssueSummary | None:
    """The next run of a contract (P, then resettlements), and its certificates."""
    at = contract.delivery_end
    settle(contract_id=contract.pk, kind="P", at=at)
    resettle(contract_id=contract.pk, at=at)
    return issue(contract_id=contract.pk, at=at)


def certificates(world: World, contract: Contract | None = None) -> list[tuple[str, str, str, int, int, str]]:
    """(producer, holder, origin, first, last, state), by producer and number."""
    codes = {person.pk: code for code, person in world.people.items()}
    found = Certificate.objects.filter(market=world.market).order_by("producer__code", "first_wh")
    if contract is not None:
        found = found.filter(contract=contract)
    return [(codes[c.producer_id], codes[c.holder_id], c.origin, c.first_wh, c.last_wh, c.state) for c in found]


def sums(world: World, contract: Contract | None = None) -> dict[tuple[str, str], int]:
    """Wh by holder and state, void ones left out."""
    added: dict[tuple[str, str], int] = {}
    for _, holder, _, first, last, state in certificates(world, contract):
        if state != "void":
            added[holder, state] = added.get((holder, state), 0) + last - first
    return added


def broken_laws(world: World) -> tuple[str, ...]:
    """The laws of certificates that do not hold anywhere in the market."""
    return certificate_invariants(world.market.pk, *YEAR).violations
