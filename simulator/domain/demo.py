"""Who takes part in the demo: 24 members of a campus and the industrial park beside it.

Chosen so that there is always somebody to trade with. By day the roofs of faculties and of two factories make more than
they use, most of all at weekends, and the park's continuous factory, cold store and offices want it; in the evening the
campus battery, the swap station and the homes with batteries have energy to sell at peak prices; at night the
storage buys back and the continuous tenants go on. Limits end just over the surplus price and just under the retail
price less the network fee; orders are cut to the market's band when they are placed.

Retail prices are those of the shipped rulebook of Việt Nam, with the time-of-use windows that are billed. A member's
tariff is a code there without its `vn-`; a home pays by tiers, as somebody who takes 300 kWh a month.
"""

import csv
from dataclasses import dataclass
from functools import cache

from simulator.domain.campus import MemberParams
from simulator.domain.scene import Battery, Device, Instruction, Participant, Ramp, SwapStation

ZONES = ("campus", "park")
# The numbers are W, Wh and đồng per kWh; an empty price: does not sell, does not buy, is not in the pool on that side.
_MEMBERS = """\
key,name,kind,shape,zone,tariff,mean_load_w,pv_peak_w,battery_wh,battery_w,sell_far,sell_near,buy_far,buy_near,ask,bid
nha-b1,Nhà B1,household,home,campus,residential,420,5000,5000,2500,2280,720,780,2330,860,2190
nha-b2,Nhà B2,household,home,campus,residential,380,4200,5000,2500,2250,740,760,2320,870,2180
nha-b3,Nhà B3,household,home,campus,residential,650,3300,0,0,2230,760,800,2310,880,2170
nha-b4,Nhà B4,household,home,campus,residential,310,6000,0,0,2200,730,750,2300,860,2160
nha-b5,Nhà B5,household,home,campus,residential,900,8000,10000,5000,2180,780,820,2290,900,2150
nha-b6,Nhà B6,household,home,campus,residential,540,0,0,0,,,810,2340,,2140
nha-b7,Nhà B7,household,home,campus,residential,470,4000,0,0,2160,750,770,2280,,
nha-b8,Nhà B8,household,home,campus,residential,360,3000,0,0,2140,770,790,2270,890,2130
nha-b9,Nhà B9,household,home,campus,residential,720,10000,10000,5000,2120,710,760,2260,850,2120
nha-b10,Nhà B10,household,home,campus,residential,590,0,0,0,,,830,2325,,2110
ktx-1,Ký túc xá 1,dorm,dorm,campus,residential,22000,45000,0,0,2200,800,820,2315,920,2200
ktx-2,Ký túc xá 2,dorm,dorm,campus,residential,28000,60000,0,0,2150,790,800,2305,910,2180
khoa-ky-thuat,Khoa Kỹ thuật,faculty,lab,campus,business-22kv,38000,180000,0,0,2600,820,880,4850,950,2600
khoa-kinh-te,Khoa Kinh tế,faculty,faculty,campus,business-22kv,30000,150000,0,0,2500,800,870,4800,940,2550
khoa-y,Khoa Y,faculty,lab,campus,business-22kv,45000,120000,0,0,2550,830,900,4880,960,2650
thu-vien,Thư viện,faculty,faculty,campus,business-22kv,26000,110000,0,0,2450,790,860,4780,930,2500
bess,Trung tâm năng lượng,storage,office,campus,business-22kv,4000,250000,1000000,250000,3150,1500,700,1350,1600,1200
tram-doi-pin,Trạm đổi pin,station,swap_station,campus,business-lv,3500,12000,0,0,3000,1500,800,5250,1500,2600
det-binh-minh,Dệt Bình Minh,tenant,factory_continuous,park,production-22kv,140000,0,0,0,,,760,3240,,2600
co-khi-an-phat,Cơ khí An Phát,tenant,factory_two_shifts,park,production-22kv,90000,320000,0,0,1660,720,740,3220,800,2500
nhua-tan-tien,Nhựa Tân Tiến,tenant,factory_two_shifts,park,production-22kv,70000,200000,0,0,1690,740,730,3200,820,2450
kho-lanh,Kho lạnh Nam Phong,tenant,cold_store,park,production-22kv,85000,0,0,0,,,750,3260,,2400
sieu-thi-hoa-sen,Siêu thị Hoa Sen,tenant,shop,park,business-22kv,60000,90000,0,0,1900,760,900,4820,850,3000
van-phong-sao-mai,Văn phòng Sao Mai,tenant,office,park,business-22kv,35000,0,0,0,,,890,4790,,
"""
# What may be open in orders and trades, and three months of what a member takes: so long may a bill be unpaid.
_CREDIT_VND = {
    "household": 5_000_000,
    "dorm": 60_000_000,
    "faculty": 120_000_000,
    "storage": 200_000_000,
    "station": 30_000_000,
    "tenant": 400_000_000,
}
_UNPAID_HOURS, _UNPAID_PRICE = 92 * 24, 3_000
# Two halls, each with a connection and a meter of its own.
_TWO_METERS = ("det-binh-minh",)
# Meters that cannot be reached for a while every day, in minutes of the local day: what is missing waits for a person.
# Homes without a battery, whose state is only known from their reports.
_UNREACHED = {"nha-b8": (2 * 60, 3 * 60), "nha-b4": (10 * 60, 11 * 60 + 30), "nha-b7": (18 * 60, 19 * 60)}
# What a home is expected to take from the grid in a month: it decides the tier that prices its intervals.
HOME_MONTH_WH = 300_000


