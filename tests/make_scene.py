"""Makes a scene folder of a real campus and park out of the shared measurements.

    python tests/make_scene.py OUT_DIR [--days 30] [--shared PATH]

Who is in it, and from what:
- the campus (commercial medium-voltage shape × 900 kW, 400 kWp) and the 2 MWh campus battery, which is a participant of
  its own: its energy then passes through the market, where it can be seen, and is not netted behind the campus meter;
- 17 homes with measured load × 0.6 (Californian homes at Vietnamese size) and their measured roofs; the seven that
  have EV chargers also have the 6.4 kWh battery of their description, the other ten have none;
- eight EVs at seven homes, with their measured sessions;
- six tenants of the park, three with roofs larger than their weekend load, so that there is something to sell;
- one swap station of 40 packs of 1.5 kWh.

The calendar: loads are of August 2016 and EV sessions of 30 days from its first, which was a Monday, as 2026-06-01 is.
Sun on the roofs of campus and park is of June 2019 at Bình Dương, by date. Tariffs are those of decision 1279/QĐ-BCT
with the windows that are billed; a home pays the average of the progressive tiers at 300 kWh a month. VAT is left out.
Hourly rows are split into two half hours that keep the sum. Home 15's roof measured next to nothing and is
left so.
"""

import argparse
import csv
import gzip
import json
import sys
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.shared import shared_path
from units.energy import largest_remainder, split_evenly

STARTS_ON = date(2026, 6, 1)
MOST_DAYS = 30
LOADS_START = datetime(2016, 8, 1)  # noqa: DTZ001 - the files are in local time without a zone
SUN_YEAR = 2019
NETWORK_FEE, SURPLUS_PRICE = 120, 671
HOME_PERCENT, HOMES = 60, 17
HOUSEHOLD_MONTH_KWH = 300
CLASSES = {
    "production-22kv": ("production", "22_110kv"),
    "business-22kv": ("business", "ge_22kv"),
    "business-lv": ("business", "lt_6kv"),
}
# The load shape, its scale in kW, and the roof in kWp.
SHAPES = {
    "campus": ("mv_comm", 900, 400),
    "t1": ("G3-A", 700, 0),
    "t2": ("G1-A", 1000, 1500),
    "t3": ("G4-M", 400, 500),
    "t4": ("G3-M", 600, 900),
    "t5": ("G3-H", 200, 0),
    "t6": ("G1-B", 400, 0),
}
# Buyers end a little under their dearest retail price less the fee (production 3398, business 5025 and 5422), sellers
# a little over the surplus price; storage asks for what buying back at night costs.
SITES = """\
participant,name,kind,zone,tariff,credit_limit_vnd,sell_far_price,sell_near_price,buy_far_price,buy_near_price,pool_ask,pool_bid
campus,Campus,faculty,campus,business-22kv,800000000,2400,800,900,4825,900,2600
t1,Dệt Bình Minh,tenant,park,production-22kv,800000000,,,760,3198,,2600
t2,Cơ khí An Phát,tenant,park,production-22kv,400000000,1650,720,700,3278,800,2500
t3,Siêu thị Hoa Sen,tenant,park,business-22kv,400000000,1900,760,950,4805,850,3000
t4,Nhựa Tân Tiến,tenant,park,production-22kv,600000000,1700,740,720,3158,,
t5,Kho lạnh Nam Phong,tenant,park,production-22kv,300000000,,,740,3258,,2400
t6,Điện tử Sao Mai,tenant,park,production-22kv,300000000,,,690,3178,,
battery,Campus battery,storage,campus,business-22kv,200000000,3200,1850,700,1350,2000,1200
station,Swap station,station,campus,business-lv,20000000,3000,1500,800,5302,1500,2600
"""
BATTERY = {"battery_capacity_wh": 2_000_000, "battery_charge_w": 500_000, "battery_discharge_w": 500_000}
EV_OWNERS = {1: 5, 2: 7, 3: 10, 4: 12, 5: 15, 6: 15, 7: 1, 8: 4}
STATION = {"packs": 40, "pack_wh": 1500, "slots": 20, "slot_w": 700, "bidirectional_slots": 10, "dod_pct": 80}
SWAPS_PER_DAY, STATION_BASE_W = 60, 400
# How many of a day's swaps fall in each hour: riders before work, at lunch, and after work.
SWAP_HOURS = (0, 0, 0, 0, 0, 2, 6, 9, 6, 3, 3, 6, 6, 3, 3, 4, 7, 10, 9, 6, 4, 2, 1, 0)

