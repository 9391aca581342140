"""`./run issue_certificates --market CODE [--month 2026-10]`: issue what is due, all of it or of one month."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from settlement.evidence.months import MonthError, market_of, month_of, now_of
from settlement.operations.certificates import issue
from settlement.operations.certificates.issue import IssueSummary, due_contracts
from settlement.queries.certificates import certificate_invariants
from trading.models import Market


class Command(BaseCommand):
    help = "Issue the certificates that are due in a market, and check that every law of certificates holds."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--market", required=True, metavar="CODE", help="the market's code")
        parser.add_argument("--month", metavar="YYYY-MM", help="only this local month; otherwise everything")

    def handle(self, *args: Any, market: str, month: str | None, **options: Any) -> None:
        try:
            found = market_of(market)
            start, end = month_of(found, month) if month else (None, None)
        except MonthError as error:
            raise CommandError(str(error)) from None
        contracts = due_contracts(found, start=start, end=end)
        done = self._issue(found, contracts)
        issued, voided, owed = (sum(getattr(d, name) for d in done) for name in ("issued_wh", "voided_wh", "owed_wh"))
        self.stdout.write(
            f"{len(done)} contracts: {issued:,} Wh issued, {voided:,} Wh voided by corrections, {owed:,} Wh newly owed."
        )
        if start and end:
            self._check(found, start, end)

    def _issue(self, market: Market, contracts: list[int]) -> list[IssueSummary]:
        at, done = now_of(market), []
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(file=sys.stderr)) as progress:
            for contract_id in progress.track(contracts, description="Certificates"):
                summary = issue(contract_id=contract_id, at=at)
                done += [summary] if summary else []
        return done

    def _check(self, market: Market, start: Any, end: Any) -> None:
        checks = certificate_invariants(market.pk, start, end)
        if checks.violations:
            raise CommandError("A law of certificates does not hold:\n" + "\n".join(checks.violations))
        self.stdout.write(
            f"{checks.green_wh:,} Wh of metered green surplus, {checks.certified_wh:,} Wh certified,"
            f" {checks.outstanding_wh:,} Wh still owed. Every law holds."
        )
