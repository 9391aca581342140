"""Meter readings over HTTP: load them as JSON or CSV, whole or not at all, and read one's own.

Who reads: the members of the metering point's participant, and administrators. Who loads: administrators alone, since
readings decide who pays what; a metering system gets a login of its own that is one.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import msgspec
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from drf_spectacular.utils import extend_schema
from msgspec import Meta
from rest_framework.request import Request

from accounts.api.openapi import operation
from accounts.api.problems import Detail, Problem, answer
from accounts.api.reading import Code, Moment, check_moment, read_bytes, read_json, read_query
from accounts.api.views import ApiView, missing
from accounts.models import User
from accounts.policies import may_load_readings, may_view
from meters.domain.readings_csv import CellError, CsvRejected
from meters.models import MeteringPoint, Reading, Site
from meters.operations import ReadingRejected, Recorded, import_csv, record_readings

MAX_BYTES = 64 * 1024 * 1024
MAX_JSON_BYTES = 8 * 1024 * 1024
MAX_ROWS = 20_000
MOST_DAYS = 31
SPAN = timedelta(days=1)

Energy = Annotated[int, Meta(ge=0, le=10**12)]
Minutes = Literal[15, 30]
Quality = Literal["measured", "estimated", "corrected"]


class NewReading(msgspec.Struct, forbid_unknown_fields=True):
    """Energy in Wh through a metering point in the interval that begins at `start`."""

    metering_point: Code
    start: Moment
    import_wh: Energy
    export_wh: Energy
    quality: Quality = "measured"


class NewReadings(msgspec.Struct, forbid_unknown_fields=True):
    """Readings of one site; `site` is needed where there are several."""

    rows: Annotated[list[NewReading], Meta(min_length=1, max_length=MAX_ROWS)]
    site: Code | None = None
    minutes: Minutes = 30


class CsvQuery(msgspec.Struct, forbid_unknown_fields=True):
    """How to take a file. With `allow_gaps` a missing interval is a warning, not an error."""

    site: Code | None = None
    minutes: Minutes = 30
    allow_gaps: Literal["true", "false"] = "false"


class ReadingsQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Whose readings, from … until before …, at most 31 days; the last day where not said."""

    metering_point: Code
    site: Code | None = None
    from_: Moment | None = msgspec.field(name="from", default=None)
    to: Moment | None = None


class Loaded(msgspec.Struct):
    """How many readings were new, how many became a later version, how many were there already; what looked odd."""

    new: int
    corrected: int
    unchanged: int
    warnings: list[Detail]
    warnings_total: int


class OneReading(msgspec.Struct):
    """The latest version of a reading. `start` is the beginning of its interval of `minutes`."""

    start: datetime
    minutes: int
    import_wh: int
    export_wh: int
    quality: Quality
    version: int
    received_at: datetime


class Readings(msgspec.Struct):
    """The readings of one metering point, in order of time."""

    metering_point: str
    site: str
    participant: str
    readings: list[OneReading]


_NEW = msgspec.json.Decoder(NewReadings)
_BINARY = {"type": "string", "format": "binary"}
_UPLOAD = {"type": "object", "properties": {"file": _BINARY}, "required": ["file"]}
_LOAD_ERRORS = (400, 401, 403, 404, 413, 415, 422)


class ReadingsView(ApiView):
    """`GET` and `POST readings`."""

    @extend_schema(
        operation=operation(
            "listReadings", "Readings of a metering point of yours", tag="Readings", query=ReadingsQuery,
            answers={200: Readings}, errors=(400, 401, 404),
        )
    )  # fmt: skip
    def get(self, request: Request) -> HttpResponse:
        query = read_query(request._request, ReadingsQuery)
        point = _point(self.caller, query)
        start, end = _window(query)
        told = Readings(point.code, point.site.code, point.participant.code, list(_latest(point, start, end)))
        return answer(told)

    @extend_schema(
        operation=operation(
            "loadReadings", "Load readings, all or none", tag="Readings", body=NewReadings,
            answers={200: Loaded}, errors=_LOAD_ERRORS,
        )
    )  # fmt: skip
    def post(self, request: Request) -> HttpResponse:
        _check_may_load(self.caller)
        body = read_json(request._request, _NEW, MAX_JSON_BYTES)
        for index, row in enumerate(body.rows):
            check_moment(row.start, f"rows[{index}].start")
        try:
            recorded = record_readings(
                site=_site(body.site), rows=body.rows, by=self.caller, at=datetime.now(UTC), source="api",
                minutes=body.minutes,
            )  # fmt: skip
        except ReadingRejected as error:
            raise Problem(422, error.code, str(error), field=f"rows[{error.index}]") from error
        return answer(_loaded(recorded, (), 0))


