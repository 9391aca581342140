"""What a home says about its first steps and about what its owner has reported."""

from datetime import timedelta

from django.urls import reverse
from django.utils.translation import gettext as _

from members.models import Claim, FirstSteps
from members.queries import first_steps
from portal.desk import Desk

DECIDED_SHOWN = timedelta(days=14)


def start_notices(desk: Desk) -> list[tuple[str, str]]:
    """A sentence and where it leads: steps that are left, what waits for the administrator, what was refused."""
    assert desk.participant is not None
    found = []
    begun = FirstSteps.objects.filter(market=desk.market, participant=desk.participant).exists()
    where = reverse("portal:start", args=(desk.market.code, desk.participant.code))
    if begun and first_steps(desk.market.pk, desk.participant.pk).next:
        found.append((_("A few steps are left until everything is set up."), where))
    for claim in Claim.objects.filter(market=desk.market, participant=desk.participant)[:4]:
        if claim.state == Claim.State.WAITING:
            found.append((_("What you reported about your equipment waits for the administrator."), ""))
        elif claim.state == Claim.State.REFUSED and claim.decided_at and claim.decided_at > desk.now - DECIDED_SHOWN:
            told = _("The administrator could not confirm what you reported: “{reason}”")
            page = f"start_{claim.kind}"
            found.append(
                (
                    told.format(reason=claim.note),
                    reverse(f"portal:{page}", args=(desk.market.code, desk.participant.code)),
                )
            )
    return list(dict.fromkeys(found))
