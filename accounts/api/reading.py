"""What comes in, read strictly: JSON into typed structs, parameters likewise, and nothing that PostgreSQL cannot keep.

A wrong type is refused, not converted (`true` is no number, `1.0` is no price); an unknown field is refused, since most
often it is a misspelt one. Integers stay below 2⁵³, so that every JSON reader keeps them exactly.
"""

import re
from datetime import datetime
from typing import Annotated, Any, TypeVar

import msgspec
from django.http import HttpRequest
from msgspec import Meta

from accounts.api.problems import Problem

T = TypeVar("T")
MAX_JSON_BYTES = 2 * 1024 * 1024

_NO_CONTROL = r"^[^\x00-\x1f\x7f]+(?!\n)$"
BigInt = Annotated[int, Meta(ge=1, le=2**53 - 1)]
Wh = Annotated[int, Meta(ge=-(2**53) + 1, le=2**53 - 1)]
Price = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
Code = Annotated[str, Meta(min_length=1, max_length=40, pattern=_NO_CONTROL)]
Moment = Annotated[datetime, Meta(tz=True)]
EARLIEST_YEAR, LATEST_YEAR = 2000, 2199

_PLACE = re.compile(r" - at `\$\.?(?P<place>[^`]*)`$")
_UNKNOWN = re.compile(r"unknown field `(?P<place>[^`]*)`")


def read_json(request: HttpRequest, decoder: msgspec.json.Decoder[T], limit: int = MAX_JSON_BYTES) -> T:
    """The body as the decoder's type. Raises Problem 415, 413 or 400."""
    if request.content_type != "application/json":
        raise Problem(415, "unsupported_media_type", "Send the body as application/json.")
    return decode(read_bytes(request, limit), decoder)


def read_bytes(request: HttpRequest, limit: int) -> bytes:
    """The body as it came. Raises Problem 413 where it is longer than `limit`."""
    data = request.read(limit + 1)
    if len(data) > limit:
        raise Problem(413, "body_too_large", f"The body has more than {limit} bytes.", bound=limit)
    return bytes(data)


def decode(data: bytes | msgspec.Raw, decoder: msgspec.json.Decoder[T]) -> T:
    """JSON as the decoder's type. Raises Problem 400 with the field that is wrong."""
    try:
        return decoder.decode(data)
    except msgspec.ValidationError as error:
        raise wrong_shape(error, "invalid_message") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem(400, "invalid_json", "The body is not JSON in UTF-8.") from error


def read_query(request: HttpRequest, shape: type[T]) -> T:
    """The query's parameters as a struct. Raises Problem 400."""
    return convert(request.GET.dict(), shape)


def convert(values: dict[str, Any], shape: type[T]) -> T:
    """Texts as a struct. Raises Problem 400 with the parameter that is wrong."""
    try:
        return msgspec.convert(values, shape, strict=False)
    except msgspec.ValidationError as error:
        raise wrong_shape(error, "invalid_parameter") from error


def wrong_shape(error: msgspec.ValidationError, code: str) -> Problem:
    """What a validation error tells: the sentence, and the field it is about."""
    text = str(error)
    place = _PLACE.search(text) or _UNKNOWN.search(text)
    field = place["place"].lstrip(".") if place else None
    return Problem(400, code, _PLACE.sub("", text).rstrip(".") + ".", field=field or None)


def check_moment(moment: datetime, field: str) -> datetime:
    """A moment of this or the next century, else Problem 400: others break calendars further down."""
    if not EARLIEST_YEAR <= moment.year <= LATEST_YEAR:
        raise Problem(400, "invalid_parameter", f"Give a year from {EARLIEST_YEAR} to {LATEST_YEAR}.", field=field)
    return moment
