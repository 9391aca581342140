"""The two kinds of views: `ApiView` on the REST framework, and `plain` functions for calls that bots make all day.

Both sign in the same way and answer every exception in the one shape of errors.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, NoReturn

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.renderers import JSONRenderer
from rest_framework.views import APIView

from accounts.api.problems import Problem, problem_of, refuse
from accounts.api.signin import BySession, ByToken, caller_of
from accounts.bucket import Taken, take
from accounts.models import User
from accounts.policies import READS_ONLY, READS_ONLY_SENTENCE, may_call

MESSAGES_PER_SECOND = 1_000
MESSAGES_AT_ONCE = 10_000

PlainView = Callable[..., HttpResponse]


class ApiView(APIView):
    """A view of the REST framework with our sign-in and our errors."""

    authentication_classes = (ByToken, BySession)
    renderer_classes = (JSONRenderer,)

    @property
    def caller(self) -> User:
        """Who is calling."""
        user: User = self.request.user  # type: ignore[assignment]  # sign-in let no stranger pass
        return user

    def initial(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        check_may_call(self.caller, request.method)

    def handle_exception(self, exc: Exception) -> Any:
        return _refused(exc)


def plain(view: PlainView) -> PlainView:
    """A view without the framework: `view(request, user, **path)`."""

    @wraps(view)
    def wrapped(request: HttpRequest, **path: object) -> HttpResponse:
        try:
            return view(request, check_may_call(caller_of(request), request.method or ""), **path)
        except Exception as error:
            return _refused(error)

    return wrapped


def by_method(**views: PlainView) -> Callable[..., HttpResponseBase]:
    """One address, a plain view per method (`by_method(GET=…, POST=…)`); each has its own sign-in."""

    def dispatch(request: HttpRequest, **path: object) -> HttpResponseBase:
        view = views.get("GET" if request.method == "HEAD" else request.method or "")
        if view is not None:
            return view(request, **path)
        problem = problem_of(MethodNotAllowed(request.method or ""))
        problem.headers["Allow"] = ", ".join(views)
        return refuse(problem)

    return csrf_exempt(dispatch)


def check_may_call(user: User, method: str) -> User:
    """The user. Raises Problem 403 where an auditor wants to change something."""
    if not may_call(user, method):
        raise Problem(403, READS_ONLY, READS_ONLY_SENTENCE)
    return user


def _refused(error: Exception) -> HttpResponse:
    return refuse(problem_of(error))


def weigh(user: User, messages: int) -> Taken:
    """Counts so many writes against the user's rate. Raises Problem 429 where it is too fast."""
    per_second = getattr(settings, "API_MESSAGES_PER_SECOND", MESSAGES_PER_SECOND)
    at_once = getattr(settings, "API_MESSAGES_AT_ONCE", MESSAGES_AT_ONCE)
    taken = take(f"orders:{user.pk}", messages, per_second=per_second, at_once=at_once)
    if taken.wait:
        sentence = f"Too many messages; wait {taken.wait} s. {per_second} a second are taken, {at_once} at once."
        raise Problem(429, "rate_limited", sentence, bound=per_second, headers={"Retry-After": str(taken.wait)})
    return taken


@csrf_exempt
def not_found(request: HttpRequest) -> HttpResponse:
    """Every address of the API that is none."""
    return refuse(Problem(404, "not_found", "There is no such address in this API."))


def missing(code: str, message: str) -> NoReturn:
    """Ends the request: there is no such thing, or it is not the caller's."""
    raise Problem(404, code, message)
