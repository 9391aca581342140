"""The OpenAPI 3.1 document, made from what the code itself uses: addresses from the URLs, shapes from the structs.

`operation(…)` describes one call; views of the REST framework carry it in `extend_schema`, plain views hand theirs to
`describe_plain`. Struct docstrings become descriptions, so that the document explains what the code says.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from http import HTTPStatus
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse
from drf_spectacular.generators import SchemaGenerator

from accounts.api.problems import Error

_REF = "#/components/schemas/{name}"
_shapes: dict[str, Any] = {}
_plain: list[tuple[str, str, dict[str, Any]]] = []
SECURITY_SCHEMES = {
    "token": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "`Token` and a space before it.",
    },
    "session": {"type": "apiKey", "in": "cookie", "name": "sessionid"},
    "password": {"type": "http", "scheme": "basic"},
}


def operation(
    name: str,
    summary: str,
    *,
    tag: str,
    answers: Mapping[int, Any],
    errors: Iterable[int],
    path: Mapping[str, dict[str, Any]] | None = None,
    query: Any = None,
    body: Any = None,
    body_required: bool = True,
    contents: Mapping[str, dict[str, Any]] | None = None,
    security: Iterable[str] = ("token", "session"),
) -> dict[str, Any]:
    """One call as OpenAPI tells it. `answers`: status → struct (None: no body); `contents` is for bodies but JSON."""
    told: dict[str, Any] = {"operationId": name, "summary": summary, "tags": [tag]}
    told["security"] = [{scheme: []} for scheme in security]
    if parameters := [*_path_parameters(path or {}), *_query_parameters(query)]:
        told["parameters"] = parameters
    if body is not None:
        contents = {"application/json": ref(body)}
    if contents:
        content = {kind: {"schema": schema} for kind, schema in contents.items()}
        told["requestBody"] = {"required": body_required, "content": content}
    told["responses"] = {str(status): _response(status, shape) for status, shape in answers.items()}
    told["responses"] |= {str(status): _response(status, Error) for status in (*errors, 503)}
    return told


def ref(shape: Any) -> dict[str, Any]:
    """How the document refers to a shape; the shape itself goes among its components."""
    (schema,), _ = msgspec.json.schema_components([shape], ref_template=_REF)
    _shapes[str(shape)] = shape
    return schema


def _response(status: int, shape: Any) -> dict[str, Any]:
    told: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    if shape is not None:
        told["content"] = {"application/json": {"schema": ref(shape)}}
    return told


def _path_parameters(path: Mapping[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"name": name, "in": "path", "required": True, "schema": schema} for name, schema in path.items()]


def _query_parameters(shape: Any) -> list[dict[str, Any]]:
    if shape is None:
        return []
    _, components = msgspec.json.schema_components([shape], ref_template=_REF)
    schema = components[shape.__name__]
    required = schema.get("required", ())
    return [
        {"name": name, "in": "query", "required": name in required, "schema": _without_null(told)}
        for name, told in schema["properties"].items()
    ]


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter is left out rather than null."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    if len(kinds) != 1:
        return schema
    rest = {key: value for key, value in schema.items() if key not in ("anyOf", "default")}
    return kinds[0] | rest


def describe_plain(route: str, method: str, told: dict[str, Any]) -> None:
    """Adds a plain view's call to the document; `route` as in the document, such as `/orders/{order_id}`."""
    _plain.append((route, method.lower(), told))


@cache
def document() -> bytes:
    """The whole document as JSON."""
    made = SchemaGenerator(urlconf="config.api_urls").get_schema(request=None, public=True)
    for route, method, told in _plain:
        made["paths"].setdefault(route, {})[method] = told
    _, shapes = msgspec.json.schema_components(list(_shapes.values()), ref_template=_REF)
    made["components"] = {"schemas": shapes, "securitySchemes": SECURITY_SCHEMES}
    made["servers"] = [{"url": "/api/v1"}]
    made["paths"] = dict(sorted(made["paths"].items()))
    return msgspec.json.encode(made)


def schema(request: HttpRequest) -> HttpResponse:
    """`GET schema`: the document, open to everyone."""
    return HttpResponse(document(), content_type="application/vnd.oai.openapi+json")
