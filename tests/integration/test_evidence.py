"""The evidence pack: right, the same bytes again, checked by the script inside it, and no tampering goes unseen."""

import contextlib
import csv
import io
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from accounts.models import AuditEntry
from settlement.evidence import Pack, Unreadable, build_pack, verify, write_folder, write_zip
from settlement.evidence.verify_pack import main, seal_of, totals_of
from settlement.operations import settle
from settlement.operations.certificates import issue_due, lock, retire_for_report
from settlement.queries.carbon import CarbonError, carbon_report
from tariffs.models import EmissionFactor
from tests.certificate_world import YEAR, add_panels, add_storage, sub_read, sums
from tests.settlement_world import HALF_HOUR, TUESDAY_TEN, World, make_world

pytestmark = pytest.mark.django_db(transaction=True)
AT = TUESDAY_TEN + timedelta(days=2)
DAY = (TUESDAY_TEN - timedelta(hours=10), TUESDAY_TEN + timedelta(hours=14))


@pytest.fixture
def settled() -> World:
    """Two hours of a roof with a battery, a lab that buys by trade, a shop with panels that buys in the pool."""
    made = make_world()
    made.add("roof", ask=900)
    made.add("lab", retail=3_000)
    made.add("shop", retail=3_000, bid=2_000)
    for code in ("roof", "shop"):
        add_panels(made, code)
    add_storage(made, "roof")
    sun = [(8_000, 3_000), (9_000, 1_000), (500, 0), (0, 0)]  # panels, charged
    exported = [5_000, 8_000, 3_000, 2_000]
    for number in range(4):
        start = TUESDAY_TEN + number * HALF_HOUR
        contract = made.contract(start)
        made.trade(contract, "roof", "lab", 4_000, 1_700)
        panels, charged = sun[number]
        made.read({"roof": (0, exported[number]), "lab": (6_000, 0), "shop": (2_500, 0)}, start)
        sub_read(made, {"PV-roof": (0, panels), "PV-shop": (0, 700), "ST-roof": (charged, 2_000 * (number > 1))}, start)
        settle(contract_id=contract.pk, kind="P", at=contract.delivery_end)
    issue_due(made.market, AT)
    return made


@pytest.fixture
def world(settled: World) -> World:
    """The same, with Việt Nam's emission factor in the rulebook."""
    EmissionFactor.objects.create(
        country="VN", year=2023, mg_per_kwh=659_200, valid_from=date(2024, 12, 3), source="1726/BĐKH-PTCBT"
    )
    return settled


def pack_of(world: World, code: str, *, draft: bool = False, language: str = "en") -> Pack:
    if not draft:
        retire_for_report(
            market_id=world.market.pk, participant_id=world.people[code].pk, start=DAY[0], end=DAY[1],
            purpose="test", by=None, at=AT,
        )  # fmt: skip
    return build_pack(world.market, world.people[code], *DAY, at=AT, draft=draft, language=language)


def test_the_figures_of_the_lab(world: World) -> None:
    """The roof delivered 4,000 + 4,000 + 3,000 + 2,000 of its 24,000 Wh, in the second hour mostly stored sun."""
    report = carbon_report(world.market, world.people["lab"].pk, *DAY)
    first, second = report.hours
    assert (first.import_wh, first.local_pv_wh, first.grid_wh) == (12_000, 8_000, 4_000)
    assert (second.local_pv_wh, second.local_storage_wh, second.local_other_wh) == (500, 3_597, 903)
    assert report.totals.matched_ppm == (8_000 + 4_097) * 1_000_000 // 24_000
    assert report.totals.location_based_g == 15_821
    assert report.totals.market_based_g == round((24_000 - 12_097) * 0.6592)
    assert report.unsettled_hours == frozenset()


def test_own_sun_counts_once_and_needs_no_certificate(world: World) -> None:
    report = carbon_report(world.market, world.people["shop"].pk, *DAY)
    assert report.totals.own_pv_wh == 2_800
    assert report.totals.consumption_wh == 10_000 + 2_800
    assert report.totals.local_pv_wh == 1_000 + 2_500


