"""A process that places orders until it is killed, and writes down every answer it got: `worker.py MARKET FIRST FILE`.

Several run at once, over the same stream of orders from different places in it. A line is written only after the
answer, by one system call, so that what stands in the file was acknowledged.
"""

import os
import sys
import threading
import time

import django
from django.db import connection
from django.db.utils import OperationalError

from tests.crash.orders import chunk, order

THREADS = 3


def main(market_id: int, first: int, path: str) -> None:
    out = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    parties = [int(p) for p in os.environ["WB_PARTIES"].split(",")]
    contracts = [int(c) for c in os.environ["WB_CONTRACTS"].split(",")]
    threads = [
        threading.Thread(target=place, args=(market_id, first + i, out, parties, contracts)) for i in range(THREADS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def place(market_id: int, number: int, out: int, parties: list[int], contracts: list[int]) -> None:
    """Places chunk after chunk; where the outcome is unknown, the same again."""
    from tests.factories import NOON
    from trading.operations import MarketUnavailable, submit

    while True:
        messages = [order(n, parties, contracts) for n in chunk(number)]
        try:
            replies = submit(market_id, messages, by=None, at=NOON)
        except (MarketUnavailable, OperationalError):
            connection.close()
            time.sleep(0.05)
            continue
        answered = zip(messages, replies, strict=True)
        lines = [f"{m.participant} {m.client_order_id} {r.result} {r.order.seq}\n" for m, r in answered]
        os.write(out, "".join(lines).encode())
        number += 1


if __name__ == "__main__":
    django.setup()
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
