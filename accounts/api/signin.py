"""Who is calling: `Authorization: Token …` for programs, the session of a signed-in browser otherwise.

A token needs no CSRF protection, since no browser sends it by itself; a session does.
"""

from hmac import compare_digest
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from knox.auth import TokenAuthentication
from knox.crypto import hash_token
from knox.models import AuthToken
from knox.settings import CONSTANTS
from rest_framework.authentication import BasicAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated

from accounts.api.problems import Problem
from accounts.models import User
from accounts.signin.factors import has_second_step
from accounts.signin.limits import wait_for_name
from accounts.signin.sessions import must_add_second_step


class ByToken(TokenAuthentication):
    """A token, looked up in one query and refused once its time is over."""

    def authenticate_credentials(self, token: bytes) -> tuple[User, AuthToken]:
        text = token.decode("latin-1")
        if text.isalnum() and text.isascii():
            digest = hash_token(text)
            known = AuthToken.objects.filter(token_key=text[: CONSTANTS.TOKEN_KEY_LENGTH]).select_related("user")
            for row in known:
                holds = row.expiry is not None and row.expiry > timezone.now() and row.user.is_active
                if holds and compare_digest(digest, row.digest):
                    return row.user, row
        raise AuthenticationFailed("This token is unknown, revoked or past its time; make a new one.")


class BySession(SessionAuthentication):
    """The session of the pages; every write must carry the page's CSRF token."""

    def authenticate(self, request: Any) -> tuple[User, None] | None:
        plain = getattr(request, "_request", request)
        user = getattr(plain, "user", None)
        if user is None or not user.is_active:
            return None
        self.enforce_csrf(plain)
        return user, None


class ByPassword(BasicAuthentication):
    """User name and password, to get a token with. Tries count against the same limits as those on the login page."""

    def authenticate_credentials(self, userid: str, password: str, request: Any = None) -> Any:
        if "\0" in userid or len(userid) > 150:
            raise AuthenticationFailed("User name or password is wrong.")
        if wait := wait_for_name(request, userid):
            sentence = f"Too many attempts; wait {wait} s."
            raise Problem(429, "rate_limited", sentence, headers={"Retry-After": str(wait)})
        found = super().authenticate_credentials(userid, password, request)
        if found is not None and has_second_step(found[0]):
            # Told only to whoever knows the password; a token by password alone would be a way round the second step.
            sentence = "This login has a second step; make the token from a signed-in browser, or give bots a login."
            raise Problem(403, "second_step_needed", sentence)
        if found is not None and must_add_second_step(found[0]):
            sentence = (
                "Administrators need a second step here; add a passkey or an authenticator app on your account page."
            )
            raise Problem(403, "second_step_needed", sentence)
        return found


_TOKEN, _SESSION = ByToken(), BySession()


def caller_of(request: HttpRequest) -> User:
    """The user behind a request. Raises NotAuthenticated or AuthenticationFailed, told as 401."""
    found = _TOKEN.authenticate(request) or _SESSION.authenticate(request)
    if found is None:
        raise NotAuthenticated("Send a token in the header 'Authorization: Token …', or sign in.")
    user: User = found[0]
    return user
