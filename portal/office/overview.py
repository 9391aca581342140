"""The morning page: what needs a person, each a count that opens the list."""

from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from accounts.policies import may_administer, may_audit
from members.models import Claim
from portal.desk import Desk, office
from portal.office.readings import open_count
from portal.templatetags.figures import month as month_text
from settlement.domain.calendar import month_after
from settlement.models import Dispute, MonthClose, SettlementAlarm
from settlement.queries.money import ageing, payouts, unmatched_lines
from tariffs.models import RuleChange
from trading.models import Admission, Contract
from trading.queries import default_market


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
    needs = _needs(desk, sum(row.total_dong - row.buckets["not_due"] - row.credit_dong > 0 for row in aged))
    context: dict[str, Any] = {
        "needs": needs,
        "waiting": [need for need in needs if need.count],
        "is_empty": not Admission.objects.filter(market=desk.market).exists(),
        "quiet": [need for need in needs if not need.count],
        "owed_dong": sum(sum(row.buckets.values()) for row in aged),
        "overdue_dong": sum(sum(row.buckets.values()) - row.buckets["not_due"] for row in aged),
        "credit_dong": -sum(row.credit_dong for row in aged),
        "prepaid_dong": sum(row.prepaid_dong for row in aged),
        "closes": MonthClose.objects.filter(market=desk.market).exclude(state=MonthClose.State.DISCARDED)[:6],
    }
    return desk.show("office/overview.html", **context)


def _needs(desk: Desk, overdue: int) -> list[Need]:
    """All that may wait, the most urgent first: what holds up settlement, then the month, then money and rules."""
    market = desk.market
    alarms = SettlementAlarm.objects.filter(market=market, resolved_at=None).count()
    readings = open_count(desk)
    disputes = Dispute.objects.filter(market=market, state=Dispute.State.OPEN).count()
    claims = Claim.objects.filter(market=market, state=Claim.State.WAITING).count()
    computed = MonthClose.objects.filter(market=market, state=MonthClose.State.COMPUTED).count()
    movements = unmatched_lines(market.site_id).count()
    due = len(payouts(market.pk, desk.today))
    changes = RuleChange.objects.filter(state=RuleChange.State.PROPOSED).count()
    texts = (
        (
            alarms,
            ngettext("interval that could not be settled", "intervals that could not be settled", alarms),
            "control",
        ),
        (readings, ngettext("reading that needs a person", "readings that need a person", readings), "readings"),
        (disputes, ngettext("dispute to decide", "disputes to decide", disputes), "disputes"),
        (claims, ngettext("meter or device to confirm", "meters or devices to confirm", claims), "members"),
        (*_unclosed(desk), "closes"),
        (computed, ngettext("month to approve", "months to approve", computed), "closes"),
        (movements, ngettext("bank movement to match", "bank movements to match", movements), "bank"),
        (due, ngettext("payout to make", "payouts to make", due), "payouts"),
        (overdue, ngettext("member who is overdue", "members who are overdue", overdue), "money"),
        (changes, ngettext("rule change to decide", "rule changes to decide", changes), "proposals"),
    )
    return [Need(count, word, desk.address(name)) for count, word, name in texts]


def _unclosed(desk: Desk) -> tuple[int, str]:
    """1 where the market delivered last month and nobody has computed that month, and which it is."""
    first = desk.today.replace(day=1)
    last = month_after(first, -1)
    since, until = (datetime.combine(on, time(), desk.zone) for on in (last, first))
    delivered = Contract.objects.filter(market=desk.market, delivery_start__gte=since, delivery_start__lt=until)
    closed = MonthClose.objects.filter(market=desk.market, month=last).exclude(state=MonthClose.State.DISCARDED)
    waits = delivered.exists() and not closed.exists()
    return int(waits), _("month to compute: {month}").format(month=month_text(last)) if waits else _("month to compute")
