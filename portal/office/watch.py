"""The pages of long jobs and of health; what is wrong is said with what to do, and tried again where that is safe."""

from datetime import UTC, date, datetime
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from kombu.exceptions import OperationalError

from accounts.models import User
from accounts.policies import may_audit
from config.celery import app
from portal.desk import REFUSED, Desk, Refused, office
from portal.refusals import REFUSALS, sentences
from portal.watch.health import FAIL, health, worst
from portal.watch.jobs import FAILED, RUNNING, jobs
from portal.watch.meters import last_readings, silent_points
from settlement.models import SettlementAlarm
from settlement.operations import resettle, touched
from settlement.tasks import deliver_month
from trading.models import Market

SETTLED_AT_ONCE = 20


@office("jobs")
def job_list(desk: Desk) -> HttpResponse:
    """What runs, waits, failed or is over; POST tries one again."""
    if desk.request.method == "POST":
        try:
            return desk.done(_again(desk, desk.text("again")), "jobs")
        except REFUSALS as error:
            return _jobs(desk, REFUSED, refusals=sentences(error))
    return _jobs(desk)


def _jobs(desk: Desk, status: int = 200, **more: Any) -> HttpResponse:
    rows = jobs(desk.market)
    context: dict[str, Any] = {
        "rows": desk.page_of(rows, 40),
        "running": any(job.state == RUNNING for job in rows),
        "failed": sum(job.state == FAILED for job in rows),
        "read_at": datetime.now(UTC),
    }
    return desk.show("office/jobs.html", status, **context | more)


def _again(desk: Desk, what: str) -> str:
    """Does again what may be done twice without harm."""
    if what == "settle":
        for contract_id in touched(desk.market)[:SETTLED_AT_ONCE]:
            resettle(contract_id=contract_id, at=desk.now)
        left = len(touched(desk.market))
        return _("Settled again; {n} are left.").format(n=left)
    kind, _dash, rest = what.partition("-")
    if kind == "alarm" and rest.isdecimal() and len(rest) < 18:
        alarm = SettlementAlarm.objects.filter(market=desk.market, pk=int(rest), resolved_at=None)
        if alarm.update(retry_at=desk.now):
            return _("It is tried again with the next tick.")
    if kind == "papers":
        try:
            month = date.fromisoformat(rest)
        except ValueError:
            raise Refused("unknown_job", _("There is no such job; reload the page.")) from None
        try:
            app.send_task(deliver_month.name, (desk.market.pk, month.isoformat()))
        except OperationalError:
            raise Refused("no_broker", _("No worker can be reached now. Try again in a few minutes.")) from None
        return _("A worker makes what is missing. What is there already is left as it is.")
    raise Refused("unknown_job", _("There is no such job; reload the page."))


@office("health")
def health_page(desk: Desk) -> HttpResponse:
    """Every check in words, and the metering points that were not read."""
    checks = health(desk.market)
    silent, all_points = silent_points(desk.market, desk.now)
    context: dict[str, Any] = {
        "checks": checks,
        "worst": worst(checks),
        "silent": desk.page_of(silent, 50),
        "points": all_points,
        "latest": max((row.read_until for row in last_readings(desk.market) if row.read_until), default=None),
        "read_at": datetime.now(UTC),
    }
    return desk.show("office/health.html", **context)


@login_required
@never_cache
@require_safe
def health_detail(request: HttpRequest) -> HttpResponse:
    """All checks of all markets as JSON, for a watching program with an administrator's or auditor's session: 200, or
    503 where something has failed."""
    assert isinstance(request.user, User)
    if not may_audit(request.user):
        raise PermissionDenied
    code = request.GET.get("market", "")[:40].replace("\0", "")
    rows = Market.objects.select_related("site").order_by("pk")
    chosen = rows.filter(code=code) if code else rows
    if code and not chosen:
        raise Http404
    told = {}
    for market in chosen:
        checks = health(market)
        told[market.code] = {
            "state": worst(checks),
            "checks": [{"code": c.code, "state": c.state, "sentence": c.sentence} for c in checks],
        }
    state = FAIL if any(each["state"] == FAIL for each in told.values()) else "ok"
    return JsonResponse({"state": state, "markets": told}, status=503 if state == FAIL else 200)
