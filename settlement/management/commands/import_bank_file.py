"""`manage.py import_bank_file SITE FILE`: take in a bank statement, match what can be matched, and say what is left."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from meters.models import Site
from settlement.domain.bank import BankFileError
from settlement.operations.bank_files import import_bank_file


class Command(BaseCommand):
    help = "Take in a bank statement (CSV, MT940 or CAMT.053). The same file again changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("site", help="code of the site whose bank account it is")
        parser.add_argument("file", help="path of the statement")

    def handle(self, *args: Any, site: str, file: str, **options: Any) -> None:
        found = Site.objects.filter(code=site).first()
        if found is None:
            raise CommandError(f"There is no site {site}.")
        try:
            data = Path(file).read_bytes()
            done = import_bank_file(site=found, data=data, name=Path(file).name, by=None, at=timezone.now())
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.") from None
        except BankFileError as error:
            raise CommandError("\n".join(f"{problem} [{problem.code}]" for problem in error.problems)) from None
        self.stdout.write(
            f"{done.new} new movements, {done.known} known; {done.matched} matched, {done.unmatched} wait for a person."
        )
