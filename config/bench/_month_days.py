"""A day of the month-sized world: what every meter reads, and the orders that are placed for its half hours.

Everything follows from the seed and the day, so a world can be built again to the Wh. Readings go in by binary COPY,
orders through `trading.operations.submit` in full batches the evening before, with limits enforced: 200 offers and 260
bids a half hour among 10,000 participants, of which some 300 trades come.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from django.db import connection, transaction

from accounts.models import AuditEntry
from config.bench._month_people import CODE, People, midnight
from meters.columns import IntArray
from trading.domain.messages import BUY, SELL, New
from trading.models import Contract
from trading.operations import submit, tick
from trading.operations.submitting import MOST_IN_A_BATCH

SEED = 2_026
SLOTS = 48
EVENING_BEFORE = timedelta(hours=2)
OFFERS_PER_MILLE, BIDS_PER_MILLE = 20, 26
LOSSES_PCT = 2
LOT_WH = 100
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)  # of PostgreSQL's binary timestamps, in µs


def load_day(people: People, day: int) -> None:
    """Orders the evening before, whatever closes until then, and the readings of day `day` (0 is 1 June)."""
    measured = readings(people, day)
    trade(people, day, *measured[:2])
    with transaction.atomic():
        _record(people, day, *measured)


def close_month(people: People, days: int) -> None:
    """The last gates close and the last half hour is delivered."""
    tick(people.market_id, midnight(days, people.zone) + timedelta(minutes=10))


def readings(people: People, day: int) -> tuple[IntArray, IntArray, IntArray]:
    """Import and export in Wh by half hour and participant (48, n), generation by half hour and generator (48, g)."""
    rng = np.random.default_rng(SEED + day)
    used = _use(people, rng)
    made = _generation(people, rng)
    net = used.copy()
    net[:, people.generates] -= made
    return np.maximum(net, 0), np.maximum(-net, 0), made


def _use(people: People, rng: np.random.Generator) -> IntArray:
    hour = np.arange(SLOTS)[:, None] / 2
    home = 150 + 250 * np.exp(-((hour - 20) ** 2) / 8) + 80 * np.exp(-((hour - 7) ** 2) / 3)
    work = np.where((hour >= 7) & (hour < 18), 9_000, 2_500)
    size = 0.5 + people.place * 7_919 % 1_000 / 500
    return (np.where(people.rents, work, home) * size * rng.uniform(0.8, 1.2, (SLOTS, len(size)))).astype(np.int64)


def _generation(people: People, rng: np.random.Generator) -> IntArray:
    hour = np.arange(SLOTS)[:, None] / 2 + 0.25
    sun = np.clip(np.sin(np.pi * (hour - 6) / 12), 0, None) * rng.uniform(0.3, 0.9)
    steady = np.arange(len(people.peak_w)) % 3 == 0
    share = np.where(steady, 0.3, sun) * rng.uniform(0.7, 1.0, (SLOTS, len(steady)))
    return (share * people.peak_w / 2).astype(np.int64)


def trade(people: People, day: int, import_wh: IntArray, export_wh: IntArray) -> None:
    """Tick to the evening before `day`, and place its orders in full batches, a minute apart."""
    start = midnight(day, people.zone)
    at = start - EVENING_BEFORE
    tick(people.market_id, at)
    for number, batch in enumerate(_batches(people, day, start, import_wh, export_wh)):
        replies = submit(people.market_id, batch, by=None, at=at + timedelta(minutes=number))
        refused = next((reply for reply in replies if reply.result != "accepted"), None)
        if refused is not None:
            raise RuntimeError(f"The month's orders must all be taken, but: {refused}")


def _batches(
    people: People, day: int, start: datetime, import_wh: IntArray, export_wh: IntArray
) -> Iterator[list[New]]:
    contracts = Contract.objects.filter(
        market_id=people.market_id, delivery_start__gte=start, delivery_start__lt=midnight(day + 1, people.zone)
    ).order_by("delivery_start")
    rng = np.random.default_rng([SEED, day])
    orders: list[New] = []
    for slot, contract in enumerate(contracts.values_list("pk", flat=True)):
        orders += _orders(people, rng, f"{day}-{slot}", contract, slot, import_wh[slot], export_wh[slot])
    for first in range(0, len(orders), MOST_IN_A_BATCH):
        yield orders[first : first + MOST_IN_A_BATCH]


def _orders(
    people: People, rng: np.random.Generator, name: str, contract: int, slot: int, wanted: IntArray, spare: IntArray
) -> list[New]:
    """Offers and bids of one half hour in a mixed order; what is offered and bid is up to a fifth off what will be."""
    nameplate_wh = np.zeros(len(people.ids), dtype=np.int64)
    nameplate_wh[people.generates] = people.peak_w // 2
    offers = _some(rng, spare, OFFERS_PER_MILLE)
    bids = _some(rng, wanted, BIDS_PER_MILLE)
    who = np.concatenate([offers, bids])
    side = np.repeat([SELL, BUY], [len(offers), len(bids)])
    off = rng.uniform(0.8, 1.2, len(who))
    most = np.where(side == SELL, np.minimum(spare[who] * off, nameplate_wh[who]), wanted[who] * off)
    quantity = np.maximum(most.astype(np.int64) // LOT_WH, 1) * LOT_WH
    price = _price(slot) + rng.integers(-60, 61, len(who)) + side * 15
    mixed = rng.permutation(len(who))
    rows = zip(people.ids[who[mixed]].tolist(), side[mixed].tolist(), quantity[mixed].tolist(), price[mixed].tolist(),
               strict=True)  # fmt: skip
    return [New(party, f"{name}-{n}", contract, side, wh, price) for n, (party, side, wh, price) in enumerate(rows)]


def _some(rng: np.random.Generator, energy_wh: IntArray, per_mille: int) -> IntArray:
    """The places of some of those who have a lot or more of this energy, each at most once."""
    able = np.flatnonzero(energy_wh >= LOT_WH)
    return rng.choice(able, min(len(able), len(energy_wh) * per_mille // 1_000), replace=False)


def _price(slot: int) -> int:
    """The middle of the book: between the surplus price and the cheapest tariff of that half hour, less the fee."""
    return 870 if slot < 12 else 1_190


_TEXTS = {"quality": b"measured", "source": CODE.encode()}


def _record(people: People, day: int, import_wh: IntArray, export_wh: IntArray, made_wh: IntArray) -> None:
    start, end = midnight(day, people.zone), midnight(day + 1, people.zone)
    taken = (import_wh - export_wh).sum(axis=1, keepdims=True)
    grid = taken + np.abs(taken) * LOSSES_PCT // 100
    points = np.concatenate([people.points, people.sub_points, [people.grid_point]])
    order = np.argsort(points)
    imported = np.concatenate([import_wh, np.zeros_like(made_wh), np.maximum(grid, 0)], axis=1)[:, order]
    exported = np.concatenate([export_wh, made_wh, np.maximum(-grid, 0)], axis=1)[:, order]
    starts = _micros(start) + np.arange(SLOTS, dtype=np.int64) * 30 * 60_000_000
    rows = imported.size
    columns = {
        "site_id": np.full(rows, people.site_id),
        "start": np.repeat(starts, len(points)),
        "metering_point_id": np.tile(points[order], SLOTS),
        "version": np.ones(rows, dtype=np.int32),
        "minutes": np.full(rows, 30, dtype=np.int16),
        "import_wh": imported.ravel(),
        "export_wh": exported.ravel(),
        "received_at": np.full(rows, _micros(end)),
        **{name: np.full(rows, text) for name, text in _TEXTS.items()},
    }
    with connection.cursor() as cursor:
        _copy(cursor, "meters_reading", columns)
        cursor.execute(
            "INSERT INTO meters_intervalrevision (site_id, start, revision)"
            " SELECT %s, %s + n * interval '30 minutes', 1 FROM generate_series(0, %s) n",
            (people.site_id, start, SLOTS - 1),
        )
    detail = {"source": CODE, "new": rows, "corrected": 0, "unchanged": 0}
    AuditEntry.objects.create(at=end, action="readings.recorded", target=f"site {CODE}", detail=detail)


def _micros(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


def _copy(cursor: Any, table: str, columns: dict[str, np.ndarray]) -> None:
    """Binary COPY of columns of fixed width, moments and short texts included (`meters.columns` takes numbers only)."""
    row: list[tuple[str, str]] = [("fields", ">i2")]
    for name, values in columns.items():
        row += [(f"length of {name}", ">i4"), (name, values.dtype.newbyteorder(">").str)]
    table_rows = np.empty(len(columns["start"]), dtype=row)
    table_rows["fields"] = len(columns)
    for name, values in columns.items():
        table_rows[f"length of {name}"] = values.dtype.itemsize
        table_rows[name] = values
    with cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT BINARY)") as copy:
        copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
        copy.write(table_rows.tobytes())
        copy.write(b"\xff\xff")