def test_what_is_locked_or_only_held_does_not_count_in_evidence(world: World) -> None:
    lab = world.people["lab"].pk
    lock(market_id=world.market.pk, participant_id=lab, start=YEAR[0], end=YEAR[1], registry="I-REC", reference="1",
         by=None, at=AT, most_wh=3_000)  # fmt: skip
    assert carbon_report(world.market, lab, *DAY).totals.certificate_wh == 9_097
    assert carbon_report(world.market, lab, *DAY, retired_only=True).totals.certificate_wh == 0
    assert pack_of(world, "lab").report.totals.certificate_wh == 9_097
    assert sums(world)["lab", "locked"] == 3_000


def test_without_an_emission_factor_there_is_no_report(settled: World) -> None:
    with pytest.raises(CarbonError, match="no emission factor of VN for 2026-06-02"):
        carbon_report(settled.market, settled.people["lab"].pk, *DAY)
    EmissionFactor.objects.create(country="VN", year=2024, mg_per_kwh=681_100, official=False, valid_from="2025-01-01")
    (used,) = carbon_report(settled.market, settled.people["lab"].pk, *DAY).factors
    assert (used.factor.official, used.first_on) == (False, date(2026, 6, 2))


def test_a_reading_that_waits_for_a_run_is_told(world: World) -> None:
    world.read({"lab": (5_000, 0)})
    pack = pack_of(world, "lab")
    assert pack.manifest["unsettled_hours"] == 1


