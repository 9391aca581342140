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