class CsvView(ApiView):
    """`POST readings/csv`."""

    @extend_schema(
        operation=operation(
            "loadReadingsCsv", "Load a CSV file of readings, all or none", tag="Readings", query=CsvQuery,
            contents={"text/csv": _BINARY, "multipart/form-data": _UPLOAD},
            answers={200: Loaded}, errors=_LOAD_ERRORS,
        )
    )  # fmt: skip
    def post(self, request: Request) -> HttpResponse:
        _check_may_load(self.caller)
        query = read_query(request._request, CsvQuery)
        site = _site(query.site)
        name, data = _file(request._request)
        try:
            recorded, parsed = import_csv(
                site=site, data=data, by=self.caller, at=datetime.now(UTC), file_name=name, minutes=query.minutes,
                allow_gaps=query.allow_gaps == "true",
            )  # fmt: skip
        except CsvRejected as error:
            told = _details(error.errors)
            raise Problem(422, error.code, str(error), details=told, details_total=error.total) from error
        except ReadingRejected as error:
            raise Problem(422, error.code, str(error)) from error
        return answer(_loaded(recorded, parsed.warnings, parsed.warnings_total))


def _check_may_load(user: User) -> None:
    if not may_load_readings(user):
        raise Problem(403, "forbidden", "Only an administrator may load readings.")


def _file(request: HttpRequest) -> tuple[str, bytes]:
    """Name and contents of the upload: the body itself, or the part `file` of a form."""
    if request.content_type == "multipart/form-data":
        upload = request.FILES.get("file")
        if upload is None or upload.size is None:
            raise Problem(400, "file_required", "Send the file as the part 'file' of the form.", field="file")
        if upload.size > MAX_BYTES:
            raise Problem(413, "body_too_large", f"The file has more than {MAX_BYTES} bytes.", bound=MAX_BYTES)
        name = "".join(letter for letter in upload.name or "" if letter.isprintable())
        return name or "readings.csv", upload.read()
    if request.content_type in ("text/csv", "application/octet-stream"):
        return "readings.csv", read_bytes(request, MAX_BYTES)
    raise Problem(415, "unsupported_media_type", "Send the file as text/csv or as a form with the part 'file'.")


def _site(code: str | None) -> Site:
    """The site of that code; without a code, the only one there is."""
    if code is not None:
        return Site.objects.filter(code=code).first() or missing("unknown_site", "There is no such site.")
    sites = list(Site.objects.all()[:2])
    if len(sites) == 1:
        return sites[0]
    raise Problem(400, "site_required", "There are several sites, or none; name one.", field="site")


def _point(user: User, query: ReadingsQuery) -> MeteringPoint:
    """The metering point, if the user may see it. A code may be in use at several sites; then the site must be said."""
    rows = MeteringPoint.objects.filter(code=query.metering_point).select_related("site", "participant")
    if query.site is not None:
        rows = rows.filter(site__code=query.site)
    seen = [point for point in rows if may_view(user, point.participant)]
    if len(seen) > 1:
        raise Problem(400, "site_required", "Several sites have a metering point of this code; name one.", field="site")
    return seen[0] if seen else missing("unknown_metering_point", "You have no such metering point.")


def _window(query: ReadingsQuery) -> tuple[datetime, datetime]:
    end = check_moment(query.to, "to") if query.to else None
    start = check_moment(query.from_, "from") if query.from_ else (end or datetime.now(UTC)) - SPAN
    end = end or start + SPAN
    if not timedelta(0) <= end - start <= timedelta(days=MOST_DAYS):
        raise Problem(400, "invalid_parameter", f"Ask for at most {MOST_DAYS} days, forward in time.", field="to")
    return start, end


def _latest(point: MeteringPoint, start: datetime, end: datetime) -> Iterable[OneReading]:
    rows = Reading.objects.filter(metering_point=point, start__gte=start, start__lt=end)
    fields = ("start", "minutes", "import_wh", "export_wh", "quality", "version", "received_at")
    for row in rows.order_by("start", "-version").distinct("start").values_list(*fields):
        yield OneReading(*row)


def _loaded(recorded: Recorded, warnings: Iterable[CellError], total: int) -> Loaded:
    return Loaded(recorded.new, recorded.corrected, recorded.unchanged, _details(warnings), total)


def _details(found: Iterable[CellError]) -> list[Detail]:
    return [Detail(each.file, each.line, each.column, each.code, each.message) for each in found]


urlpatterns: list[URLPattern] = [
    path("readings", ReadingsView.as_view()),
    path("readings/csv", CsvView.as_view()),
]
