"""What the pages about members need in a world of `office_world`: a meter, something reported, a checked sheet."""

from typing import Any

from members.operations import check_sheet, claim_meter
from meters.models import MeteringPoint
from tests.members_world import sheet
from tests.office_world import NOW, Office

NEW = {"code": "nha-moi", "name": "Nhà bà Trần Thị Mới", "kind": "household", "tariff": "flat-3398"}
WRONG = {"code": "sai", "name": "Nhà sai", "kind": "castle", "tariff": "moon", "point": "MP-roof", "pv_kwp": "-1"}
ROWS = (NEW | {"point": "MP-M1", "serial": "EM-1001"}, {"code": "roof", "pv_kwp": "6.2"}, WRONG)


def member_page_values(office: Office) -> dict[str, dict[str, Any]]:
    """The numbers in the addresses of the office's pages about members."""
    market, roof = office.world.market, office.world.people["roof"]
    point = MeteringPoint.objects.get(site=office.world.site, code="MP-roof")
    claim = claim_meter(market=market, participant=roof, serial="EM-20260817", by=office.owner, at=NOW)
    made = check_sheet(market=market, data=sheet(*ROWS), name="thành-viên-2026.csv", by=office.lan, at=NOW)
    return {
        "portal:office_member_meter": {"pk": point.pk},
        "portal:office_claim": {"pk": claim.pk},
        "portal:office_sheet": {"pk": made.pk},
        "portal:office_sheet_progress": {"pk": made.pk},
    }
