"""`manage.py close_month --market CODE --month 2026-10`: close a month from the terminal, in two steps by two people.

The first call computes and shows the checklist and the largest differences to the month before. The second, with
`--approve` by somebody else, issues. A call that was interrupted is simply made again.
"""

from datetime import UTC, date, datetime
from typing import IO, Any, cast

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table

from accounts.models import User
from settlement.models import MonthClose
from settlement.operations.month import CloseError, approve_close, discard_close, run_close, start_close
from settlement.queries.closes import Progress, checklist, differences
from trading.models import Market
from trading.queries import market_now
from units.money import format_money

OPEN = (MonthClose.State.COMPUTING, MonthClose.State.COMPUTED, MonthClose.State.APPROVED)


class Command(BaseCommand):
    help = "Close a market's month: compute and show it, or approve (--approve) and issue it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--market", required=True, metavar="CODE")
        parser.add_argument("--month", required=True, metavar="YYYY-MM")
        parser.add_argument("--by", metavar="USER", help="who computes, or who approves; two different people")
        parser.add_argument("--approve", action="store_true", help="approve the computed close, issue documents")
        parser.add_argument(
            "--accept", default="", metavar="CODES", help="warnings that were seen, separated by commas"
        )
        parser.add_argument("--discard", action="store_true", help="throw away a close that is not approved")

    def handle(self, *args: Any, market: str, month: str, by: str | None, **options: Any) -> None:
        found = found_market(market)
        first, person = month_of(month), _user(by)
        now = market_now(found, datetime.now(UTC))
        close = MonthClose.objects.filter(market=found, month=first, state__in=OPEN).order_by("-number").first()
        try:
            if options["discard"]:
                self._discard(close, person, now)
            elif options["approve"]:
                self._approve(close, person, now, [code for code in options["accept"].split(",") if code])
            else:
                close = close or start_close(market=found, month=first, by=person, at=now)
                self._run(close, now)
        except CloseError as error:
            raise CommandError(f"{error} [{error.code}]") from error

    def _discard(self, close: MonthClose | None, by: User | None, now: datetime) -> None:
        if close is None:
            raise CommandError("No close of that month is open.")
        discard_close(close=close, by=by, at=now)
        self.stdout.write("The close and its drafts are thrown away.")

    def _approve(self, close: MonthClose | None, by: User | None, now: datetime, accept: list[str]) -> None:
        if close is None:
            raise CommandError("Nothing is computed for that month; run the command without --approve first.")
        if by is None:
            raise CommandError("Say who approves with --by USER; it must not be who computed the close.")
        if close.state != MonthClose.State.APPROVED:
            approve_close(close=close, by=by, at=now, accept=accept)
        self._run(close, now)

    def _run(self, close: MonthClose, now: datetime) -> None:
        console = Console(file=cast("IO[str]", self.stdout))
        with Bar(TextColumn("{task.description:8}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
                 console=console) as bar:  # fmt: skip
            tasks: dict[str, Any] = {}

            def told(at: Progress) -> None:
                if at.phase not in tasks:
                    tasks[at.phase] = bar.add_task(at.phase, total=at.total)
                bar.update(tasks[at.phase], completed=at.done, total=at.total)

            close = run_close(close.pk, now, told)
        _show(console, close)


def _show(console: Console, close: MonthClose) -> None:
    documents = close.invoices.count()
    console.print(f"{close.month:%Y-%m}: {close.get_state_display()}, {documents} documents.")
    if close.state != MonthClose.State.COMPUTED:
        return
    table = Table("check", "state", "", title="Checklist")
    for check in checklist(close):
        table.add_row(check.code, check.state, check.sentence)
    console.print(table)
    changes = Table("participant", "this month", "month before", "change", title="Largest differences")
    for row in differences(close, limit=10):
        changes.add_row(row.name, *(format_money(dong) for dong in (row.total_dong, row.before_dong, row.change_dong)))
    console.print(changes)


def found_market(code: str) -> Market:
    """The market of this code. Raises CommandError."""
    market = Market.objects.select_related("site").filter(code=code).first()
    if market is None:
        known = ", ".join(Market.objects.order_by("code").values_list("code", flat=True))
        raise CommandError(f"There is no market {code!r}; there are: {known or 'none yet'}.")
    return market


def month_of(text: str) -> date:
    """The first day of a month written like 2026-10. Raises CommandError."""
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError as error:
        raise CommandError(f"{text!r} is no month; write it like 2026-10.") from error


def _user(name: str | None) -> User | None:
    if name is None:
        return None
    user = User.objects.filter(username=name, is_active=True).first()
    if user is None:
        raise CommandError(f"There is no user {name!r}.")
    return user