Series = dict[str, tuple[list[int], list[int]]]


def main() -> None:
    """Make the scene and say what came out."""
    parser = argparse.ArgumentParser(description="Make a 30-day scene out of the shared measurements.")
    parser.add_argument("out", type=Path, help="folder to write, made if absent")
    parser.add_argument("--days", type=int, default=MOST_DAYS, help=f"1 to {MOST_DAYS}")
    parser.add_argument("--shared", type=Path, help="folder that holds data/")
    given = parser.parse_args()
    if not 1 <= given.days <= MOST_DAYS:
        parser.error(f"--days must be from 1 to {MOST_DAYS}: the measured EV sessions are that long.")
    data = given.shared / "data" if given.shared else shared_path("data")
    make_scene(given.out, data, given.days)
    print(f"{given.out}: {sum(path.stat().st_size for path in given.out.iterdir()):,} bytes")


def make_scene(out: Path, data: Path, days: int = MOST_DAYS) -> None:
    """Write the scene's six files into `out` from the measurements in `data`."""
    out.mkdir(parents=True, exist_ok=True)
    tariffs = list(tariff_rows(data / "vn_tariff"))
    series = homes(data, days) | sites(data, days) | {"battery": ([0] * 48 * days, [0] * 48 * days)}
    series["station"] = (station_load(days), [0] * 48 * days)
    (out / "scene.toml").write_text(heading(days), encoding="utf-8")
    write(out / "tariffs.csv", "tariff,from_time,to_time,weekdays,price,valid_from,valid_to", tariffs)
    write_named(out / "participants.csv", list(participants(data, tariffs[-1][4])))
    write_named(out / "devices.csv", list(devices(data)))
    sessions = list(ev_sessions(data, days))
    write(out / "ev_sessions.csv", "device,plug_in,plug_out,arrival_soc_pct,target_soc_pct", sessions)
    write(out / "readings.csv", "participant,start,load_wh,generation_wh", readings(series))


def heading(days: int) -> str:
    """scene.toml."""
    return f"""name = "Campus and park, June 2026"
timezone = "Asia/Ho_Chi_Minh"
interval_minutes = 30
starts_on = {STARTS_ON.isoformat()}
days = {days}
zones = ["campus", "park"]

[market]
tick = 1
lot_wh = 100
surplus_price = {SURPLUS_PRICE}
network_fee = {NETWORK_FEE}
"""


def tariff_rows(folder: Path) -> Iterator[list[Any]]:
    """Windows of the three time-of-use tariffs, and last the flat tariff of a home."""
    with (folder / "evn_tariff_rates.csv").open(encoding="utf-8") as file:
        rates = [row for row in csv.DictReader(file) if row["decision"] == "1279/QD-BCT"]
    windows = json.loads((folder / "tou_windows.json").read_text(encoding="utf-8"))["windows"]
    billed = next(entry for entry in windows if entry["status"].startswith("BILLED"))
    for tariff, (customers, voltage) in CLASSES.items():
        own = [row for row in rates if (row["customer_class"], row["voltage"]) == (customers, voltage)]
        prices = {row["period"]: int(row["price_vnd_per_kwh_ex_vat"]) for row in own}
        for days, key in (("mon-sat", "mon_sat"), ("sun", "sunday")):
            spans = [(start, end, period) for period, spans in billed[key].items() for start, end in spans]
            for start, end, period in sorted(spans):
                yield [tariff, start, end, days, prices[period], "2025-05-10", ""]
    tiers = [row for row in rates if row["subclass"] == "progressive_6_tier"]
    yield ["household", "00:00", "24:00", "all", household_price(tiers), "2025-05-10", ""]


def household_price(tiers: list[dict[str, str]]) -> int:
    """The average price of a home that takes 300 kWh a month, over the progressive tiers."""
    paid = 0
    for tier in tiers:
        first, last = int(tier["tier_from_kwh"]), int(tier["tier_to_kwh"] or HOUSEHOLD_MONTH_KWH)
        paid += max(0, min(last, HOUSEHOLD_MONTH_KWH) - first) * int(tier["price_vnd_per_kwh_ex_vat"])
    return round(paid / HOUSEHOLD_MONTH_KWH)