@pytest.mark.parametrize("code", ["lab", "shop", "roof"])
@pytest.mark.parametrize("draft", [True, False])
def test_the_script_finds_every_figure_again(world: World, code: str, draft: bool, tmp_path: Path) -> None:
    pack = pack_of(world, code, draft=draft)
    folder = write_folder(pack, tmp_path)
    done = subprocess.run(
        [sys.executable, "-I", "-W", "error", "verify_pack.py"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "Everything in the pack comes out again." in done.stdout
    hours = list(csv.DictReader(io.StringIO(pack.files["hourly.csv"].decode())))
    rows = [{k: int(v) if k.endswith(("_wh", "kwh")) else v for k, v in hour.items()} for hour in hours]
    assert totals_of(rows) == asdict(pack.report.totals) == pack.manifest["totals"]


def test_the_same_books_give_the_same_bytes(world: World) -> None:
    first, again = pack_of(world, "lab"), pack_of(world, "lab")
    assert first.files == again.files and write_zip(first) == write_zip(again)
    with zipfile.ZipFile(io.BytesIO(write_zip(first))) as archive:
        assert {name.split("/")[1] for name in archive.namelist()} == set(first.files)


def test_the_report_is_made_in_both_languages(world: World) -> None:
    for language in ("en", "vi"):
        assert pack_of(world, "lab", language=language).files["report.pdf"].startswith(b"%PDF")


def change_a_figure(folder: Path, table: str, column: str, by: int = 1) -> None:
    """Add to a column of the last row, and make the list of files fit again, as a forger would."""
    path = folder / table
    rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"))))
    at = rows[0].index(column)
    rows[-1][at] = str(int(rows[-1][at]) + by)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")
    fit(folder)


def fit(folder: Path, change: Callable[[dict], None] = lambda manifest: None) -> None:
    """Write the hashes and the seal anew."""
    import hashlib

    manifest = json.loads((folder / "pack.json").read_text(encoding="utf-8"))
    change(manifest)
    for entry in manifest["files"]:
        data = (folder / entry["name"]).read_bytes()
        entry.update(bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
    manifest["seal"] = seal_of(manifest)
    (folder / "pack.json").write_text(json.dumps(manifest), encoding="utf-8")


FORGERIES = [
    ("hourly.csv", "grid_wh", "hourly.csv does not add up"),
    ("hourly.csv", "certificate_wh", "The certificates are not right"),
    ("hourly.csv", "retired_wh", "The certificates are not right"),
    ("hourly.csv", "pool_wh", "The trades are not the local energy"),
    ("hourly.csv", "factor_mg_per_kwh", "Emission factors are not those"),
    ("certificates.csv", "last_wh", "The certificates are not right"),
    ("certificates.csv", "first_wh", "The certificates are not right"),
    ("certificates.csv", "quantity_wh", "The certificates are not right"),
    ("certificates.csv", "counts", "The certificates are not right"),
    ("trades.csv", "delivered_wh", "The trades are not the local energy"),
    ("readings.csv", "import_wh", "The readings are not what the hours say"),
    ("factors.csv", "mg_per_kwh", "Emission factors are not those"),
]


@pytest.fixture
def folder(world: World, tmp_path: Path) -> Path:
    return write_folder(pack_of(world, "lab"), tmp_path)


def failures(folder: Path) -> list[str]:
    return [sentence for holds, sentence in verify(folder).told if not holds]


def test_a_forger_who_fits_the_hashes_is_still_found(folder: Path, tmp_path: Path) -> None:
    for number, (table, column, told) in enumerate(FORGERIES):
        forged = tmp_path / f"forged{number}"
        shutil.copytree(folder, forged)
        assert failures(forged) == []
        change_a_figure(forged, table, column)
        assert any(told in sentence for sentence in failures(forged)), (table, column, failures(forged))
        assert main([str(forged)]) == 1


@pytest.mark.parametrize("total", ["matched_ppm", "location_based_g", "market_based_g", "grid_wh", "hours"])
def test_a_total_that_is_not_the_sum_is_found(folder: Path, total: str) -> None:
    fit(folder, lambda manifest: manifest["totals"].update({total: 7}))
    (told,) = failures(folder)
    assert "the pack says 7" in told


def test_any_changed_byte_is_found(folder: Path) -> None:
    for path in sorted(folder.iterdir()):
        before = path.read_bytes()
        path.write_bytes(before + b" \n" if path.suffix != ".json" else before.replace(b"lab", b"law"))
        with contextlib.suppress(Unreadable):
            assert failures(folder), path.name
        path.write_bytes(before)
    assert failures(folder) == []


def test_missing_strange_and_broken_files_are_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "more.csv").write_text("x")
    (folder / "README.txt").unlink()
    (told,) = failures(folder)
    assert "README.txt is missing" in told and "more.csv does not belong to it" in told
    for name, text in (("hourly.csv", "a,b\n1,2\n"), ("trades.csv", "trade_no\n\0\n"), ("pack.json", "[]")):
        before = (folder / name).read_bytes()
        (folder / name).write_text(text)
        assert main([str(folder)]) == 2
        (folder / name).write_bytes(before)
    (folder / "readings.csv").unlink()
    assert main([str(folder)]) == 2
    assert main([str(folder / "nowhere")]) == 2
    assert "This cannot be checked." in capsys.readouterr().out


def test_the_commands(world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("issue_certificates", market="w", month="2026-06")
    assert "Every law holds" in capsys.readouterr().out
    arguments = {"market": "w", "participant": "lab", "month": "2026-06", "out": tmp_path}
    call_command("evidence_pack", **arguments)
    assert "50.40 % matched" in capsys.readouterr().out
    assert failures(tmp_path / "w-lab-2026-06") == []
    assert (tmp_path / "w-lab-2026-06.zip").exists()
    seal = AuditEntry.objects.get(action="evidence.made").detail["seal"]
    assert seal == json.loads((tmp_path / "w-lab-2026-06" / "pack.json").read_text())["seal"]
    with pytest.raises(CommandError, match="is not empty"):
        call_command("evidence_pack", **arguments)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"market": "x"}, "no market 'x'; the markets are: w"),
        ({"participant": "nobody"}, "no participant 'nobody'"),
        ({"month": "2026-13"}, "write it like 2026-10"),
        ({"month": "June"}, "write it like 2026-10"),
    ],
)
def test_the_commands_say_what_is_wrong(world: World, tmp_path: Path, changed: dict[str, str], told: str) -> None:
    arguments = {"market": "w", "participant": "lab", "month": "2026-06", "out": tmp_path} | changed
    with pytest.raises(CommandError, match=told):
        call_command("evidence_pack", **arguments)
