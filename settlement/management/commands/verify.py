"""`manage.py verify --market CODE --month 2026-10`: hold everything of a month against what it follows from."""

import json
import os
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from settlement.management.commands.close_month import month_of
from settlement.operations.verify import Verification, verify_month
from trading.models import Market


class Command(BaseCommand):
    help = (
        "Replay a month from the command log, the readings and the rulebook, and compare every order, trade, result,"
        " posting and document with what is stored. Ends with status 1 where anything differs."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--market", metavar="CODE", help="the market; all where none is named")
        parser.add_argument("--month", required=True, metavar="YYYY-MM", type=month_of, help="the month, as in 2026-10")
        parser.add_argument("--processes", type=int, default=min(os.cpu_count() or 1, 2), help="side by side")
        parser.add_argument("--json", action="store_true", help="the report as one JSON object a market")

    def handle(self, *args: Any, market: str | None, month: date, processes: int, **options: Any) -> None:
        markets = Market.objects.select_related("site").order_by("code")
        chosen = list(markets.filter(code=market) if market else markets)
        if not chosen:
            raise CommandError(f"There is no market {market}." if market else "There is no market yet.")
        found = [_with_progress(each, month, max(processes, 1)) for each in chosen]
        for each in found:
            self.stdout.write(json.dumps(each.as_json(), ensure_ascii=False) if options["json"] else _told(each))
        wrong = sum(len(each.differences) + each.untold for each in found)
        if wrong:
            raise CommandError(f"{wrong} figures are not what their sources give.")


def _with_progress(market: Market, month: date, processes: int) -> Verification:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(f"{market.code} {month:%Y-%m}, days", total=None)
        return verify_month(
            market, month, lambda done, of: progress.update(task, completed=done, total=of), processes=processes
        )


def _told(found: Verification) -> str:
    lines = [f"{found.market} {found.month:%Y-%m}. {found.summary(gettext)}"]
    lines += [f"  {each.sentence(gettext)}" for each in found.differences]
    lines += [f"  … {found.untold}"] if found.untold else []
    return "\n".join(lines)