def participants(data: Path, household_retail_price: int) -> Iterator[dict[str, Any]]:
    """Everybody, with roof, battery and limits."""
    for site in csv.DictReader(SITES.splitlines()):
        row: dict[str, Any] = dict(site)
        row["pv_peak_w"] = SHAPES[row["participant"]][2] * 1000 if row["participant"] in SHAPES else 0
        yield row | (BATTERY if row["kind"] == "storage" else {})
    meta = json.loads((data / "citylearn2022/meta.json").read_text(encoding="utf-8"))
    for number in range(1, HOMES + 1):
        yield household(number, meta[f"home{number:02}"], household_retail_price)


def household(number: int, meta: dict[str, Any], retail_price: int) -> dict[str, Any]:
    """One home; each asks and bids a little differently, as neighbours do."""
    row: dict[str, Any] = {
        "participant": f"home{number:02}",
        "name": f"Nhà B{number}",
        "kind": "household",
        "zone": "campus",
        "tariff": "household",
        "pv_peak_w": round(meta["pv_kwp"] * 1000),
        "credit_limit_vnd": 5_000_000,
        "sell_far_price": 2300 - 23 * number,
        "sell_near_price": 700 + 17 * number,
        "buy_far_price": 750 + 11 * number,
        "buy_near_price": retail_price - NETWORK_FEE - 15 * number,
        "pool_ask": 850 + 10 * number,
        "pool_bid": 2200 - 10 * number,
    }
    if meta["chargers"]:
        battery = meta["battery"]
        row["battery_capacity_wh"] = round(battery["capacity"] * 1000)
        row["battery_charge_w"] = row["battery_discharge_w"] = round(battery["nominal_power"] * 1000)
        row["reserve_pct"] = 30
    return row


def devices(data: Path) -> Iterator[dict[str, Any]]:
    """Eight cars at their owners' chargers, and the swap station."""
    cars = json.loads((data / "citylearn2022/ev_defs.json").read_text(encoding="utf-8"))
    meta = json.loads((data / "citylearn2022/meta.json").read_text(encoding="utf-8"))
    chargers = charger_of_car(data)
    for number, home in EV_OWNERS.items():
        charger = meta[f"home{home:02}"]["chargers"][chargers[number]]
        yield {
            "device": f"ev{number}",
            "participant": f"home{home:02}",
            "kind": "ev",
            "capacity_wh": round(cars[f"Electric_Vehicle_{number}"]["battery"]["attributes"]["capacity"] * 1000),
            "charge_w": round(charger["max_charging_power"] * 1000),
            "discharge_w": round(charger["max_discharging_power"] * 1000),
            "consent": "yes" if number % 2 else "no",
        }
    station = {"device": "swap1", "participant": "station", "kind": "swap_station", "swaps_per_day": SWAPS_PER_DAY}
    yield station | STATION


