"""The morning page: what needs a person, each a count that opens the list."""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.policies import may_administer, may_audit
from portal.desk import Desk, office
from portal.office.readings import open_count
from settlement.domain.calendar import month_after
from settlement.models import Dispute, MonthClose, SettlementAlarm
from settlement.queries.money import ageing, unmatched_lines
from tariffs.models import RuleChange
from trading.queries import default_market, market_by_id


@dataclass(frozen=True, slots=True)
class Need:
    """Something that waits: how many, what, and where it is dealt with."""

    count: int
    word: str
    address: str


@login_required
def door(request: HttpRequest) -> HttpResponse:
    """The office of the market in which one acts, or of the first there is."""
    assert isinstance(request.user, User)
    if not may_audit(request.user):
        raise PermissionDenied
    market = default_market(request.user.pk)
    if market is None and may_administer(request.user):
        return HttpResponseRedirect(reverse("portal:office_first_site"))
    if market is None:
        return render(request, "portal/no_market.html")
    return HttpResponseRedirect(reverse("portal:office_overview", args=(market.code,)))


@office("overview")
def overview(desk: Desk) -> HttpResponse:
    """What needs a person today, and how the last months stand."""
    aged = ageing(desk.market.pk, desk.today)
    context: dict[str, Any] = {
        "needs": _needs(desk, sum(row.total_dong - row.buckets["not_due"] - row.credit_dong > 0 for row in aged)),
        "owed_dong": sum(sum(row.buckets.values()) for row in aged),
        "overdue_dong": sum(sum(row.buckets.values()) - row.buckets["not_due"] for row in aged),
        "credit_dong": -sum(row.credit_dong for row in aged),
        "prepaid_dong": sum(row.prepaid_dong for row in aged),
        "closes": MonthClose.objects.filter(market=desk.market).exclude(state=MonthClose.State.DISCARDED)[:6],
        "last_month": month_after(desk.today.replace(day=1), -1),
        "shown": market_by_id(desk.market.pk),
    }
    return desk.show("office/overview.html", **context)


def _needs(desk: Desk, overdue: int) -> list[Need]:
    closes = MonthClose.objects.filter(market=desk.market, state=MonthClose.State.COMPUTED).count()
    last = month_after(desk.today.replace(day=1), -1)
    billed = MonthClose.objects.filter(market=desk.market, month=last).exclude(state=MonthClose.State.DISCARDED)
    unclosed = 0 if billed.exists() else 1
    alarms = SettlementAlarm.objects.filter(market=desk.market, resolved_at=None).count()
    disputes = Dispute.objects.filter(market=desk.market, state=Dispute.State.OPEN).count()
    changes = RuleChange.objects.filter(state=RuleChange.State.PROPOSED).count()
    return [
        Need(alarms, _("intervals that could not be settled"), desk.address("control")),
        Need(open_count(desk), _("readings that need a person"), desk.address("readings")),
        Need(unclosed, _("last month is not closed yet"), desk.address("closes")),
        Need(closes, _("closes that wait for approval"), desk.address("closes")),
        Need(disputes, _("disputes to decide"), desk.address("disputes")),
        Need(unmatched_lines(desk.market.site_id).count(), _("bank movements to match"), desk.address("bank")),
        Need(overdue, _("members who are overdue"), desk.address("money")),
        Need(changes, _("rule changes to decide"), desk.address("proposals")),
    ]
