"""The OpenAPI document is valid, complete, and what the API does: fuzzed by schemathesis, with a fixed seed.

Good cases are aimed at things that exist (a contract, an order of the caller's), since random numbers only ever meet
'not found'. Bad cases break the document's own rules, and must be refused.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.urls import URLResolver, get_resolver
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from accounts.api.openapi import document
from tests.api.conftest import World

DOCUMENT = json.loads(document())
EXAMPLES = 20
CONFORMANCE = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@contextmanager
def _kept_connection() -> Iterator[None]:
    """Requests through WSGI end with their connection; here all of them share the test's transaction."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)


def _schema() -> Any:
    schema = schemathesis.openapi.from_dict(DOCUMENT)
    schema.app = get_wsgi_application()
    return schema


CALLS = [
    (method.upper(), path)
    for path, methods in DOCUMENT["paths"].items()
    for method in methods
    if method in ("get", "post", "patch", "delete")
]


def _fuzz(world: World, call: tuple[str, str], mode: GenerationMode, checks: list[Any]) -> int:
    """Sends generated cases as a member or an administrator; returns how many were answered."""
    operation = _schema()[call[1]][call[0]]
    caller = world.admin if call[1].startswith("/readings") else world.anna
    order_id = world.anna.post("orders", world.order()).json()["order_id"]
    numbers = count()

    @seed(1)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def check(case: Any) -> None:
        if next(numbers) % 4 and mode is GenerationMode.POSITIVE:
            _aim(case, world, order_id)
        response = case.call(headers=caller.headers)
        case.validate_response(response, checks=checks)

    with _kept_connection():
        check()
    return next(numbers)


def _aim(case: Any, world: World, order_id: str) -> None:
    real = {"contract_id": world.contracts[0].pk, "order_id": order_id, "code": "m"}
    for name in set(real) & set(case.path_parameters or {}):
        case.path_parameters[name] = real[name]
    messages = case.body.get("messages", [case.body]) if isinstance(case.body, dict) else []
    for message in messages:
        for name in set(real) & set(message):
            message[name] = real[name]
        message.pop("participant", None)


@pytest.mark.parametrize("call", CALLS, ids=" ".join)
def test_good_cases_are_answered_as_the_document_says(world: World, call: tuple[str, str]) -> None:
    assert _fuzz(world, call, GenerationMode.POSITIVE, CONFORMANCE) > 0


def _refused_one_by_one(_context: Any, response: Any, _case: Any) -> None:
    """A bulk answers each of its messages, so a broken one is refused inside an answer of 200."""
    assert response.status_code == 400 or any(result["status"] == 400 for result in response.json()["results"])


BREAKABLE = [call for call in CALLS if call not in (("GET", "/tokens"), ("GET", "/markets"))]


@pytest.mark.parametrize("call", BREAKABLE, ids=" ".join)
def test_bad_cases_are_refused_as_the_document_says(world: World, call: tuple[str, str]) -> None:
    refused = _refused_one_by_one if call[1] == "/orders/bulk" else negative_data_rejection
    assert _fuzz(world, call, GenerationMode.NEGATIVE, [*CONFORMANCE, refused]) > 0


def test_every_address_is_in_the_document() -> None:
    told = {path.replace("{", "").replace("}", "") for path in DOCUMENT["paths"]}
    built = set()

    def walk(resolver: URLResolver) -> None:
        for entry in resolver.url_patterns:
            if isinstance(entry, URLResolver):
                walk(entry)
            else:
                route = str(entry.pattern)
                parts = [part.rpartition(":")[2].rstrip(">") for part in route.split("/")]
                built.add("/" + "/".join(parts))

    walk(get_resolver("config.api_urls"))
    assert built - {"/schema", "/"} == told


def test_the_document_is_open_to_everyone_and_valid(world: World) -> None:
    answer = world.anonymous.get("schema")
    assert answer.status_code == 200
    assert answer.json()["openapi"] == "3.1.0"
    schemathesis.openapi.from_dict(answer.json()).validate()
