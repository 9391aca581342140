"""The stream that every racing process sends: order n is the same whoever places it, so ids collide on purpose."""

import random

from trading.domain.messages import BUY, FOK, GTC, IOC, SELL, New

PARTIES = 8
IDS = "race-{}"


def order(number: int, parties: list[int], contracts: list[int]) -> New:
    """Order `number` of the stream: near one price, so that about half of them trade."""
    rng = random.Random(number)
    side = rng.choice([BUY, SELL])
    price = 1_650 - side * rng.randrange(-15, 25)
    tif = rng.choice([GTC] * 8 + [IOC, FOK])
    return New(
        rng.choice(parties), IDS.format(number), rng.choice(contracts), side, 100 * rng.randrange(1, 40), price, tif
    )


def chunk(number: int) -> range:
    """Which orders the `number`th call carries: mostly one, now and then a bulk of forty."""
    start = number * 10
    return range(start, start + (40 if number % 7 == 0 else 10 if number % 2 else 1))
