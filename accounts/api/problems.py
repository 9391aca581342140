"""One shape for every refusal: `{"error": {"code", "message", "field"?, "bound"?, "details"?}}`.

| status | when | example codes |
|---|---|---|
| 400 | the shape of the request is wrong | `invalid_json` `invalid_message` `invalid_parameter` |
| 401, 403 | who are you; you may not | `not_authenticated` `forbidden` `csrf_failed` |
| 404 | there is no such thing, or it is not yours | `not_found` `unknown_order` `unknown_contract` |
| 405, 406, 413, 415 | method, Accept, size, content type | `method_not_allowed` `body_too_large` |
| 409 | not in its present state | `gate_closed` `order_not_open` `revision_conflict` |
| 422 | a rule of the market is broken; `bound` is the limit | `price_out_of_band` `insufficient_credit` |
| 429 | too many messages; wait for `Retry-After` seconds | `rate_limited` |
| 503 | not known whether it was done; ask again, orders with the same client order id | `market_unavailable` |
"""

import logging
import math
from collections.abc import Mapping
from typing import Any

import msgspec
import psycopg
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpResponse
from django.http.multipartparser import MultiPartParserError
from rest_framework import exceptions

from accounts.words import in_words

log = logging.getLogger(__name__)


class Detail(msgspec.Struct, frozen=True):
    """One thing to put right in an uploaded file. `line` counts from 1, `column` is a header or empty."""

    file: str
    line: int
    column: str
    code: str
    message: str


class Fault(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why something was refused: a stable code for programs, a sentence for people.

    `field` names the part of the request, `bound` the limit that was broken (VND/kWh, Wh or VND, as the message says).
    `details` holds the first of `details_total` faults of a file.
    """

    code: str
    message: str
    field: str | None = None
    bound: int | None = None
    details: list[Detail] | None = None
    details_total: int | None = None


class Error(msgspec.Struct, frozen=True):
    """The body of every answer that is a refusal."""

    error: Fault


class Problem(Exception):
    """Ends a request with a refusal."""

    def __init__(self, status: int, code: str, message: str, *, headers: Mapping[str, str] | None = None, **more: Any):
        super().__init__(message)
        self.status = status
        self.fault = Fault(code, message, **more)
        self.headers = dict(headers or {})


def answer(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """A JSON answer. Nothing of the API is kept by caches."""
    response = HttpResponse(msgspec.json.encode(body), status=status, content_type="application/json", headers=headers)
    response.headers["Cache-Control"] = "no-store"
    return response


def refuse(problem: Problem) -> HttpResponse:
    """The answer of a refusal."""
    return refused(problem.fault, problem.status, problem.headers)


def refused(fault: Fault, status: int, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """The answer of a refusal, from its parts, in the language that the request asks for."""
    response = answer(Error(for_reader(fault)), status, headers)
    # Django writes a log line for every 4xx; a bot whose orders are refused must not fill the disk with them.
    response._has_been_logged = status < 500  # type: ignore[attr-defined]  # a mark Django reads itself
    return response


def for_reader(fault: Fault) -> Fault:
    """The same refusal with its sentences in the language that the request asks for."""
    details = [msgspec.structs.replace(each, message=in_words(each.message)) for each in fault.details or ()]
    return msgspec.structs.replace(fault, message=in_words(fault.message), details=details or None)


def problem_of(error: BaseException) -> Problem:
    """What to tell a caller about any exception. What nobody foresaw is logged, and told as `internal_error`."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, OperationalError | InterfaceError | psycopg.OperationalError):
        log.warning("database unavailable: %s", error)
        return unavailable()
    if isinstance(error, exceptions.APIException):
        return _of_framework(error)
    if isinstance(error, Http404):
        return Problem(404, "not_found", "There is no such thing here.")
    if isinstance(error, PermissionDenied):
        return Problem(403, "forbidden", "You may not do that.")
    if isinstance(error, RequestDataTooBig):
        return Problem(413, "body_too_large", "The body is larger than this call takes.")
    if isinstance(error, SuspiciousOperation | MultiPartParserError):
        return Problem(400, "invalid_request", "The request is malformed.")
    log.error("unforeseen error in the API", exc_info=error)
    return Problem(500, "internal_error", "Something went wrong here; it has been noted.")


def unavailable() -> Problem:
    """The outcome of a call is not known."""
    sentence = "Not known whether it was executed. Ask again; send orders again with the same client order id."
    return Problem(503, "market_unavailable", sentence, headers={"Retry-After": "1"})


_CODES: dict[int, str] = {
    400: "invalid_request",
    401: "not_authenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    413: "body_too_large",
    415: "unsupported_media_type",
    429: "rate_limited",
}


def _of_framework(error: exceptions.APIException) -> Problem:
    headers = {}
    if error.status_code == 401:
        headers["WWW-Authenticate"] = "Token"
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(math.ceil(wait))
    message = str(error.detail)
    code = "csrf_failed" if message.startswith("CSRF Failed") else _CODES.get(error.status_code, "invalid_request")
    return Problem(error.status_code, code, message, headers=headers)
