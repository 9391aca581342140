"""Tokens for programs: made with a password or in a signed-in browser, shown once, listed and revoked."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from msgspec import Meta
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from accounts.api.openapi import operation
from accounts.api.problems import Problem, answer
from accounts.api.reading import decode, read_bytes, read_json
from accounts.api.signin import ByPassword, BySession
from accounts.api.views import ApiView, missing
from accounts.operations import create_token, revoke_token
from accounts.queries import tokens
from accounts.signin.sessions import is_fresh

DEFAULT_DAYS, MOST_DAYS = 90, 366


class NewToken(msgspec.Struct, forbid_unknown_fields=True):
    """How long the token shall hold."""

    expires_in_days: Annotated[int, Meta(ge=1, le=MOST_DAYS)] = DEFAULT_DAYS


class Token(msgspec.Struct):
    """A token as it is listed: `key` is its first characters, by which it is revoked."""

    key: str
    created_at: datetime
    expires_at: datetime


class MadeToken(msgspec.Struct):
    """A token just made. `token` is shown this once; send it as `Authorization: Token …`."""

    token: str
    key: str
    created_at: datetime
    expires_at: datetime


class TokenList(msgspec.Struct):
    """The caller's tokens that still hold."""

    tokens: list[Token]


_NEW_TOKEN = msgspec.json.Decoder(NewToken)


class Tokens(ApiView):
    """Make a token, list one's own."""

    def get_authenticators(self) -> list[BaseAuthentication]:
        if getattr(self.request, "method", "") == "POST":
            return [ByPassword(), BySession()]  # a token cannot make tokens
        return super().get_authenticators()

    @extend_schema(
        operation=operation(
            "listTokens", "Your tokens", tag="Tokens", answers={200: TokenList}, errors=(400, 401)
        )
    )  # fmt: skip
    def get(self, request: Request) -> HttpResponse:
        found = tokens(self.caller, datetime.now(UTC))
        return answer(TokenList([Token(row.key, row.created_at, row.expires_at) for row in found]))

    @extend_schema(
        operation=operation(
            "createToken",
            "Make a token, by user name and password or in a signed-in browser",
            tag="Tokens",
            body=NewToken,
            body_required=False,
            answers={201: MadeToken},
            errors=(400, 401, 403, 413, 415, 429),
            security=("password", "session"),
        )
    )
    def post(self, request: Request) -> HttpResponse:
        wanted = self._wanted()
        self._check_fresh()
        token, secret = create_token(
            by=self.caller, expires_in=timedelta(days=wanted.expires_in_days), at=datetime.now(UTC)
        )
        assert token.expiry is not None
        return answer(MadeToken(secret, token.token_key, token.created, token.expiry), 201)

    def _check_fresh(self) -> None:
        """A token outlives the session that it is made in, so a session must lately have proved who is behind it."""
        request = self.request
        if isinstance(request.successful_authenticator, BySession) and not is_fresh(request._request):
            told = "Show that it is you, then do it again: nothing has been changed yet."
            raise Problem(403, "confirm_first", told)

    def _wanted(self) -> NewToken:
        """What the body asks for; without a body the usual."""
        request = self.request._request
        if not request.content_type or request.META.get("CONTENT_LENGTH") in ("", "0", None):
            data = read_bytes(request, 1_000)
            return decode(data, _NEW_TOKEN) if data else NewToken()
        return read_json(request, _NEW_TOKEN, 1_000)


class OneToken(ApiView):
    """Revoke a token."""

    @extend_schema(
        operation=operation(
            "revokeToken",
            "Revoke a token by its key",
            tag="Tokens",
            path={"key": {"type": "string", "pattern": "^[A-Za-z0-9]{1,25}$"}},
            answers={204: None},
            errors=(401, 403, 404),
        )
    )
    def delete(self, request: Request, key: str) -> HttpResponse:
        if not revoke_token(by=self.caller, key=key, at=datetime.now(UTC)):
            missing("unknown_token", "You have no such token.")
        return HttpResponse(status=204)