@dataclass(frozen=True, slots=True)
class DemoMember:
    """A participant, the name of its load shape, and its size for the campus model."""

    participant: Participant
    shape: str
    params: MemberParams
    devices: tuple[Device, ...]

    @property
    def points(self) -> tuple[str, ...]:
        """The codes of its boundary metering points, the larger one first."""
        key = self.participant.key
        return (key, f"{key}.2") if key in _TWO_METERS else (key,)

    @property
    def stores(self) -> bool:
        """Whether it has a battery, or packs that are one to the market."""
        return self.participant.battery is not None or bool(self.devices)


@cache
def demo_members() -> tuple[DemoMember, ...]:
    """The 24 members, always the same, in a fixed order."""
    return tuple(_member(row) for row in csv.DictReader(_MEMBERS.splitlines()))


def is_reached(key: str, minute: int) -> bool:
    """Whether this member's meters report an interval that begins at this minute of the local day."""
    since, until = _UNREACHED.get(key, (0, 0))
    return not since <= minute < until


def _member(row: dict[str, str]) -> DemoMember:
    pv_peak_w = int(row["pv_peak_w"])
    participant = Participant(
        key=row["key"],
        name=row["name"],
        kind=row["kind"],
        zone=row["zone"],
        tariff=row["tariff"],
        pv_peak_w=pv_peak_w,
        battery=_battery(row),
        credit_limit_vnd=_CREDIT_VND[row["kind"]] + int(row["mean_load_w"]) * _UNPAID_HOURS * _UNPAID_PRICE // 1_000,
        instruction=_instruction(row),
    )
    return DemoMember(participant, row["shape"], MemberParams(int(row["mean_load_w"]), pv_peak_w), _devices(row))


def _battery(row: dict[str, str]) -> Battery | None:
    capacity_wh, power_w = int(row["battery_wh"]), int(row["battery_w"])
    if not capacity_wh:
        return None
    reserve_pct = 30 if row["kind"] == "household" else 10
    return Battery(capacity_wh, power_w, power_w, reserve_pct, initial_soc_pct=50)


def _devices(row: dict[str, str]) -> tuple[Device, ...]:
    if row["kind"] != "station":
        return ()
    station = SwapStation(
        packs=40, pack_wh=1500, slots=20, slot_w=700, bidirectional_slots=10, dod_pct=80, swaps_per_day=60
    )
    return (Device(f"{row['key']}-1", row["key"], station),)


def _instruction(row: dict[str, str]) -> Instruction:
    return Instruction(
        sell=_ramp(row["sell_far"], row["sell_near"]),
        buy=_ramp(row["buy_far"], row["buy_near"]),
        pool_ask_price=int(row["ask"]) if row["ask"] else None,
        pool_bid_price=int(row["bid"]) if row["bid"] else None,
    )


def _ramp(far: str, near: str) -> Ramp | None:
    return Ramp(int(far), int(near)) if far else None
