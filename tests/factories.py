"""Small markets for tests: a site, a market at a fixed moment, participants, a stream of random messages."""

import random
from datetime import UTC, datetime, timedelta

from accounts.models import Participant
from meters.models import Device, Site
from trading.domain.messages import (
    BUY,
    CANCEL_BOTH,
    CANCEL_MAKER,
    CANCEL_TAKER,
    FOK,
    GTC,
    GTD,
    IOC,
    SELL,
    Amend,
    Cancel,
    CancelAll,
    Halt,
    Message,
    New,
    Resume,
    Time,
    Uncross,
)  # fmt: skip
from trading.models import Admission, Contract, Market
from trading.operations import create_market, tick

NOON = datetime(2026, 6, 1, 5, 0, tzinfo=UTC)  # 12:00 in Hồ Chí Minh City
CREDIT = 10**15


def make_site(code: str = "campus") -> Site:
    return Site.objects.get_or_create(code=code, defaults={"name": code})[0]


def make_market(code: str = "m", *, at: datetime = NOON, **rules) -> Market:
    """A market with its contracts opened; limits are off unless asked for."""
    market = create_market(
        site=make_site(), code=code, name=code, **{"limits_enforced": False, "open_ahead_minutes": 240, **rules}
    )
    tick(market.pk, at)
    market.refresh_from_db()
    return market


def make_participants(count: int, *, market: Market | None = None, prefix: str = "p") -> list[Participant]:
    """Participants p0, p1, …; admitted with ample credit where a market is named."""
    made = [
        Participant.objects.get_or_create(code=f"{prefix}{n}", defaults={"name": f"{prefix}{n}", "kind": "household"})[
            0
        ]
        for n in range(count)
    ]
    if market is not None:
        for participant in made:
            Admission.objects.get_or_create(
                market=market, participant=participant, defaults={"credit_limit_millidong": CREDIT}
            )
    return made


def give_panels(participant: Participant, peak_w: int) -> Device:
    return Device.objects.create(site=make_site(), participant=participant, name="roof", kind="pv", peak_w=peak_w)


def open_contracts(market: Market, at: datetime = NOON) -> list[Contract]:
    """The contracts whose gate is open at this moment, nearest delivery first."""
    return list(market.contracts.filter(gate_opens_at__lte=at, gate_closes_at__gt=at).order_by("delivery_start"))


def random_messages(
    rng: random.Random, count: int, parties: list[int], contracts: list[int], *, at_ms: int, call: bool = False
) -> list[Message]:
    """Messages of every kind, near one price, so that many of them meet."""
    made: list[tuple[int, str]] = []
    out: list[Message] = []
    for number in range(count):
        dice = rng.random()
        if made and dice < 0.12:
            out.append(Cancel(*rng.choice(made)))
        elif made and dice < 0.24:
            quantity = rng.choice([None, 100 * rng.randrange(1, 40)])
            price = rng.choice([None, rng.randrange(90, 111)])
            out.append(Amend(*rng.choice(made), quantity, price))
        elif dice < 0.26:
            out.append(CancelAll(rng.choice(parties), rng.choice([None, rng.choice(contracts)])))
        elif dice < 0.27:
            out += _stop_or_time(rng, contracts)
        elif call and dice < 0.29:
            out.append(Uncross(rng.choice(contracts)))
        else:
            order = _random_order(rng, number, parties, contracts, at_ms)
            made.append((order.participant, order.client_order_id))
            out.append(order)
            if rng.random() < 0.03:
                out.append(order)
    return out


def _stop_or_time(rng: random.Random, contracts: list[int]) -> list[Message]:
    """A stop of the market or of one contract, an end of stops, or time."""
    where = rng.choice([None, rng.choice(contracts)])
    stop: list[Message] = [Halt(where, rng.random() < 0.4)]
    all_again: list[Message] = [Resume(), *map(Resume, contracts)]
    return rng.choice([stop, all_again, all_again, [Time()]])


def _random_order(rng: random.Random, number: int, parties: list[int], contracts: list[int], at_ms: int) -> New:
    tif = rng.choice([GTC] * 6 + [IOC, FOK, GTD])
    quantity = 100 * rng.randrange(1, 40)
    market_order = tif in (IOC, FOK) and rng.random() < 0.3
    return New(
        rng.choice(parties),
        f"c{number}",
        rng.choice(contracts),
        rng.choice([BUY, SELL]),
        quantity,
        None if market_order else rng.randrange(90, 111),
        tif,
        at_ms + rng.randrange(1, 600_000) if tif == GTD else 0,
        tif == GTC and rng.random() < 0.1,
        rng.choice([CANCEL_TAKER, CANCEL_TAKER, CANCEL_MAKER, CANCEL_BOTH]),
        100 * rng.randrange(1, 4) if tif == GTC and quantity >= 400 and rng.random() < 0.3 else 0,
        100 * rng.randrange(1, 3) if quantity >= 300 and rng.random() < 0.08 else 0,
    )


def minutes(count: int) -> timedelta:
    return timedelta(minutes=count)
