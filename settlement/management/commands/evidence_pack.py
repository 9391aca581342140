"""`./run evidence_pack --market CODE --participant CODE --month 2026-10 --out DIR`: a tenant's evidence, ready to send.

The certificates that cover the tenant's purchases of the month are retired first, for good; `--draft` leaves them as
they are, and says so on the report.
"""

import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console

from accounts.models import Participant
from accounts.operations import audit
from settlement.evidence import Pack, build_pack, verify, write_folder, write_zip
from settlement.evidence.months import MonthError, market_of, month_of, now_of, participant_of
from settlement.evidence.report import UnknownLanguage
from settlement.evidence.texts import TEXTS
from settlement.operations.certificates import retire_for_report
from settlement.queries.carbon import CarbonError
from trading.models import Market


class Command(BaseCommand):
    help = "Write a tenant's evidence pack of a month (folder and zip), and check it with the script inside it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--market", required=True, metavar="CODE", help="the market's code")
        parser.add_argument("--participant", required=True, metavar="CODE", help="the tenant's code")
        parser.add_argument("--month", required=True, metavar="YYYY-MM", help="the local month")
        parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="where the folder and the zip go")
        parser.add_argument("--draft", action="store_true", help="retire nothing; count what is still held")
        parser.add_argument("--language", default="en", choices=sorted(TEXTS), help="of the report")

    def handle(self, *args: Any, market: str, participant: str, month: str, out: Path, **options: Any) -> None:
        try:
            found, who = market_of(market), participant_of(market, participant)
            pack = self._build(found, who, month_of(found, month), options)
            folder = write_folder(pack, out)
            (out / f"{pack.name}.zip").write_bytes(write_zip(pack))
        except (MonthError, CarbonError, UnknownLanguage) as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(f"The pack cannot be written: {error}") from None
        self._tell(pack, folder)

    def _build(
        self, market: Market, who: Participant, period: tuple[datetime, datetime], options: dict[str, Any]
    ) -> Pack:
        (start, end), at, draft = period, now_of(market), options["draft"]
        with Console(file=sys.stderr).status("Retiring certificates, gathering figures, setting the report"):
            if not draft:
                retire_for_report(
                    market_id=market.pk, participant_id=who.pk, start=start, end=end,
                    purpose=f"Evidence pack {start:%Y-%m-%d} – {end:%Y-%m-%d}", by=None, at=at,
                )  # fmt: skip
            pack = build_pack(market, who, start, end, at=at, draft=draft, language=options["language"])
        audit(by=None, action="evidence.made", target=pack.name, detail={"seal": pack.seal, "draft": draft}, at=at)
        return pack

    def _tell(self, pack: Pack, folder: Path) -> None:
        findings = verify(folder)
        totals = pack.report.totals
        matched = "nothing consumed" if totals.matched_ppm is None else f"{totals.matched_ppm / 10_000:.2f} % matched"
        self.stdout.write(
            f"{folder} and {folder.name}.zip: {totals.hours} hours, {totals.consumption_wh:,} Wh, {matched}.\n"
            f"Seal {pack.seal}, noted in the audit trail."
        )
        if pack.report.unsettled_hours:
            self.stdout.write(f"{len(pack.report.unsettled_hours)} hours can still change; make it again later.")
        for holds, sentence in findings.told:
            if not holds:
                raise CommandError(f"The pack does not check: {sentence}")
