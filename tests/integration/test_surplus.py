"""The month's surplus so far, kept by day: always what a plain sum over readings and last runs gives.

2 June 2026 is a Tuesday; the roof exports all that its panels make, so half of the output is paid, the rest spills.
"""

import random
from datetime import datetime, timedelta

import numpy as np
import pytest
from django.db import connection, transaction

from meters.models import MeteringPoint
from meters.operations import NewReading, record_readings
from settlement.models import ParticipantResult
from settlement.operations import resettle, settle, surplus
from settlement.operations.gather import ContractRow, _surplus_caps
from tariffs.models import SiteTerms
from tariffs.queries import terms_at
from tests.settlement_world import HALF_HOUR, TUESDAY_TEN, World, make_world

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
ROOFS = ("roof", "barn")
LATER = TUESDAY_TEN + 40 * DAY


@pytest.fixture
def world() -> World:
    made = make_world()
    SiteTerms.objects.update(surplus_cap_pct=50)
    for code in (*ROOFS, "lab", "free"):
        made.add(code, retail=2_500)
    for code in ROOFS:
        MeteringPoint.objects.create(
            site=made.site, participant=made.people[code], code=f"PV-{code}", role="generation"
        )
    return made


def read(world: World, start: datetime, **output_wh: int) -> None:
    """Each roof makes and exports this; 'free' exports as much as the first without any sub-meter."""
    rows = [NewReading(f"PV-{code}", start, 0, wh) for code, wh in output_wh.items()]
    record_readings(site=world.site, rows=rows, by=None, at=LATER, source="t")
    exported = {code: (0, wh) for code, wh in output_wh.items()}
    world.read({**exported, "free": (0, next(iter(output_wh.values()))), "lab": (100, 0)}, start)


def settled(world: World, start: datetime, **output_wh: int) -> int:
    read(world, start, **output_wh)
    contract = world.contract(start)
    settle(contract_id=contract.pk, kind="P", at=start + DAY)
    return contract.pk


_PLAIN = """
    SELECT (SELECT sum(export_wh) FROM (
        SELECT DISTINCT ON (start) export_wh FROM meters_reading r JOIN meters_meteringpoint p
        ON p.id = r.metering_point_id WHERE p.participant_id = %(who)s AND p.role = 'generation'
        AND start >= '2026-05-31T17:00Z' AND start < %(end)s ORDER BY start, version DESC) output) * 50 / 100
    - (SELECT coalesce(sum(grid_export_wh - unpaid_spill_wh), 0) FROM trading_contract c CROSS JOIN LATERAL (
        SELECT coalesce(results_of_id, id) AS run FROM settlement_settlementrun WHERE contract_id = c.id
        ORDER BY number DESC LIMIT 1) last JOIN settlement_participantresult r ON r.run_id = last.run
        WHERE r.participant_id = %(who)s AND c.delivery_start >= '2026-05-31T17:00Z' AND c.delivery_start < %(start)s)
"""


def plain_sum(who: int, start: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_PLAIN, {"who": who, "start": start, "end": start + HALF_HOUR})
        return max(0, int(cursor.fetchone()[0]))


def caps(world: World, start: datetime) -> list[int | None]:
    """The caps of both roofs and of who has no sub-meter, were all of them to export in the interval from `start`."""
    market = world.market
    row = ContractRow(0, market.pk, world.site.pk, "fifo", start, start + HALF_HOUR, False, world.site.timezone)
    people = [world.people[code].pk for code in (*ROOFS, "free")]
    ids = np.array(sorted(people))
    found = _surplus_caps(row, terms_at(world.site.pk, start), ids, np.ones(len(ids), dtype=np.int64))
    by_id = dict(zip(ids.tolist(), found.tolist(), strict=True))
    return [by_id[who] for who in people]


def expected(world: World, start: datetime) -> list[int | None]:
    return [*(plain_sum(world.people[code].pk, start) for code in ROOFS), None]


def test_days_corrections_and_resettlements_in_any_order_give_the_plain_sum(world: World) -> None:
    rng = random.Random(5)
    starts = [TUESDAY_TEN + day * DAY + slot * HALF_HOUR for day in (-1, 0, 1, 4) for slot in range(3)]
    contracts = {start: settled(world, start, roof=rng.randrange(9_000), barn=rng.randrange(9_000)) for start in starts}
    last = TUESDAY_TEN + 5 * DAY
    read(world, last, roof=5_000, barn=4_001)
    for _ in range(25):
        start = rng.choice(starts)
        read(world, start, roof=rng.randrange(9_000), barn=rng.randrange(9_000))
        assert caps(world, last) == expected(world, last)
        if rng.random() < 0.5:
            resettle(contract_id=contracts[start], at=LATER)
        for asked in (last, rng.choice(starts)):
            assert caps(world, asked) == expected(world, asked)


def test_what_was_rolled_back_is_not_remembered(world: World) -> None:
    """Both corrections take the interval to its second revision; only the second of them is true."""
    settled(world, TUESDAY_TEN - DAY, roof=4_000, barn=4_000)
    read(world, TUESDAY_TEN, roof=1_000, barn=1_000)
    with pytest.raises(RuntimeError), transaction.atomic():
        read(world, TUESDAY_TEN - DAY, roof=9_000, barn=9_000)
        assert caps(world, TUESDAY_TEN) == expected(world, TUESDAY_TEN) == [3_000, 3_000, None]
        raise RuntimeError
    read(world, TUESDAY_TEN - DAY, roof=6_000, barn=2_000)
    assert caps(world, TUESDAY_TEN) == expected(world, TUESDAY_TEN) == [1_500, 0, None]


def test_a_sub_meter_that_changes_hands_takes_its_output_along(world: World) -> None:
    settled(world, TUESDAY_TEN - DAY, roof=4_000, barn=2_000)
    read(world, TUESDAY_TEN, roof=0, barn=0)
    assert caps(world, TUESDAY_TEN) == expected(world, TUESDAY_TEN)
    MeteringPoint.objects.filter(code="PV-roof").update(participant=world.people["barn"])
    assert caps(world, TUESDAY_TEN)[0] is None
    assert caps(world, TUESDAY_TEN)[1] == (4_000 + 2_000) // 2 - 1_000


def test_a_day_that_is_over_is_added_up_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for slot in range(2):
        settled(world, TUESDAY_TEN - DAY + slot * HALF_HOUR, roof=4_000, barn=4_000)
    asked = []
    plain = surplus.output_since
    monkeypatch.setattr(
        surplus, "output_since", lambda site, start, *rest: (asked.append(start), plain(site, start, *rest))[1]
    )
    midnight = TUESDAY_TEN.replace(hour=17) - DAY
    settled(world, TUESDAY_TEN, roof=4_000, barn=4_000)
    assert asked == [midnight, midnight - DAY]
    settled(world, TUESDAY_TEN + HALF_HOUR, roof=4_000, barn=4_000)
    assert asked == [midnight, midnight - DAY, midnight]
    spilled = ParticipantResult.objects.filter(participant=world.people["roof"]).values_list(
        "unpaid_spill_wh", flat=True
    )
    assert list(spilled) == [2_000] * 4
