#!/usr/bin/env python3
"""Check an evidence pack of Wattbourse: python3 verify_pack.py [FOLDER]

Works on the unpacked folder, needs nothing but Python 3.8 or newer, and no network. It computes every figure again from
the tables in the pack, and says in sentences what matches and what does not. Exit status: 0 all matches, 1 something
does not, 2 the folder cannot be read as a pack.

The method: docs/formats/evidence-pack.md of Wattbourse, in short in README.txt beside this file.
"""

# It must run on Python 3.8, which has neither strict zip, pairwise, nor subscripts of dict at run time.
# ruff: noqa: B905, RUF007, UP006, UP035

from __future__ import annotations

import csv
import hashlib
import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any, Dict, Iterable

FORMAT = "wattbourse-evidence-1"
MANIFEST = "pack.json"
PPM = 1_000_000
UG_PER_GRAM = 1_000_000
TABLES = ("hourly.csv", "certificates.csv", "trades.csv", "readings.csv", "factors.csv")
SOURCES = ("own_pv_wh", "own_storage_wh", "local_pv_wh", "local_storage_wh", "local_other_wh", "grid_wh")
SUMMED = (*SOURCES, "import_wh", "consumption_wh", "certificate_wh", "retired_wh", "matched_wh")
MOST_TOLD = 5
Row = Dict[str, Any]  # as Python 3.8 writes it


class Unreadable(Exception):
    """The folder is no pack, or a table in it is broken."""


class Findings:
    """What was checked, in order, as (whether it holds, a sentence)."""

    def __init__(self) -> None:
        self.told: list[tuple[bool, str]] = []

    def check(self, problems: Iterable[str], good: str, bad: str) -> None:
        """Note `good` where there are no problems, else `bad` with the first of them."""
        problems = list(problems)
        more = "; and %s more" % (len(problems) - MOST_TOLD) if len(problems) > MOST_TOLD else ""
        sentence = "{}: {}{}.".format(bad, "; ".join(problems[:MOST_TOLD]), more) if problems else good + "."
        self.told.append((not problems, sentence))

    @property
    def fine(self) -> bool:
        """Whether everything holds."""
        return all(holds for holds, _ in self.told)


def verify(folder: str | Path) -> Findings:
    """Check the pack in `folder`; returns Findings. Raises Unreadable."""
    folder = Path(folder)
    manifest = read_manifest(folder)
    findings = Findings()
    check_seal(findings, manifest)
    check_files(findings, folder, manifest)
    tables = {name: read_table(folder / name) for name in TABLES}
    try:
        check_tables(findings, tables, manifest)
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise Unreadable(f"A column or an entry is missing or is not what it should be: {problem!r}.") from None
    return findings


def check_tables(findings: Findings, tables: dict[str, list[Row]], manifest: Row) -> None:
    hours = {row["hour_start"]: row for row in tables["hourly.csv"]}
    check_hours(findings, tables["hourly.csv"], hours, manifest)
    check_certificates(findings, tables["certificates.csv"], hours, manifest)
    check_trades(findings, tables["trades.csv"], hours, manifest)
    check_readings(findings, tables["readings.csv"], hours)
    check_factors(findings, tables["factors.csv"], hours)
    check_totals(findings, tables["hourly.csv"], manifest)


def read_manifest(folder: Path) -> Row:
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Unreadable(
            f"There is no {MANIFEST} in {folder}; name the folder that the pack was unpacked to."
        ) from None
    except (OSError, ValueError) as problem:
        raise Unreadable(f"{MANIFEST} cannot be read: {problem}.") from None
    wanted = {"format": str, "files": list, "totals": dict, "period": dict, "participant": dict, "draft": bool}
    if not isinstance(manifest, dict) or any(not isinstance(manifest.get(k), t) for k, t in wanted.items()):
        raise Unreadable(f"{MANIFEST} is not the manifest of an evidence pack.")
    if manifest["format"] != FORMAT:
        raise Unreadable("The pack has the format {}; this script reads {}.".format(manifest["format"], FORMAT))
    return manifest


