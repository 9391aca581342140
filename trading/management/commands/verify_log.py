"""`manage.py verify_log`: replay the log of every market and compare all stored orders and trades with the result."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from trading.models import Market
from trading.operations import audit

SHOWN = 20


class Command(BaseCommand):
    help = "Replay each market's log and compare its orders and trades with what is stored."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("market", nargs="*", metavar="MARKET", help="codes of markets; all where none is named")

    def handle(self, *args: Any, market: list[str], **options: Any) -> None:
        markets = Market.objects.filter(code__in=market) if market else Market.objects.all()
        wrong = 0
        for row in markets.order_by("code"):
            found = audit(row.pk)
            self.stdout.write(f"{row.code}: {found.commands} commands, {found.orders} orders, {found.trades} trades")
            for line in found.differences[:SHOWN]:
                self.stdout.write(f"  {line}")
            wrong += len(found.differences)
        if wrong:
            raise CommandError(f"{wrong} lines differ from the replay of the log.")
        self.stdout.write("The log gives every stored order and trade again.")
