"""Building the month-sized world in two processes: one loads and trades day after day, one settles what is delivered.

Settling goes in the order of delivery, as in a live market, since a later interval may rest on earlier ones (estimates,
a month's surplus cap). Each contract goes straight to the invoice cut-off's run, as after days of being switched off.

    python -m config.bench._month_build PARTICIPANTS DAYS      build on DATABASE_URL, which is empty
    python -m config.bench._month_build settle DAYS            the second process
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

RUN_KIND = "R2"
MODULE = "config.bench._month_build"
SLOTS = 48
NAP_SECONDS = 0.2
DAYS_TO_ANALYZE = 3
Told = Callable[[int, int], None]


def build_here(participants: int, days: int) -> None:
    """The whole world in this process, on the database that Django is set up on."""
    from config.bench._month_days import close_month, load_day
    from config.bench._month_people import found

    people = found(participants)
    for day in range(days):
        load_day(people, day)
    close_month(people, days)
    for contract_id in _delivered(days):
        _settle(contract_id, days)


def build_in_two(participants: int, days: int, told: Told) -> None:
    """The same with the settling beside it; `told` hears of the days traded and the contracts settled."""
    from config.bench._month_days import close_month, load_day
    from config.bench._month_people import found

    people = found(participants)
    _analyze()
    settler = subprocess.Popen([sys.executable, "-m", MODULE, "settle", str(days)])
    try:
        for day in range(days):
            told(day, _settled(days))
            load_day(people, day)
            if day < DAYS_TO_ANALYZE:
                _analyze()
        close_month(people, days)
        while settler.poll() is None:
            told(days, _settled(days))
            time.sleep(1)
    finally:
        settler.terminate()
    if settler.wait() != 0:
        raise SystemExit("The process that settles ended early; what it said stands above.")


def settle_month(days: int) -> None:
    """Settle the month's contracts as they are delivered, until all are; ends with the process that began it."""
    left, parent = days * SLOTS, os.getppid()
    while left:
        ready = _delivered(days)
        for contract_id in ready:
            _settle(contract_id, days)
        left -= len(ready)
        if os.getppid() != parent:
            raise SystemExit("The process that builds the world is gone.")
        time.sleep(0 if ready else NAP_SECONDS)


def _settle(contract_id: int, days: int) -> None:
    from settlement.operations import settle

    settle(contract_id=contract_id, kind=RUN_KIND, at=_cut_off(days))


def _cut_off(days: int) -> datetime:
    from config.bench._month_people import FIRST_ON
    from settlement.domain.calendar import due_at

    return due_at(RUN_KIND, FIRST_ON + timedelta(days=days - 1), _market_and_zone()[1])


def _delivered(days: int) -> list[int]:
    return _in_state("DELIVERED", days)


def _settled(days: int) -> int:
    return len(_in_state("CLEARED", days))


def _in_state(state: str, days: int) -> list[int]:
    from config.bench._month_people import midnight
    from trading.models import Contract

    market, zone = _market_and_zone()
    found = Contract.objects.filter(market=market, state=state, delivery_start__lt=midnight(days, zone))
    return list(found.order_by("delivery_start").values_list("pk", flat=True))


def _market_and_zone() -> tuple[Any, ZoneInfo]:
    from config.bench._month_people import CODE
    from trading.models import Market

    market = Market.objects.select_related("site").get(code=CODE)
    return market, ZoneInfo(market.site.timezone)


def _with_progress(participants: int, days: int) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:18}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        traded = progress.add_task("days traded", total=days)
        settled = progress.add_task("intervals settled", total=days * SLOTS)

        def told(days_traded: int, intervals_settled: int) -> None:
            progress.update(traded, completed=days_traded)
            progress.update(settled, completed=intervals_settled)

        build_in_two(participants, days, told)
        told(days, days * SLOTS)


def _analyze() -> None:
    """What autovacuum does for a market that grows by the hour comes too late here: without statistics the planner
    takes ten thousand readings for one."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _tidy() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")


def main(arguments: list[str]) -> None:
    """Build, or settle beside a build."""
    from config.bench import set_up_django
    from config.collector import settle_down

    first, days = arguments[0], int(arguments[1])
    set_up_django()
    settle_down()
    if first == "settle":
        settle_month(days)
    else:
        _with_progress(int(first), days)
        _tidy()


if __name__ == "__main__":
    main(sys.argv[1:])
