"""What a session knows about its sign-in: when it was, whether the second step waits, what must be done first.

`pending` holds a user whose password was right while the second step is open, for five minutes; nobody is signed in
then. `signed_in_at` is the last time that the person proved who it is: changes of a login ask for that again after
fifteen minutes. `must_add_second_step` marks an administrator who has yet to add one, `as_staff` a session that began
or went on as that of an administrator.
"""

from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.contrib.auth import get_user, login, update_session_auth_hash
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest

from accounts.domain.devices import device_of
from accounts.models import Login, PushDevice, User
from accounts.operations.logins import note_login
from accounts.signin.factors import has_second_step
from accounts.signin.limits import address_of

PENDING, SIGNED_IN_AT, MUST_ADD, SEEN_AT = "pending", "signed_in_at", "must_add_second_step", "seen_at"
AS_STAFF = "as_staff"
PENDING_HOLDS, FRESH = timedelta(minutes=5), timedelta(minutes=15)
BACKEND = "django.contrib.auth.backends.ModelBackend"


def admit(request: HttpRequest, user: User, means: str) -> None:
    """Signs the user in for good: a new session key, a line in the list of browsers, the trail."""
    request.session.pop(PENDING, None)
    login(request, user, backend=BACKEND)
    now = datetime.now(UTC)
    request.session[SIGNED_IN_AT] = request.session[SEEN_AT] = now.timestamp()
    recheck(request, user)
    request.session.save()
    key, agent = request.session.session_key or "", request.headers.get("User-Agent", "")
    address = address_of(request) or None
    note_login(user=user, session_key=key, device=device_of(agent), address=address, means=means, at=now)


def must_add_second_step(user: User) -> bool:
    """Whether this is an administrator without the second step that the installation demands."""
    return user.is_staff and settings.STAFF_NEED_SECOND_STEP and not has_second_step(user)


def recheck(request: HttpRequest, user: User) -> None:
    """After a second step was added or removed: whether the session may go on."""
    request.session[MUST_ADD], request.session[AS_STAFF] = must_add_second_step(user), user.is_staff


def recheck_new_staff(request: HttpRequest) -> None:
    """Who became an administrator since signing in owes a second step like those who were one."""
    unknown = MUST_ADD in request.session and not request.session.get(AS_STAFF)
    if unknown and isinstance(request.user, User) and request.user.is_staff:
        recheck(request, request.user)


def wait_for_second_step(request: HttpRequest, user: User) -> None:
    """The password was right; the second step is next. The session gets a new key so that nobody has planted it."""
    request.session.cycle_key()
    request.session[PENDING] = [user.pk, datetime.now(UTC).timestamp()]


def pending_user(request: HttpRequest) -> User | None:
    """Whose second step is open, if the password was given within five minutes."""
    number, since = request.session.get(PENDING) or (None, 0)
    if number is None or datetime.now(UTC).timestamp() - since > PENDING_HOLDS.total_seconds():
        return None
    return User.objects.filter(pk=number, is_active=True).first()


def is_fresh(request: HttpRequest) -> bool:
    """Whether the person behind the session proved lately who it is."""
    return datetime.now(UTC).timestamp() - request.session.get(SIGNED_IN_AT, 0) < FRESH.total_seconds()


def user_of(session_key: str) -> int | None:
    """Who is signed in with this session now, for connections that outlive a request: None once the session ended, the
    password changed or the login was closed."""
    request = HttpRequest()
    request.session = SessionStore(session_key)
    return get_user(request).pk


def freshen(request: HttpRequest) -> None:
    """The person has just proved again who it is."""
    request.session[SIGNED_IN_AT] = datetime.now(UTC).timestamp()


def keep_session(request: HttpRequest, user: User) -> None:
    """After a change of password: this browser stays in, with a new key; Django ends the others, and their notices end
    with them."""
    before = request.session.session_key
    PushDevice.objects.filter(user=user).exclude(session_key=before).delete()
    update_session_auth_hash(request, user)
    request.session.save()
    for rows in (Login, PushDevice):
        rows.objects.filter(session_key=before).update(session_key=request.session.session_key)
