"""Two sites with a market each, a tariff, and an administrator: where members are added."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from accounts.models import User
from members.domain.sheet import COLUMNS, group_rows, parse_cells
from members.domain.sheet.rows import Group
from meters.models import Site
from tariffs.operations import set_terms
from tests.settlement_world import flat_tariff
from trading.models import Market
from trading.operations import create_market

NOW = datetime(2026, 6, 2, 3, 0, tzinfo=UTC)  # 10:00 in Hồ Chí Minh City
PASSWORD = "a long password"


@dataclass
class Sites:
    """Markets east and west, each on a site of its own; Lan runs the installation."""

    east: Market
    west: Market
    lan: User
    minh: User
    auditor: User
    stranger: User


def make_sites() -> Sites:
    flat_tariff("home", 2_400)
    flat_tariff("factory", 1_900)
    staff = {name: User.objects.create_user(name, password=PASSWORD, is_staff=True) for name in ("lan", "minh")}
    auditor = User.objects.create_user("auditor", password=PASSWORD, is_auditor=True)
    stranger = User.objects.create_user("stranger", password=PASSWORD)
    return Sites(_market("east"), _market("west"), staff["lan"], staff["minh"], auditor, stranger)


def _market(code: str) -> Market:
    site = Site.objects.create(code=f"{code}-site", name=f"Khu {code}")
    set_terms(site=site, valid_from=date(2026, 1, 1), surplus_price=671, network_fee=150, by=None, at=NOW)
    return create_market(
        site=site, code=code, name=f"Market {code}", clock_at=NOW, clock_started_at=datetime.now(UTC), max_price=6_000
    )


def group(**cells: str) -> Group:
    """One member with one row, as a form says it."""
    return group_rows([parse_cells(2, cells)])[0]


HOME = {
    "code": "b1", "name": "Nhà B1", "kind": "household", "tariff": "home", "point": "B1", "serial": "EM-1001",
    "start_import_kwh": "1204.5", "multiplier": "1", "pv_kwp": "5.5", "battery_kwh": "5", "battery_kw": "2.5",
    "email": "b1@example.vn",
}  # fmt: skip


def sheet(*rows: dict[str, str], separator: str = ",", columns: tuple[str, ...] = tuple(COLUMNS)) -> bytes:
    """A CSV of these rows."""
    lines = [separator.join(columns)]
    lines += [separator.join(f'"{row.get(name, "")}"' if row.get(name) else "" for name in columns) for row in rows]
    return ("\r\n".join(lines) + "\r\n").encode()
