"""Every part of the pages in all its states, for whoever makes or checks them: staff, auditors, and anybody in DEBUG.

The page is made of the very templates and classes that the others use, so a part that changes there changes here; the
figures on it are examples.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language, override
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.policies import may_audit
from portal.strings import home_strings
from portal.templatetags import figures, homes

ZONE = "Asia/Ho_Chi_Minh"
NOON = datetime(2026, 10, 31, 4, 30, tzinfo=UTC)
MIDNIGHT = int(datetime(2026, 10, 30, 17, 0, tzinfo=UTC).timestamp())
HALF_HOUR_S = 1_800
DENSITIES = (("home", _("Home")), ("desk", _("Desk")))
COLOURS = (
    ("sun", _("Solar")),
    ("battery", _("Battery")),
    ("grid", _("Grid")),
    ("local", _("Local trade")),
    ("buy", _("Buy")),
    ("sell", _("Sell")),
    ("alarm", _("Loss, alarm, out of date")),
    ("settled", _("Settled, and nothing else")),
)
STATES = (
    ("settled", _("Paid")),
    ("approved", _("Approved")),
    ("overdue", _("Overdue")),
    ("warning", _("Warning")),
    ("computed", _("Waits for approval")),
    ("plain", _("Draft")),
)


@login_required
@require_safe
def _for_staff(request: HttpRequest) -> HttpResponse:
    if not (isinstance(request.user, User) and may_audit(request.user)):
        raise PermissionDenied
    return _page(request)


def styleguide(request: HttpRequest) -> HttpResponse:
    """The page; in DEBUG without a login."""
    page: Callable[[HttpRequest], HttpResponse] = _page if settings.DEBUG else _for_staff
    return page(request)


@require_safe
def _page(request: HttpRequest) -> HttpResponse:
    density = "desk" if request.GET.get("density") == "desk" else "home"
    context = {
        "chosen": density,
        "densities": DENSITIES,
        "colours": COLOURS,
        "states": STATES,
        "figures": list(_both_languages()),
        "zone": ZoneInfo(ZONE),
        "noon": NOON,
        "on": date(2026, 10, 31),
        "rows": _rows(),
        "total_dong": sum(row["dong"] for row in _rows()),
        "gain_dong": 18_420,
        "share_ppm": 714_285,
        "page": Paginator(range(1, 214), 50).page(2),
        "problems": [_("The file has no column 'Amount'."), _("Line 7: 31/02/2026 is no day.")],
        "flow": _flow(),
        "prices": SimpleNamespace(grid_pays=671, grid_charges=3_398),
        "battery": True,
        "battery_pct": 64,
        "chart": _day(),
        "strings": _strings(),
    }
    return render(request, "styleguide/page.html", context)


def _both_languages() -> list[tuple[Any, str, str]]:
    """Each kind of figure: what it is, in English, in Vietnamese."""
    with override("en"):
        english = _figures()
    with override("vi"):
        vietnamese = _figures()
    words = (
        _("Energy below 100 kWh"), _("Energy from 100 kWh on"), _("Power"), _("Price"), _("Money"), _("A difference"),
        _("A loss"), _("A share"), _("A day"), _("A month"), _("A moment, on the site's clock"), _("Not known"),
    )  # fmt: skip
    return list(zip(words, english, vietnamese, strict=True))


def _figures() -> tuple[str, ...]:
    zone = ZoneInfo(ZONE)
    return (
        figures.energy(12_345), figures.energy(1_234_567), homes.kilowatts(3_140), homes.per_kwh(1_640),
        figures.dong(12_345), figures.more(3_160), figures.more(-980), figures.ppm(714_285),
        figures.day(date(2026, 10, 31)), figures.month(date(2026, 10, 1)), figures.moment(NOON, zone),
        figures.energy(None),
    )  # fmt: skip


def _rows() -> list[dict[str, Any]]:
    """Lines of a bill."""
    return [
        {"what": _("From neighbours"), "wh": 96_400, "price": 1_640, "dong": 158_096, "state": "settled"},
        {"what": _("From the grid"), "wh": 412_700, "price": 3_398, "dong": 1_402_355, "state": "computed"},
        {"what": _("To neighbours"), "wh": 8_200, "price": 1_650, "dong": -13_530, "state": "overdue"},
    ]


def _flow() -> SimpleNamespace:
    """A home at noon: the sun feeds house, battery and neighbours."""
    return SimpleNamespace(
        does="sell", settled=True, main_w=1_800, sold_price=1_640, bought_price=None, label="11:30–12:00",
        sun_w=3_100, use_w=900, sold_w=1_800, bought_w=0, grid_out_w=0, grid_in_w=0, charge_w=400, discharge_w=0,
    )  # fmt: skip


def _day() -> list[dict[str, Any]]:
    """A clear day in half hours: a parabola of sun between 6 and 18 o'clock; known until noon, expected after."""
    rows = []
    for n in range(48):
        sun_wh = max(0, 1_550 - 11 * (n - 24) ** 2)
        known = n < 24
        rows.append({
            "at": MIDNIGHT + n * HALF_HOUR_S, "label": f"{n // 2:02}:{n % 2 * 30:02}", "expected_sun": sun_wh,
            "sun": sun_wh if known else None, "use": 300 + 25 * (n % 5) if known else None,
            "saved": sun_wh * 900 if known else None,
        })  # fmt: skip
    return rows


def _strings() -> dict[str, Any]:
    return {"language": get_language(), "timezone": ZONE, "strings": home_strings()}
