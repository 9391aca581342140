"""Putting an evidence pack together: tables, the report, the script that checks them, and the list with their hashes.

The same state of the books and the same moment give the same bytes: no clock is read, the zip carries no times, and the
report is set with typst's own fonts. A pack that is no draft counts retired certificates only, because what is still
held could be used elsewhere tomorrow.
"""

import hashlib
import json
import zipfile
from dataclasses import asdict, dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from accounts.models import Participant
from settlement.domain.carbon import METHOD
from settlement.evidence import verify_pack
from settlement.evidence.report import render_report
from settlement.evidence.tables import (
    certificates_csv,
    factors_csv,
    hourly_csv,
    pool_of,
    readings_csv,
    trades_csv,
    utc,
)
from settlement.queries.carbon import CarbonReport, carbon_report
from settlement.queries.certificates import certificates_of
from trading.models import Market

ZIP_TIME = (1980, 1, 1, 0, 0, 0)
SOURCES = (
    "GHG Protocol, Scope 2 Guidance (2015): location-based and market-based method, chapters 6 and 7",
    "Google, 24/7 Carbon-Free Energy: Methodologies and Metrics (2021): hourly matched share",
    "RE100, Technical Criteria: on-site generation and energy attribute certificates, retired for the claim",
    "Regulation (EU) 2023/956 and (EU) 2023/1773 (CBAM), Annexes III and IV: default is the grid's emission factor",
)
README = """Evidence pack of Wattbourse

pack.json         who, when, the totals, and the SHA-256 of every other file
report.pdf        the same for people
hourly.csv        energy by source, hour by hour
certificates.csv  the certificates held; 'counts' says which of them this pack counts
trades.csv        what was bought from and sold to neighbours, and what of it was delivered
readings.csv      the meter readings with their versions
factors.csv       the grid's emission factors, where they are from, what is doubtful
verify_pack.py    computes everything again:   python3 verify_pack.py

Consumption is what was imported plus what was used of one's own sun. Matched share = sum over the hours of
min(consumption, green) / sum of consumption, in millionths, rounded down. Location-based = import x factor of the grid.
Market-based = import not covered by a certificate of the same hour x factor of the grid (no residual mix is published).
Energies are whole Wh, factors mg CO2e per kWh, emissions whole grams, rounded once. Times are UTC.
"""


@dataclass(frozen=True, slots=True)
class Pack:
    """An evidence pack: its name, its files by name, its manifest and the report it shows. `seal` vouches for all."""

    name: str
    files: dict[str, bytes]
    manifest: dict[str, Any]
    report: CarbonReport

    @property
    def seal(self) -> str:
        """SHA-256 over the manifest, and so over every file."""
        return str(self.manifest["seal"])


def build_pack(
    market: Market,
    participant: Participant,
    start: datetime,
    end: datetime,
    *,
    at: datetime,
    draft: bool = False,
    language: str = "en",
) -> Pack:
    """The pack of a participant over the local hours in [start, end), as the books stand; `at` is written on it.

    A draft also counts certificates that are held but not retired. Raises CarbonError (`no_emission_factor`).
    """
    report = carbon_report(market, participant.pk, start, end, retired_only=not draft)
    zone = ZoneInfo(market.site.timezone)
    certificates = certificates_of(market.pk, participant.pk, start, end)
    manifest = _manifest(market, participant, report, at, draft)
    files = {
        "hourly.csv": hourly_csv(report, pool_of(report), zone),
        "certificates.csv": certificates_csv(certificates, draft=draft),
        "trades.csv": trades_csv(report),
        "readings.csv": readings_csv(report),
        "factors.csv": factors_csv(report.country, report.factors),
        "report.pdf": render_report(report, certificates, manifest, zone, language),
        "README.txt": README.encode(),
        "verify_pack.py": Path(verify_pack.__file__).read_bytes(),
    }
    manifest["files"] = [_listed(name, data) for name, data in sorted(files.items())]
    manifest["seal"] = verify_pack.seal_of(manifest)
    files[verify_pack.MANIFEST] = (json.dumps(manifest, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()
    first = start.astimezone(zone)
    return Pack(f"{market.code}-{participant.code}-{first:%Y-%m}", files, manifest, report)


def _manifest(
    market: Market, participant: Participant, report: CarbonReport, at: datetime, draft: bool
) -> dict[str, Any]:
    return {
        "format": verify_pack.FORMAT,
        "method": METHOD,
        "market": {"code": market.code, "name": market.name, "site": market.site.name},
        "participant": {"code": participant.code, "name": participant.name},
        "period": {"start": utc(report.start), "end": utc(report.end), "timezone": market.site.timezone},
        "made_at": utc(at),
        "draft": draft,
        "unsettled_hours": len(report.unsettled_hours),
        "totals": asdict(report.totals),
        "sources": list(SOURCES),
    }


def _listed(name: str, data: bytes) -> dict[str, Any]:
    return {"name": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def write_folder(pack: Pack, out: Path) -> Path:
    """Write the pack's files into `out`/name, which must be new or empty; returns that folder."""
    folder = out / pack.name
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty; remove it, or give another folder.")
    for name, data in pack.files.items():
        (folder / name).write_bytes(data)
    return folder


def write_zip(pack: Pack) -> bytes:
    """The pack as a zip with one folder, the same bytes each time."""
    data = BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in sorted(pack.files.items()):
            entry = zipfile.ZipInfo(f"{pack.name}/{name}", ZIP_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return data.getvalue()
