"""Opening a market on a site: its rules, checked before anybody can trade by them.

Presets are where people begin. `campus` and `park` trade half hours two days ahead; `pilot` computes beside the grid's
own bill and never invoices, which needs nobody's leave.
"""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.operations import audit
from meters.models import Site
from trading.models import Market
from trading.operations.markets import MarketRules, create_market

MOST_PRICE = 100_000
MOST_AHEAD = 7 * 24 * 60
PRESETS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "pilot": MappingProxyType(
            {"legal_basis": Market.LegalBasis.SHADOW, "interval_minutes": 30, "open_ahead_minutes": 1_440,
             "call_ends_minutes": None, "gate_minutes": 5, "grace_minutes": 5, "min_price": 0, "max_price": 9_999}
        ),
        "campus": MappingProxyType(
            {"legal_basis": Market.LegalBasis.INTERNAL, "interval_minutes": 30, "open_ahead_minutes": 2_880,
             "call_ends_minutes": None, "gate_minutes": 5, "grace_minutes": 5, "min_price": 0, "max_price": 6_000}
        ),
        "park": MappingProxyType(
            {"legal_basis": Market.LegalBasis.RETAIL_UNIT, "interval_minutes": 30, "open_ahead_minutes": 2_880,
             "call_ends_minutes": 1_440, "gate_minutes": 5, "grace_minutes": 10, "min_price": 0, "max_price": 9_999}
        ),
    }
)  # fmt: skip
RULES = ("legal_basis", "interval_minutes", "open_ahead_minutes", "call_ends_minutes", "gate_minutes", "grace_minutes",
         "min_price", "max_price")  # fmt: skip


@transaction.atomic
def found_market(*, site: Site, code: str, name: str, by: User | None, at: datetime, **rules: Any) -> Market:
    """Open a market on a site. `rules` are those of `RULES`; it ticks from now on.

    Raises MarketRules, whose sentence says which rule is wrong.
    """
    _check(rules)
    try:
        with transaction.atomic():
            market = create_market(site=site, code=code, name=name, **rules)
            market.full_clean(validate_unique=False)
    except ValidationError as error:
        told = _("A code has small letters, digits and hyphens, at most 40; a name has at most 120 letters.")
        raise MarketRules(told) from error
    except IntegrityError as error:
        raise MarketRules(_("There is already a market with this code; choose another.")) from error
    detail = {"site": site.code, "market_name": name, **{rule: rules[rule] for rule in RULES if rule in rules}}
    audit(by=by, action="market.opened", target=f"market {code}", detail=detail, at=at)
    return market


def _check(rules: Mapping[str, Any]) -> None:
    if rules.get("interval_minutes", 30) not in (15, 30):
        raise MarketRules(_("An interval lasts 15 or 30 minutes."))
    if not 0 < rules.get("open_ahead_minutes", 2_880) <= MOST_AHEAD:
        raise MarketRules(_("Trading opens at most 7 days before delivery."))
    if not (0 <= rules.get("gate_minutes", 5) <= 1_440 and 0 <= rules.get("grace_minutes", 5) <= 1_440):
        raise MarketRules(_("Gate closure and the wait for readings are from 0 to 1440 minutes."))
    if not -MOST_PRICE <= rules.get("min_price", 0) < rules.get("max_price", 9_999) <= MOST_PRICE:
        raise MarketRules(_("The lowest price lies below the highest, and both within ±100000 ₫/kWh."))
