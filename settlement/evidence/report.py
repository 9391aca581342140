"""The report of an evidence pack as a PDF: the figures on one page, what they rest on on the next.

Set by typst with its own fonts and the moment the pack was made, so that the same pack gives the same bytes.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import typst

from settlement.domain.carbon import SOURCES, CarbonTotals, HourEnergy
from settlement.evidence.texts import TEXTS
from settlement.queries.carbon import CarbonReport
from settlement.queries.certificates import CertificateRow
from units.numbers import Language, grouped, rounded_half_up

TEMPLATE = Path(__file__).parent / "templates" / "report.typ"
COUNTED = {"retired": "retired", "issued": "held", "transferred": "held", "locked": "locked"}


class UnknownLanguage(ValueError):
    """There are no words for the report in this language."""

    code = "unknown_language"


def render_report(
    report: CarbonReport,
    certificates: Iterable[CertificateRow],
    manifest: Mapping[str, Any],
    zone: ZoneInfo,
    language: str = "en",
) -> bytes:
    """The report on A4. Raises UnknownLanguage."""
    pdf = _compile(report, certificates, manifest, zone, language, format="pdf")
    assert isinstance(pdf, bytes)
    return pdf


def render_pages(
    report: CarbonReport,
    certificates: Iterable[CertificateRow],
    manifest: Mapping[str, Any],
    zone: ZoneInfo,
    language: str = "en",
) -> list[bytes]:
    """The pages as PNG pictures, for a preview."""
    pages = _compile(report, certificates, manifest, zone, language, format="png", ppi=110)
    return pages if isinstance(pages, list) else [cast(bytes, pages)]


def _compile(
    report: CarbonReport,
    certificates: Iterable[CertificateRow],
    manifest: Mapping[str, Any],
    zone: ZoneInfo,
    language: str,
    **options: Any,
) -> Any:
    if language not in TEXTS:
        raise UnknownLanguage(f"The report is made in {' and '.join(TEXTS)}, not in {language!r}.")
    data = _data(report, certificates, manifest, zone, language)
    made_at = datetime.fromisoformat(manifest["made_at"].replace("Z", "+00:00"))
    return typst.compile(
        TEMPLATE.read_bytes(),
        sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
        ignore_system_fonts=True,
        timestamp=made_at,
        **options,
    )


def _data(
    report: CarbonReport,
    certificates: Iterable[CertificateRow],
    manifest: Mapping[str, Any],
    zone: ZoneInfo,
    language: Language,
) -> dict[str, Any]:
    """All that the template shows, every number written out."""
    totals = report.totals
    return {
        "text": TEXTS[language],
        "language": language,
        "draft": manifest["draft"],
        "unsettled": len(report.unsettled_hours),
        "participant": f"{manifest['participant']['name']} ({manifest['participant']['code']})",
        "market": f"{manifest['market']['name']} · {manifest['market']['site']}",
        "period": f"{_local(report.start, zone)} – {_local(report.end, zone)} ({zone.key})",
        "made": f"{manifest['made_at']} · {manifest['method']}",
        "matched": _percent(totals.matched_ppm, language),
        "location": _tonnes(totals.location_based_g, language),
        "market_based": _tonnes(totals.market_based_g, language),
        "consumption": _kwh(totals.consumption_wh, language),
        "sources": [_source(name, totals, language) for name in SOURCES],
        "heat": _heat(report.hours, zone),
        "certificates": _by_producer(certificates, language),
        "factors": [
            {
                "days": f"{used.first_on} – {used.last_on}",
                "year": used.factor.year,
                "factor": f"{grouped(used.factor.mg_per_kwh, language, decimals=6)} kg/kWh",
                "official": used.factor.official,
                "source": used.factor.source,
                "doubt": used.factor.doubt,
            }
            for used in report.factors
        ],
        "references": manifest["sources"],
    }


def _source(name: str, totals: CarbonTotals, language: Language) -> dict[str, Any]:
    wh: int = getattr(totals, name)
    share = wh * 1_000_000 // totals.consumption_wh if totals.consumption_wh else 0
    return {"name": name, "kwh": _kwh(wh, language), "share": _percent(share, language), "ppm": share}


def _heat(hours: Iterable[HourEnergy], zone: ZoneInfo) -> list[list[int]]:
    """Days × 24 matched shares in per cent; −1 where nothing was consumed."""
    days: dict[str, list[int]] = {}
    for hour in hours:
        local = hour.start.astimezone(zone)
        row = days.setdefault(f"{local:%Y-%m-%d}", [-1] * 24)
        if hour.consumption_wh:
            row[local.hour] = hour.matched_wh * 100 // hour.consumption_wh
    return [row for _, row in sorted(days.items())]


def _by_producer(certificates: Iterable[CertificateRow], language: Language) -> list[dict[str, str]]:
    sums: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in certificates:
        if row.state in COUNTED:
            sums[row.producer, row.origin][COUNTED[row.state]] += row.quantity_wh
    return [
        {"producer": producer, "origin": origin}
        | {state: _kwh(parts[state], language) if parts[state] else "–" for state in ("retired", "held", "locked")}
        for (producer, origin), parts in sorted(sums.items())
    ]


def _local(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"


def _kwh(wh: int, language: Language) -> str:
    return grouped(wh, language, decimals=3) + " kWh"


def _percent(ppm: int | None, language: Language) -> str:
    """Two decimals, rounded down: a matched share is never overstated."""
    return "–" if ppm is None else grouped(ppm // 100, language, decimals=2) + " %"


def _tonnes(grams: int, language: Language) -> str:
    return grouped(rounded_half_up(grams, 1_000), language, decimals=3) + " t CO₂e"
