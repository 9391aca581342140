"""A market's office with work in it: a closed month, one that waits, money, a dispute, certificates, a proposal.

The market's clock stands at 20 August 2026, 10:00 local. June is issued, July is computed by Lan and waits for Minh.
Roof sells sun to shop and mill and once delivers too little; lamp's month is too small to be billed.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from accounts.models import Membership, User
from accounts.operations import audit
from settlement.models import Dispute, Invoice, MonthClose, ReadingDecision
from settlement.operations import settle
from settlement.operations.bank_files import import_bank_file
from settlement.operations.certificates import issue
from settlement.operations.disputes import open_dispute
from settlement.operations.errors import SettlementError, raise_alarm
from settlement.operations.readings import Figures, decide
from settlement.queries.readings import findings
from tariffs.models import EmissionFactor, RuleChange
from tariffs.operations import propose_change
from tests.billing_world import bill, close_month, compute, hang_meter, make_billing_world, person
from tests.certificate_world import add_panels, sub_read
from tests.settlement_world import HALF_HOUR, World
from trading.models import Contract

JUNE, JULY = date(2026, 6, 1), date(2026, 7, 1)
NOW = datetime(2026, 8, 20, 3, 0, tzinfo=UTC)
JULY_NINTH = datetime(2026, 7, 9, 3, 0, tzinfo=UTC)  # shop and mill were not read
JULY_TENTH = datetime(2026, 7, 10, 3, 0, tzinfo=UTC)
PASSWORD = "a long password"
NO_TERMS = "The site has no terms on 2026-08-19; set surplus price and network fee from that day on."
NAMES = {
    "roof": "Nhà ông Nguyễn Văn Thành",
    "shop": "Cửa hàng tiện lợi Bình Minh",
    "mill": "Công ty TNHH Một thành viên Dệt may và Thương mại Xuất nhập khẩu Việt Nam – Singapore II",
    "lamp": "Đèn đường khu B",
}


@dataclass
class Office:
    """The world and the people who work in it or are billed by it."""

    world: World
    lan: User
    minh: User
    auditor: User
    owner: User
    stranger: User
    june: MonthClose
    july: MonthClose
    dispute: Dispute
    proposal: RuleChange
    reading: ReadingDecision

    def invoice(self, code: str, month: date = JUNE) -> Invoice:
        return Invoice.objects.get(participant=self.world.people[code], month=month, relation="original")


def make_office(code: str = "w", *, disputed_in: date = JUNE) -> Office:
    """Everything at once. The dispute stands over the first interval of `disputed_in`."""
    world = _world(code)
    lan, minh = person("lan", first_name="Lan", last_name="Trần"), person("minh", first_name="Minh", last_name="Lê")
    june = _month(world, datetime(2026, 6, 2, 3, 0, tzinfo=UTC))
    _low(world, datetime(2026, 6, 9, 3, 0, tzinfo=UTC))
    closed = close_month(world, JUNE, JULY_TENTH, ("no_profile", "before_cutoff", "gaps"))
    july = _month(world, datetime(2026, 7, 7, 3, 0, tzinfo=UTC))
    owner = _user("owner")
    Membership.objects.create(user=owner, participant=world.people["roof"], role="owner")
    _pay(world, lan)
    contract = june if disputed_in == JUNE else july
    dispute = open_dispute(
        market=world.market, contract=contract, participant=world.people["roof"], by=owner, at=NOW,
        reason="The inverter was switched off by the grid operator, so nothing could be delivered.",
    )  # fmt: skip
    waiting = compute(world, JULY, NOW - timedelta(hours=1))
    raise_alarm(_unsettled(world).pk, SettlementError("no_terms", NO_TERMS), NOW)
    return Office(
        world, lan, minh, _user("auditor", is_auditor=True), owner, _user("stranger"), closed, waiting, dispute,
        _propose(world, lan), _figures(world, lan),
    )  # fmt: skip


def _world(code: str) -> World:
    world = make_billing_world(code)
    market = world.market
    market.clock_at, market.clock_started_at = NOW, datetime.now(UTC)
    market.save()
    for each, name in NAMES.items():
        person_ = world.add(each, retail=3_398 if each != "roof" else 1_984)
        person_.name = name
        person_.save()
    for each in ("roof", "shop", "mill"):
        bill(world, each, legal_name=NAMES[each], email=f"{each}@example.org", bank_name="BIDV", bank_bin="970418",
             bank_account="21510001234567")  # fmt: skip
        hang_meter(world, each, start_wh=1_204_500_000, multiplier=1 if each != "mill" else 200)
    add_panels(world, "roof")
    EmissionFactor.objects.get_or_create(
        country="VN", year=2024, official=True, valid_from=date(2026, 1, 1),
        defaults={"mg_per_kwh": 659_200, "source": "Cục Biến đổi khí hậu, công văn 1726"},
    )  # fmt: skip
    return world


def _month(world: World, start: datetime) -> Contract:
    """Three intervals: one in which roof is short, one that is delivered, one with the lamp alone; the first."""
    readings = {"roof": (0, 16_000), "shop": (30_000, 0), "mill": (400_000, 0)}
    first = _interval(world, start, readings, [("roof", "shop", 20_000, 1_650)])
    _interval(
        world, start + timedelta(days=1), {"roof": (0, 24_000), "shop": (8_000, 0), "mill": (612_345, 0)},
        [("roof", "shop", 8_000, 1_700), ("roof", "mill", 12_000, 1_690)],
    )  # fmt: skip
    _interval(world, start + timedelta(days=2), {"roof": (1_200, 0), "lamp": (100, 0)}, [])
    return first


def _low(world: World, start: datetime) -> None:
    _interval(world, start, {"mill": (80_000, 0)}, [])


def _interval(
    world: World, start: datetime, readings: dict[str, tuple[int, int]], trades: list[tuple[str, str, int, int]]
) -> Contract:
    contract = world.contract(start)
    for trade in trades:
        world.trade(contract, *trade)
    world.read(readings, start)
    sub_read(world, {"PV-roof": (0, readings.get("roof", (0, 0))[1] + 2_000)}, start)
    at = start + HALF_HOUR + timedelta(days=33)
    settle(contract_id=contract.pk, kind="R2", at=at)
    issue(contract_id=contract.pk, at=at)
    return contract


def _unsettled(world: World) -> Contract:
    return world.contract(datetime(2026, 8, 19, 3, 0, tzinfo=UTC))


def _user(name: str, **more: bool) -> User:
    return User.objects.create_user(name, password=PASSWORD, **more)


def _pay(world: World, by: User) -> None:
    """Shop pays half of June by its reference; somebody pays without one."""
    shop = Invoice.objects.get(participant=world.people["shop"], month=JUNE)
    rows = (
        f"2026-08-03,{shop.reference} tien dien,{shop.total_dong // 2},A1,CUA HANG BINH MINH",
        f"2026-08-04,chuyen tien,{shop.total_dong},A2,NGUYEN THI HOA",
        "2026-08-05,Phi dich vu,-11000,A3,Vietcombank",
    )
    data = "\n".join(("Date,Description,Amount,Reference,Counterparty", *rows, "")).encode()
    import_bank_file(site=world.site, data=data, name="vcb-2026-08.csv", by=by, at=NOW)


def _figures(world: World, by: User) -> ReadingDecision:
    """Figures of a person for the interval of August that nobody read; they wait for a second one."""
    gap = next(each for each in findings(world.market, NOW) if each.point_code == "MP-mill" and each.start.month == 8)
    figures = Figures("own", [(90_000, 0)])
    return decide(market=world.market, found=gap, figures=figures, by=by, at=NOW, reason="From the mill's own logger")


def _propose(world: World, by: User) -> RuleChange:
    audit(by=by, action="user.created", target="minh", at=NOW)
    payload = {
        "rulebook": {"name": "Terms 2027", "country": "VN"},
        "terms": [
            {
                "site": world.site.code, "surplus_price": 700, "network_fee": 150, "deadband_pct": 5,
                "deadband_wh": 250, "billed_from": "2027-01-01", "source": "Board decision 12/2026",
            }
        ],
    }  # fmt: skip
    return propose_change(
        by=by, kind="terms", payload=payload, effective_on=date(2027, 1, 1), note="A higher surplus price", at=NOW
    )