def seal_of(manifest: Row) -> str:
    """SHA-256 of the manifest without its seal, written the one canonical way."""
    rest = {key: value for key, value in manifest.items() if key != "seal"}
    text = json.dumps(rest, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def check_seal(findings: Findings, manifest: Row) -> None:
    same = manifest.get("seal") == seal_of(manifest)
    findings.check(
        [] if same else ["it says {}, and is {}".format(manifest.get("seal"), seal_of(manifest))],
        "The seal of {} is right ({}); the market's operator can confirm it".format(MANIFEST, manifest.get("seal")),
        f"The seal of {MANIFEST} is not right, so it was changed",
    )


def check_files(findings: Findings, folder: Path, manifest: Row) -> None:
    listed = {str(entry.get("name")): entry for entry in manifest["files"] if isinstance(entry, dict)}
    present = {path.name for path in folder.iterdir()} - {MANIFEST, "__pycache__"}
    problems = [f"{name} is missing" for name in sorted(set(listed) - present)]
    problems += [f"{name} is missing from the list" for name in TABLES if name not in listed]
    problems += [f"{name} does not belong to it" for name in sorted(present - set(listed))]
    for name in sorted(set(listed) & present):
        data = (folder / name).read_bytes()
        if hashlib.sha256(data).hexdigest() != listed[name].get("sha256") or len(data) != listed[name].get("bytes"):
            problems.append(f"{name} was changed")
    findings.check(problems, f"All {len(listed)} files are the ones in the list", "The files are not those listed")


def read_table(path: Path) -> list[Row]:
    """The rows of a CSV with their numbers as integers. Raises Unreadable."""
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines))
        return [{key: number(key, value) for key, value in row.items()} for row in rows]
    except FileNotFoundError:
        raise Unreadable(f"{path.name} is missing, so nothing can be computed.") from None
    except (OSError, ValueError, TypeError, AttributeError, csv.Error) as problem:
        raise Unreadable(f"{path.name} cannot be read: {problem}.") from None


def number(column: str, text: str) -> int | str:
    whole = column.endswith("_wh") or column in ("version", "factor_mg_per_kwh", "mg_per_kwh", "counts", "unsettled")
    return int(text) if whole else text + ""


def check_hours(findings: Findings, rows: list[Row], hours: dict[str, Row], manifest: Row) -> None:
    problems = []
    for row in rows:
        for column, value in derived(row).items():
            if row[column] != value:
                problems.append("{} {} is {}, should be {}".format(row["hour_start"], column, row[column], value))
        if min(row[column] for column in row if column.endswith("_wh")) < 0:
            problems.append("{} has a negative energy".format(row["hour_start"]))
        if not manifest["period"]["start"] <= row["hour_start"] < manifest["period"]["end"]:
            problems.append("{} is outside the period".format(row["hour_start"]))
    if len(hours) != len(rows):
        problems.append("an hour stands there twice")
    findings.check(
        problems,
        f"In each of the {len(rows)} hours the sources add up to what was consumed",
        "hourly.csv does not add up",
    )


def derived(row: Row) -> dict[str, int]:
    """The columns of an hour that follow from the others."""
    bought = row["local_pv_wh"] + row["local_storage_wh"] + row["local_other_wh"] + row["grid_wh"]
    own = row["own_pv_wh"] + row["own_storage_wh"]
    return {
        "import_wh": bought,
        "consumption_wh": bought + own,
        "green_wh": own + row["certificate_wh"],
        "matched_wh": min(bought + own, own + row["certificate_wh"]),
        "uncovered_wh": max(0, bought - row["certificate_wh"]),
    }


def check_certificates(findings: Findings, rows: list[Row], hours: dict[str, Row], manifest: Row) -> None:
    problems: list[str] = []
    counted: dict[str, int] = defaultdict(int)
    retired: dict[str, int] = defaultdict(int)
    ranges: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for row in rows:
        ranges[row["producer"]].append((row["first_wh"], row["last_wh"]))
        if row["last_wh"] - row["first_wh"] != row["quantity_wh"] or row["quantity_wh"] <= 0:
            problems.append("{} has the wrong quantity".format(row["certificate"]))
        if row["counts"] != counts(row["state"], manifest["draft"]):
            problems.append("{} is {} and may not count so".format(row["certificate"], row["state"]))
        if row["holder"] != manifest["participant"].get("code"):
            problems.append("{} belongs to {}".format(row["certificate"], row["holder"]))
        counted[row["hour_start"]] += row["quantity_wh"] * row["counts"]
        retired[row["hour_start"]] += row["quantity_wh"] * (row["state"] == "retired")
    for producer, parts in ranges.items():
        parts.sort()
        problems += [f"Wh {b[0]} of {producer} is there twice" for a, b in zip(parts, parts[1:]) if b[0] < a[1]]
    for hour in sorted(set(counted) | set(hours)):
        row = hours.get(hour, {"certificate_wh": 0, "retired_wh": 0})
        if counted[hour] != row["certificate_wh"] or retired[hour] != row["retired_wh"]:
            problems.append(
                "the certificates of {} are {} Wh, not {}".format(hour, counted[hour], row["certificate_wh"])
            )
    findings.check(
        problems,
        f"No Wh stands in two of the {len(rows)} certificates, and they are what each hour counts",
        "The certificates are not right",
    )


def counts(state: str, draft: bool) -> int:
    """Only what is retired counts; in a draft also what is still held."""
    return int(state == "retired" or (draft and state in ("issued", "transferred")))


