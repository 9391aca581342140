"""`manage.py documents --market CODE --month 2026-10`: PDFs and e-invoices of an issued month, accountants' tables."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.progress import track

from settlement.documents.providers import ProviderError
from settlement.documents.sheets import TABLES, write_csv, write_xlsx
from settlement.management.commands.close_month import found_market, month_of
from settlement.operations.documents import documents, issued, make_pdfs, submit_invoices

Item = TypeVar("Item")


class Command(BaseCommand):
    help = "Make the PDFs of a month, hand its invoices to the e-invoice provider, write tables for accountants."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--market", required=True, metavar="CODE")
        parser.add_argument("--month", required=True, metavar="YYYY-MM")
        parser.add_argument("--tables", metavar="FOLDER", help="write documents, lines and VAT as CSV and XLSX there")
        parser.add_argument("--language", choices=("en", "vi"), default="vi", help="of the tables' heads")

    def handle(self, *args: Any, market: str, month: str, tables: str | None, **options: Any) -> None:
        found, first = found_market(market), month_of(month)
        count = issued(found, first).count()
        if not count:
            raise CommandError(f"Nothing is issued for {month} in {market}; close the month first.")
        made = _counted(make_pdfs(found, first), count, "PDFs")
        self.stdout.write(f"{made} PDFs made, {count - made} were there: {settings.DOCUMENTS_FOLDER}")
        try:
            handed = _counted(submit_invoices(found, first), count, "e-invoices")
        except ProviderError as error:
            raise CommandError(f"{error} [{error.code}]") from error
        self.stdout.write(f"{handed} e-invoices handed over: {settings.EINVOICE_OUTBOX / found.site.code}")
        if tables:
            self._tables(Path(tables), f"{market}-{month}", documents(issued(found, first)), options["language"])

    def _tables(self, folder: Path, name: str, found: Iterable[Any], language: Any) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        everything = list(found)
        write_xlsx(everything, folder / f"{name}.xlsx", language)
        for table in TABLES:
            with (folder / f"{name}-{table}.csv").open("w", encoding="utf-8-sig", newline="") as stream:
                write_csv(everything, stream, table, language)
        self.stdout.write(f"Tables written: {folder}")


def _counted(items: Iterator[Item], total: int, told: str) -> int:
    return sum(1 for _ in track(items, told, total=total, transient=True))
