"""`manage.py export_orders MARKET`: a market's log as a stream that `replay_orders` reads."""

from pathlib import Path
from typing import Any

import msgspec
from django.core.management.base import BaseCommand, CommandError, CommandParser

from trading.models import Market
from trading.operations.export import export


class Command(BaseCommand):
    help = "Write a market's orders as JSON lines, to be run again by replay_orders."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("market", metavar="MARKET", help="the market's code")
        parser.add_argument("--contract", type=int, action="append", help="only this contract; may be given again")
        parser.add_argument("--out", metavar="FILE", help="a file to write; standard output where absent")

    def handle(self, *args: Any, market: str, contract: list[int] | None, out: str | None, **options: Any) -> None:
        try:
            found = Market.objects.get(code=market)
        except Market.DoesNotExist:
            known = ", ".join(Market.objects.values_list("code", flat=True)) or "none yet"
            raise CommandError(f"There is no market {market}; there are: {known}.") from None
        records = export(found, set(contract) if contract else None)
        encode = msgspec.json.encode
        if out is None:
            for record in records:
                self.stdout.write(encode(record).decode())
            return
        try:
            with Path(out).open("wb") as file:
                file.writelines(encode(record) + b"\n" for record in records)
        except OSError as error:
            raise CommandError(f"{out} cannot be written: {error.strerror}.") from None