def charger_rows(data: Path) -> dict[str, list[dict[str, str]]]:
    """The hourly rows of each charger."""
    with (data / "citylearn2022/ev_chargers_30d.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {charger: list(own) for charger, own in groupby(rows, key=lambda row: row["charger"])}


def charger_of_car(data: Path) -> dict[int, str]:
    """Which charger each car uses."""
    found = {}
    for charger, rows in charger_rows(data).items():
        car = next(row["electric_vehicle_id"] for row in rows if row["electric_vehicle_id"])
        found[int(car.rpartition("_")[2])] = charger
    return found


def ev_sessions(data: Path, days: int) -> Iterator[list[Any]]:
    """When each car was plugged in (state 1), with the charge it came with and the charge it wanted."""
    cars = {charger: number for number, charger in charger_of_car(data).items()}
    for charger, rows in charger_rows(data).items():
        states = enumerate(rows[: 24 * days])
        for plugged, own in groupby(states, key=lambda pair: pair[1]["electric_vehicle_charger_state"] == "1"):
            hours = list(own)
            if not plugged:
                continue
            first, row = hours[0]
            coming = rows[first - 1]["electric_vehicle_estimated_soc_arrival"] if first else ""
            capacity_kwh = float(row["electric_vehicle_battery_capacity_khw"])
            arrival = float(coming) if coming else 100 * float(row["current_soc"]) / capacity_kwh
            target = round(float(row["electric_vehicle_required_soc_departure"]))
            yield [f"ev{cars[charger]}", local(2 * first), local(2 * hours[-1][0] + 2), round(arrival), target]


def homes(data: Path, days: int) -> Series:
    """Load × 0.6 and generation of the 17 homes, Wh in half hours."""
    found: Series = {f"home{number:02}": ([], []) for number in range(1, HOMES + 1)}
    with (data / "citylearn2022/homes17_hourly_30d.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))[: 24 * days]
    for row in rows:
        for home, (load, generation) in found.items():
            load += split_evenly(round(float(row[f"{home}_load_kwh"]) * 10 * HOME_PERCENT), 2)
            generation += split_evenly(round(float(row[f"{home}_pv_kwh"]) * 1000), 2)
    return found


def sites(data: Path, days: int) -> Series:
    """Load and generation of the campus and the tenants, Wh in half hours."""
    with gzip.open(data / "simbench/profiles_15min_year2016.csv.gz", "rt", encoding="utf-8") as file:
        first = LOADS_START.strftime("%d.%m.%Y %H:%M")
        shapes = from_first(csv.DictReader(file), "time", first, 96 * days)
    sun_file = data / "solar_vn/binhduong_pv_hybrid_15min_2019.csv.gz"
    with gzip.open(sun_file, "rt", encoding="utf-8") as file:
        first = f"{SUN_YEAR}-{STARTS_ON.month:02}-01 00:00"
        sun = from_first(csv.DictReader(file), "interval_start_local", first, 96 * days)
    kwh_per_kwp = [float(row["pv_hybrid_kwh_per_kwp"]) for row in sun]
    found: Series = {}
    for key, (shape, scale_kw, peak_kw) in SHAPES.items():
        per_unit = [float(row[f"{shape}_pload"]) / 4 for row in shapes]
        found[key] = (half_hours(per_unit, scale_kw), half_hours(kwh_per_kwp, peak_kw))
    return found


def from_first(rows: Iterator[dict[str, str]], column: str, first: str, count: int) -> list[dict[str, str]]:
    """`count` rows from the one whose column is `first`."""
    found: list[dict[str, str]] = []
    for row in rows:
        if found or row[column] == first:
            found.append(row)
        if len(found) == count:
            return found
    raise ValueError(f"The file has {len(found)} rows from {first}, not {count}.")


def half_hours(quarter_kwh: list[float], scale: int) -> list[int]:
    """Quarter hours in kWh per unit → half hours in whole Wh."""
    pairs = zip(quarter_kwh[::2], quarter_kwh[1::2], strict=True)
    return [round((first + second) * scale * 1000) for first, second in pairs]


def station_load(days: int) -> list[int]:
    """The station's own load, Wh in half hours: light and cooling, and recharging the packs that riders bring back."""
    pack_wh = STATION["pack_wh"] * STATION["dod_pct"] // 100 * 100 // 95
    swaps = [half for hour in largest_remainder(SWAPS_PER_DAY, SWAP_HOURS) for half in split_evenly(hour, 2)]
    return [STATION_BASE_W // 2 + count * pack_wh for count in swaps] * days


def readings(series: Series) -> Iterator[list[Any]]:
    """Every participant's readings, one after the other."""
    for key, (load, generation) in series.items():
        for slot, pair in enumerate(zip(load, generation, strict=True)):
            yield [key, local(slot), *pair]


def local(slot: int) -> str:
    """The local time of a half hour of the scene."""
    midnight = datetime.combine(STARTS_ON, datetime.min.time())
    return (midnight + timedelta(minutes=30 * slot)).isoformat(timespec="minutes")


def write(path: Path, header: str, rows: Iterator[list[Any]] | list[list[Any]]) -> None:
    """One CSV file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header.split(","))
        writer.writerows(rows)


def write_named(path: Path, rows: list[dict[str, Any]]) -> None:
    """One CSV file with the columns that any of its rows has."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    write(path, ",".join(names), [[row.get(name) for name in names] for row in rows])


if __name__ == "__main__":
    main()
