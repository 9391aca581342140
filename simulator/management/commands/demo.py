"""`manage.py demo`: a simulated campus and park whose meters report and whose members trade, live.

`./run` starts it beside the pages and the workers; it runs until it is told to stop, and goes on there the next time.
"""

import argparse
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.collector import settle_down
from simulator.demo_beside import Beside, lower_priority, parent_is_gone
from simulator.demo_past import fill, is_filled
from simulator.demo_play import play
from simulator.demo_seed import CODE, seed
from simulator.demo_summary import summary
from simulator.durability import relax_durability
from trading.models import Market

DEFAULT_SPEED = 30


class Command(BaseCommand):
    """Plays the demo."""

    help = "Plays a simulated campus and park on the market 'campus'."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Speed, or one of the two short jobs."""
        parser.add_argument(
            "--speed",
            type=float,
            default=DEFAULT_SPEED,
            help=f"simulated seconds a second, 1 to 600 (default {DEFAULT_SPEED}; 1: real time)",
        )
        parser.add_argument("--seed-only", action="store_true", help="only set the demo up")
        parser.add_argument("--past", action="store_true", help="only fill in the months before the demo, and stop")
        parser.add_argument("--summary", action="store_true", help="only print what has happened so far")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Seeds, then plays until SIGINT or SIGTERM."""
        if options["summary"]:
            self._summary()
            return
        rate = round(options["speed"])
        if not 1 <= rate <= 600:
            raise CommandError("The speed is from 1 (real time) to 600 simulated seconds a second.")
        asked: list[int] = []
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda received, _frame: asked.append(received))
        if options["past"]:
            self._past(lambda: bool(asked) or parent_is_gone())
            return
        market = seed(datetime.now(UTC))
        if options["seed_only"]:
            return
        with Beside(wanted=not is_filled(market), say=self._say):
            play(market, rate, lambda: bool(asked), self._say)

    def _past(self, stopping: Callable[[], bool]) -> None:
        market = Market.objects.select_related("site").filter(code=CODE).first()
        if market is None:
            raise CommandError("There is no demo yet; ./run starts one.")
        lower_priority()
        settle_down()
        # What a power cut takes of the past is filled in again.
        relax_durability()
        fill(market, say=self._say, stopping=stopping)

    def _summary(self) -> None:
        market = Market.objects.select_related("site").filter(code=CODE).first()
        if market is None:
            raise CommandError("There is no demo yet; ./run starts one.")
        self.stdout.write(summary(market))

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