def check_trades(findings: Findings, rows: list[Row], hours: dict[str, Row], manifest: Row) -> None:
    own = manifest["participant"].get("code")
    delivered: dict[str, int] = defaultdict(int)
    problems = [
        "trade {} is of somebody else".format(r["trade_no"]) for r in rows if own not in (r["seller"], r["buyer"])
    ]
    for row in rows:
        delivered[row["hour_start"]] += row["delivered_wh"] * (row["buyer"] == own)
        if not 0 <= row["delivered_wh"] <= row["traded_wh"]:
            problems.append("trade {} delivered more than was traded".format(row["trade_no"]))
    for hour, row in sorted(hours.items()):
        local = row["local_pv_wh"] + row["local_storage_wh"] + row["local_other_wh"]
        if delivered[hour] + row["pool_wh"] != local:
            problems.append(
                "{}: trades and pool gave {} Wh, not {}".format(hour, delivered[hour] + row["pool_wh"], local)
            )
    findings.check(
        problems,
        "The delivered trades and the pool are the local energy of each hour",
        "The trades are not the local energy",
    )


def check_readings(findings: Findings, rows: list[Row], hours: dict[str, Row]) -> None:
    problems: list[str] = []
    imported: dict[str, int] = defaultdict(int)
    panels: dict[str, int] = defaultdict(int)
    seen: set[tuple[str, str]] = set()
    for row in rows:
        imported[row["hour_start"]] += row["import_wh"] * (row["role"] == "boundary")
        panels[row["hour_start"]] += row["export_wh"] * (row["role"] == "generation")
        if (row["metering_point"], row["interval_start"]) in seen:
            problems.append("{} of {} is there twice".format(row["metering_point"], row["interval_start"]))
        seen.add((row["metering_point"], row["interval_start"]))
    settled = [(hour, row) for hour, row in sorted(hours.items()) if not row["unsettled"]]
    for hour, row in settled:
        if imported[hour] != row["import_wh"]:
            problems.append("{}: the meters say {} Wh, not {}".format(hour, imported[hour], row["import_wh"]))
        if row["own_pv_wh"] > panels[hour]:
            problems.append(f"{hour}: more own sun than the panels gave")
    left = len(hours) - len(settled)
    estimated = f"; {left} hours rest on estimates or wait for a run and were left out" if left else ""
    findings.check(problems, "The meters say what was imported" + estimated, "The readings are not what the hours say")


def check_factors(findings: Findings, rows: list[Row], hours: dict[str, Row]) -> None:
    problems = []
    for hour, row in sorted(hours.items()):
        on = row["hour_local"][:10]
        found = [f["mg_per_kwh"] for f in rows if f["first_on"] <= on <= f["last_on"]]
        if found != [row["factor_mg_per_kwh"]]:
            problems.append("{} uses {} mg/kWh".format(hour, row["factor_mg_per_kwh"]))
    findings.check(
        problems, "Every hour uses the emission factor of its day", "Emission factors are not those in factors.csv"
    )


def totals_of(rows: list[Row]) -> dict[str, int | None]:
    """All totals from the hours, with nothing rounded but the emissions, once each, half up."""
    sums: dict[str, int | None] = {name: sum(row[name] for row in rows) for name in SUMMED}
    location = sum(row["import_wh"] * row["factor_mg_per_kwh"] for row in rows)
    market = sum(row["uncovered_wh"] * row["factor_mg_per_kwh"] for row in rows)
    sums["hours"] = len(rows)
    consumed, matched = sum(row["consumption_wh"] for row in rows), sum(row["matched_wh"] for row in rows)
    sums["matched_ppm"] = matched * PPM // consumed if consumed else None
    sums["location_based_g"] = (2 * location + UG_PER_GRAM) // (2 * UG_PER_GRAM)
    sums["market_based_g"] = (2 * market + UG_PER_GRAM) // (2 * UG_PER_GRAM)
    return sums


NAMES = {
    "matched_ppm": "The hourly matched share (24/7 CFE score, millionths)",
    "location_based_g": "Scope 2, location-based (grams CO2e)",
    "market_based_g": "Scope 2, market-based (grams CO2e)",
}


def check_totals(findings: Findings, rows: list[Row], manifest: Row) -> None:
    said, found = manifest["totals"], totals_of(rows)
    for name, told in NAMES.items():
        problem = [f"computed again it is {found[name]}, the pack says {said.get(name)}"]
        findings.check(problem if found[name] != said.get(name) else [], f"{told} is {found[name]}", told)
    others = set(found) | set(said)
    problems = [f"{n} is {found.get(n)}, the pack says {said.get(n)}" for n in sorted(others - set(NAMES))
                if found.get(n) != said.get(n)]  # fmt: skip
    findings.check(problems, "All other totals come out again", "Other totals do not come out again")


def main(arguments: list[str]) -> int:
    """Print the findings; returns the exit status."""
    folder = arguments[0] if arguments else str(Path(__file__).resolve().parent)
    try:
        findings = verify(folder)
    except Unreadable as problem:
        sys.stdout.write(f"This cannot be checked. {problem}\n")
        return 2
    for holds, sentence in findings.told:
        sys.stdout.write("{}  {}\n".format("OK  " if holds else "FAIL", sentence))
    sys.stdout.write("Everything in the pack comes out again.\n" if findings.fine else "The pack is NOT right.\n")
    return 0 if findings.fine else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
