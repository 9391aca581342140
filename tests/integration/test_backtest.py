"""A scene played through the whole product: what comes out adds up, and a bad scene leaves nothing behind."""

import json
import shutil
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F

from accounts.models import Participant
from meters.models import Device, Reading, Site
from settlement.models import SettlementRun
from settlement.operations import recompute
from simulator.domain.scene import SwapStation
from simulator.domain.swaps import swaps_until_repacked
from tests.factories import make_market
from trading.models import Contract, Market, Order
from trading.operations import audit

pytestmark = pytest.mark.django_db(transaction=True)
EXAMPLE = Path(__file__).parents[2] / "docs/formats/scene-example"


@pytest.fixture
def played(tmp_path):
    out = StringIO()
    call_command("backtest", str(EXAMPLE), out=tmp_path / "report", stdout=out, stderr=StringIO())
    found = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert (tmp_path / "report.md").read_text(encoding="utf-8").strip() == out.getvalue().strip()
    return found


def test_energy_and_money_add_up(played) -> None:
    assert played["money"]["sum_millidong"] == 0
    assert played["counts"]["contracts_cleared"] == played["intervals"] == 48
    energy, members = played["energy"], played["members"]
    assert sum(row["sold_wh"] for row in members) == sum(row["bought_wh"] for row in members) > 0
    for row in members:
        assert row["import_wh"] == row["bought_wh"] + row["grid_import_wh"]
        assert row["export_wh"] == row["sold_wh"] + row["grid_export_wh"]
        assert row["savings_millidong"] == row["cash_millidong"] - row["grid_only_millidong"]
        assert sum(row["by_category_millidong"].values()) == row["cash_millidong"]
    supplied = energy["generation_wh"] + energy["discharged_wh"] + sum(row["import_wh"] for row in members)
    taken = energy["load_wh"] + energy["charged_wh"] + sum(row["export_wh"] for row in members)
    assert supplied == taken


def test_the_market_is_efficient_and_its_log_is_the_book(played) -> None:
    assert played["prices"]["trades"] > 10
    assert 671 <= played["prices"]["min_price"] <= played["prices"]["mean_price"] <= played["prices"]["max_price"]
    assert 90 < played["efficiency"]["efficiency_pct"] <= 100
    assert played["alarms"]["not_settled"] == {}
    market = Market.objects.get(code=played["market"])
    assert audit(market.pk).differences == ()


def test_every_run_can_be_recomputed(played) -> None:
    runs = SettlementRun.objects.filter(market__code=played["market"]).order_by("pk")
    assert runs.count() == 48
    for run in runs[::7]:
        assert recompute(run.pk).same_results


def test_batteries_stay_between_empty_and_full_and_report_where_they_stand(played) -> None:
    stores = Device.objects.filter(site__code=played["market"], kind="battery")
    assert {store.name for store in stores} == {"Battery", "rack packs"}
    assert not stores.exclude(soc_wh__lte=F("capacity_wh"), soc_at__isnull=False).exists()


def test_a_run_touches_nothing_of_another(played, tmp_path) -> None:
    before = Order.objects.filter(market__code=played["market"]).count()
    call_command("backtest", str(EXAMPLE), out=tmp_path / "b.json", stdout=StringIO(), stderr=StringIO())
    again = json.loads((tmp_path / "b.json").read_text(encoding="utf-8"))
    assert again["market"] != played["market"]
    assert Order.objects.filter(market__code=played["market"]).count() == before
    same = ("energy", "prices", "efficiency", "deviations", "members", "money")
    assert {key: again[key] for key in same} == {key: played[key] for key in same}


def test_fresh_forgets_earlier_backtests_and_nothing_else(played, tmp_path) -> None:
    kept = make_market("kept")
    call_command("backtest", str(EXAMPLE), out=tmp_path / "c", fresh=True, stdout=StringIO(), stderr=StringIO())
    assert not Market.objects.filter(code=played["market"]).exists()
    assert not Participant.objects.filter(code__startswith=played["market"]).exists()
    assert not Reading.objects.filter(site__code=played["market"]).exists()
    assert Market.objects.count() == 2
    assert kept.contracts.exists()


def test_a_perfect_forecast_delivers_all_it_sold(tmp_path) -> None:
    call_command("backtest", str(EXAMPLE), out=tmp_path / "p", forecast="perfect", stdout=StringIO(), stderr=StringIO())
    found = json.loads((tmp_path / "p.json").read_text(encoding="utf-8"))
    assert found["forecast"] == "perfect"
    assert found["deviations"]["delivered_pct"] >= 99


def test_a_scratch_market_does_not_tick_by_itself(played) -> None:
    market = Market.objects.get(code=played["market"])
    assert not market.ticking
    assert Contract.objects.filter(market=market, state="CLEARED").count() == 48


def test_a_bad_scene_names_the_place_and_loads_nothing(tmp_path) -> None:
    scene = tmp_path / "scene"
    shutil.copytree(EXAMPLE, scene)
    readings = scene / "readings.csv"
    lines = readings.read_text(encoding="utf-8").splitlines()
    lines[5] = lines[5].replace(lines[5].split(",")[0], "nobody", 1)
    readings.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(CommandError) as refused:
        call_command("backtest", str(scene), stdout=StringIO(), stderr=StringIO())
    assert "readings.csv, line 6, column participant" in str(refused.value)
    assert "Nothing was loaded." in str(refused.value)
    assert (Site.objects.count(), Market.objects.count(), Reading.objects.count()) == (0, 0, 0)


