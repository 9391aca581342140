"""`manage.py replay_clearing FILE`: clear recorded intervals again, for audits and what-ifs. Needs no database."""

import os
import sys
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand, CommandError, CommandParser

from settlement.domain.replay import replay


class Command(BaseCommand):
    help = "Clear recorded intervals: JSON lines in, one result a line out. FILE may be - for standard input."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="JSON lines, one interval each; - reads standard input")

    def handle(self, *args: Any, file: str, **options: Any) -> None:
        with _opened(file) as lines:
            try:
                failed = self._answer(lines, "standard input" if file == "-" else file)
            except BrokenPipeError:
                # Whoever read the answers has seen enough (`| head`); nothing more may be flushed at exit.
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                return
        if failed:
            raise CommandError(f"{failed} of the intervals could not be cleared; each says why in its own line.")

    def _answer(self, lines: Iterable[bytes], source: str) -> int:
        failed = 0
        for answer in replay(lines, source):
            self.stdout.write(answer.text)
            failed += not answer.ok
        self.stdout.flush()
        return failed


def _opened(file: str) -> AbstractContextManager[BinaryIO]:
    if file == "-":
        return nullcontext(sys.stdin.buffer)
    try:
        return Path(file).open("rb")
    except OSError as problem:
        raise CommandError(f"{file} cannot be read: {problem.strerror}. Give the path of a JSON lines file.") from None
