"""The wall around auditors: whatever a signed-in auditor sends that could change something is refused.

It stands in front of every page and call, those that are yet to be written included. Calls with a token have no session
here; `accounts.api.views` refuses them in the same way.
"""

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve

from accounts.api.problems import Problem, refuse
from accounts.policies import READS_ONLY, READS_ONLY_SENTENCE, SAFE_METHODS

API = "/api/"


class AuditorsReadOnly:
    """Answers 403 to an auditor's request unless its method is safe, or its page is one of AUDITORS_MAY_SEND."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Whose request it is costs a look at the session, so the safe ones go first.
        if request.method in SAFE_METHODS or not getattr(request.user, "is_auditor", False) or _is_harmless(request):
            return self.get_response(request)
        if request.path.startswith(API):
            return refuse(Problem(403, READS_ONLY, READS_ONLY_SENTENCE))
        raise PermissionDenied(READS_ONLY_SENTENCE)


def _is_harmless(request: HttpRequest) -> bool:
    try:
        return resolve(request.path_info).view_name in settings.AUDITORS_MAY_SEND
    except Resolver404:
        return False