def test_a_folder_that_is_not_there_is_said_so(tmp_path) -> None:
    with pytest.raises(CommandError, match="no_such_folder"):
        call_command("backtest", str(tmp_path / "none"), stdout=StringIO(), stderr=StringIO())


def test_the_worked_example_of_swaps() -> None:
    station = SwapStation(40, 1_500, 20, 700, 10, 80, 60)
    assert swaps_until_repacked(station) == 14


def play(tmp_path, *options: str, scene: Path = EXAMPLE) -> dict:
    out = tmp_path / "under"
    call_command("backtest", str(scene), *options, "--out", str(out), stdout=StringIO(), stderr=StringIO())
    return json.loads(out.with_suffix(".json").read_text(encoding="utf-8"))


TARIFFS = ("--tariff", "household=vn-residential", "--tariff", "production=vn-production-22kv")


def test_two_rulebooks_are_played_and_put_side_by_side(tmp_path) -> None:
    rulebooks = ("--rulebook", "vn", "--rulebook", "vn+decision-963-2026")
    found = play(tmp_path, *rulebooks, *TARIFFS)
    left, right = found["left"], found["right"]
    assert [side["name"] for side in found["rulebooks"]] == ["Việt Nam", "Việt Nam + decision-963-2026"]
    assert [len(side["sha256"]) for side in found["rulebooks"]] == [64, 64]
    assert left["rulebook"]["sha256"] != right["rulebook"]["sha256"]
    assert left["market"] != right["market"] and left["money"]["sum_millidong"] == right["money"]["sum_millidong"] == 0
    for row in found["by_kind"]:
        sides = [
            sum(m["cash_millidong"] for m in side["members"] if m["kind"] == row["kind"]) for side in (left, right)
        ]
        assert [row["cash_millidong"][name] for name in ("left", "right", "difference")] == [
            *sides,
            sides[1] - sides[0],
        ]
    assert any(row["cash_millidong"]["difference"] for row in found["by_kind"])
    told = (tmp_path / "under.md").read_text(encoding="utf-8")
    assert left["rulebook"]["sha256"] in told and "## Money by kind of member" in told
    again = play(tmp_path, *rulebooks, *TARIFFS)
    same = ("rulebooks", "by_kind", "energy", "traded_wh", "mean_price", "by_hour", "covered_locally_pct")
    assert {name: again[name] for name in same} == {name: found[name] for name in same}


def test_runs_charge_the_rulebooks_prices_and_terms(tmp_path) -> None:
    file = tmp_path / "park.toml"
    file.write_text(
        """
        [rulebook]
        name = "Park"
        country = "VN"
        [[tariffs]]
        code = "household"
        name = "Household"
        kind = "flat"
        [[tariffs]]
        code = "works"
        name = "Works"
        kind = "flat"
        class = "production"
        [[prices]]
        tariff = "household"
        flat = 2111
        billed_from = 2026-01-01
        source = "s"
        [[prices]]
        tariff = "works"
        flat = 2222
        billed_from = 2026-01-01
        source = "s"
        [[terms]]
        site = "park"
        surplus_price = 500
        network_fee = 99
        billed_from = 2026-01-01
        source = "s"
        [[network_fees]]
        site = "park"
        seller_zone = "campus"
        buyer_zone = "park"
        price = 77
        billed_from = 2026-01-01
        source = "s"
        """,
        encoding="utf-8",
    )
    scene = tmp_path / "scene"
    shutil.copytree(EXAMPLE, scene)
    rows = (scene / "tariffs.csv").read_text(encoding="utf-8").splitlines()
    more = [",class,voltage", *(",production," if "production" in row else ",residential," for row in rows[1:])]
    (scene / "tariffs.csv").write_text("\n".join(map(str.__add__, rows, more)) + "\n", encoding="utf-8")
    found = play(tmp_path, "--rulebook", str(file), scene=scene)
    assert found["rulebook"]["tariffs"] == {"household": "household", "production": "works"}
    runs = SettlementRun.objects.filter(market__code=found["market"])
    assert set(runs.values_list("surplus_price", "network_fee")) == {(500, 99)}
    assert set(runs.values_list("results__retail_price", flat=True)) == {2_111, 2_222}
    assert all(any(77 in row for row in run.zone_fees["fees"]) for run in runs)
    assert found["alarms"]["not_settled"] == {}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--rulebook", "nowhere.toml"), "There is no rulebook nowhere.toml"),
        (("--rulebook", "vn"), "has no tariff of this code"),
        (("--rulebook", "vn", "--tariff", "household"), "is no tariff; write --tariff"),
        (("--tariff", "household=x"), "is no tariff; write --tariff"),
        (("--rulebook", "vn", "--tariff", "school=x"), "no tariff of the scene"),
        (("--rulebook", "vn", "--tariff", "household=x", *TARIFFS[2:]), "no prices of x"),
        (("--rulebook", "vn+old-hours", *TARIFFS), "no windows old-hours"),
        (("--rulebook", "vn", *TARIFFS, "--site", "park"), "no terms of the site park"),
        (("--rulebook", "vn", "--rulebook", "vn", "--rulebook", "vn"), "two to put side by side"),
    ],
)
def test_a_rulebook_that_does_not_fit_is_refused_and_loads_nothing(options, told) -> None:
    with pytest.raises(CommandError, match=told):
        call_command("backtest", str(EXAMPLE), *options, stdout=StringIO(), stderr=StringIO())
    assert not Market.objects.exists()
