"""`manage.py replay_orders FILE`: run a recorded stream of orders again, for audits and what-ifs. Needs no database."""

import gc
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
from django.core.management.base import BaseCommand, CommandError, CommandParser

from trading.domain.replay import BareMarket, Market, replay
from trading.domain.replay_fields import MarketLine
from trading.operations.scratch import scratch_markets

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
COLLECT_AFTER = 2_000_000  # new objects; some five for each order
BUNDLE = 500  # lines


class Command(BaseCommand):
    help = "Run recorded orders again: JSON lines in, what happened out. FILE may be - for standard input."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="JSON lines, markets and messages; - reads standard input")
        parser.add_argument(
            "--database", action="store_true", help="through the whole persistent path, in a market that is thrown away"
        )

    def handle(self, *args: Any, file: str, database: bool, **options: Any) -> None:
        source = "standard input" if file == "-" else file
        with _opened(file) as lines, _rare_cycle_search(), _start(database) as start:
            try:
                _print(replay(_without_mark(lines), source, start, msgspec.json.decode), self.stdout)
            except BrokenPipeError:
                # Whoever read the answers has seen enough (`| head`); nothing more may be flushed at exit.
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            except OSError as problem:
                raise CommandError(f"{source} cannot be read: {problem.strerror}.") from None


@contextmanager
def _start(database: bool) -> Iterator[Callable[[MarketLine], Market]]:
    """What a market line starts: the bare core, or a scratch market in the database."""
    if not database:
        yield BareMarket
        return
    with scratch_markets() as markets:
        yield markets.start


def _print(answers: Iterator[dict[str, Any]], out: Any) -> None:
    """Writes one answer a line: at once to a terminal, in bundles to a file."""
    bundle = 1 if out.isatty() else BUNDLE
    encode = msgspec.json.Encoder().encode_lines
    while several := list(islice(answers, bundle)):
        out.write(encode(several).decode(), ending="")
    out.flush()


@contextmanager
def _rare_cycle_search() -> Iterator[None]:
    """Keeps the collector from walking over all orders again and again: none is garbage before its market ends."""
    before = gc.get_threshold()
    gc.set_threshold(COLLECT_AFTER, 1, 1)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _without_mark(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The lines without the mark with which some editors begin a file."""
    for number, line in enumerate(lines):
        yield line.removeprefix(BYTE_ORDER_MARK) if number == 0 else line


def _opened(file: str) -> AbstractContextManager[BinaryIO]:
    if file == "-":
        return nullcontext(sys.stdin.buffer)
    try:
        return Path(file).open("rb")
    except OSError as problem:
        raise CommandError(f"{file} cannot be read: {problem.strerror}. Give the path of a JSON lines file.") from None
