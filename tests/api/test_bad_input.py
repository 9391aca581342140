"""Whatever is sent, the answer is a 4xx in the one shape of errors, never a 500."""

import json
from typing import Any

import pytest

from tests.api.conftest import World
from tests.api.test_orders import error_of

HUGE = 10**30

WRONG_FIELDS: list[tuple[str, Any]] = [
    ("quantity_wh", True),
    ("quantity_wh", 1000.0),
    ("quantity_wh", "1000"),
    ("quantity_wh", None),
    ("quantity_wh", 2**53),
    ("quantity_wh", HUGE),
    ("quantity_wh", -HUGE),
    ("quantity_wh", [1000]),
    ("price", 1500.5),
    ("price", 1500.0),
    ("price", False),
    ("price", 2**31),
    ("price", -(2**31) - 1),
    ("price", HUGE),
    ("contract_id", 0),
    ("contract_id", -1),
    ("contract_id", 2**63),
    ("contract_id", True),
    ("side", "BUY"),
    ("side", 1),
    ("type", "stop"),
    ("tif", "gtc"),
    ("stp", "none"),
    ("post_only", 1),
    ("post_only", "yes"),
    ("display_wh", 0.5),
    ("min_quantity_wh", HUGE),
    ("expires_at", "tomorrow"),
    ("expires_at", "2026-06-01T06:00:00"),
    ("expires_at", "9999-12-31T23:59:59-14:00"),
    ("expires_at", "0001-01-01T00:00:00+14:00"),
    ("expires_at", 1_780_000_000),
    ("client_order_id", ""),
    ("client_order_id", "x" * 37),
    ("client_order_id", "a\x00b"),
    ("client_order_id", "a\nb"),
    ("client_order_id", "ab\n"),
    ("client_order_id", 7),
    ("note", "x" * 201),
    ("note", "a\x00"),
    ("participant", "p\x000"),
    ("participant", "p" * 41),
    ("op", "new"),
    ("quantity", 1000),
    ("k" * 10_000, 1),
]


def test_a_wrong_field_is_named(world: World) -> None:
    for field, value in WRONG_FIELDS:
        answer = world.anna.post("orders", world.order(**{field: value}))
        told = answer.json().get("error", {}).get("field")
        assert (answer.status_code, told) == (400, field), f"{field[:20]} = {value!r}"


@pytest.mark.parametrize("missing", ["contract_id", "side", "quantity_wh"])
def test_a_missing_field_is_named(world: World, missing: str) -> None:
    answer = world.anna.post("orders", world.order(**{missing: ...}))
    assert error_of(answer) == (400, "invalid_message")
    assert missing in answer.json()["error"]["message"]


NOT_JSON = [
    b" ",
    b"{",
    b"\xef\xbb\xbf{}",
    b'{"note": "\xff\xfe"}',
    b'{"note": "\\ud800"}',
    b'{"note": "\x00"}',
    b'{"quantity_wh": NaN}',
    b'{"quantity_wh": Infinity}',
    "{}".encode("utf-16"),
]


def test_what_is_not_json(world: World) -> None:
    for data in NOT_JSON:
        for caller, path in ((world.anna, "orders"), (world.anna, "orders/bulk"), (world.admin, "readings")):
            assert caller.raw(path, data).status_code == 400, f"{path} {data!r}"


NOT_A_MESSAGE = [b"null", b"[]", b"7", b'"x"', b"{}", b'{"messages": {}}', b'{"messages": [' + b"[" * 50_000]


@pytest.mark.parametrize("data", NOT_A_MESSAGE, ids=lambda data: repr(data)[:24])
def test_json_of_another_shape(world: World, data: bytes) -> None:
    for path in ("orders", "orders/bulk"):
        assert world.anna.raw(path, data).status_code == 400


@pytest.mark.parametrize("opening", [b"[", b'{"a":'], ids=["arrays", "objects"])
@pytest.mark.parametrize("where", [b'{"note": %s', b'{"zzz": %s', b'{"messages": [%s', b'{"messages": [{"op": %s'])
def test_deep_json(world: World, opening: bytes, where: bytes) -> None:
    deep = where.replace(b"%s", opening * 100_000)
    for path in ("orders", "orders/bulk"):
        assert world.anna.raw(path, deep).status_code == 400
    closed = deep + (b"1}" if opening[0] == ord("{") else b"").ljust(1) + (b"]" if opening == b"[" else b"}") * 100_000
    assert world.anna.raw("orders/bulk", closed).status_code == 400


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "\x01"])
def test_another_content_type(world: World, kind: str) -> None:
    body = json.dumps(world.order()).encode()
    for path in ("orders", "orders/bulk"):
        assert error_of(world.anna.raw(path, body, kind)) == (415, "unsupported_media_type")
    assert error_of(world.admin.raw("readings", body, kind)) == (415, "unsupported_media_type")


def test_a_body_that_is_too_large(world: World) -> None:
    body = json.dumps(world.order(note="x" * (2 * 1024 * 1024))).encode()
    assert error_of(world.anna.raw("orders", body)) == (413, "body_too_large")
    assert error_of(world.admin.raw("readings", b" " * (8 * 1024 * 1024 + 1))) == (413, "body_too_large")


BAD_QUERIES = [
    "orders?limit=0",
    "orders?limit=501",
    "orders?limit=x",
    "orders?limit=" + "9" * 5_000,
    "orders?contract=99999999999999999999",
    "orders?contract=-1",
    "orders?participant=%00",
    "orders?client_order_id=%00",
    "orders?status=open,",
    "orders?status=%00",
    "orders?before=x",
    "orders?colour=blue",
    "markets?colour=blue",
    "markets/m/contracts?from=x",
    "markets/m/contracts?from=2026-06-01T00:00:00",
    "markets/m/contracts?from=0001-01-01T00:00:00Z",
    "markets/m/contracts?to=9999-12-31T23:59:59-14:00",
    "markets/m/contracts?from=2026-06-02T00:00:00Z&to=2026-06-01T00:00:00Z",
    "markets/m/contracts?from=2026-06-02T00:00:00Z&to=2027-06-01T00:00:00Z",
    "markets/m/contracts?state=OPEN",
    "markets/m/events",
    "markets/m/events?after=-1",
    "markets/m/events?after=99999999999999999999",
    "markets/m/snapshot?depth=0",
    "contracts/1/book?depth=1001",
    "contracts/1/trades?limit=1e3x",
    "readings",
    "readings?metering_point=%00",
    "readings?metering_point=MP-1&from=x",
]


def test_a_bad_parameter(world: World) -> None:
    for path in BAD_QUERIES:
        assert error_of(world.anna.raw(path, b"", method="GET")) == (400, "invalid_parameter"), path[:80]


NOWHERE = [
    "",
    "nothing",
    "orders/",
    "%0A",
    "orders/a%0Ab",
    "markets/no-such",
    "markets/no-such/snapshot",
    "markets/%00",
    "markets/é",
    "contracts/0",
    "contracts/-1",
    "contracts/1.5",
    "contracts/999999999999999999",
    "contracts/9999999999999999999999",
    "contracts/" + "9" * 5_000,
    "contracts/x/book",
    "orders/019e7044",
    "tokens/%00",
]


def test_an_address_that_is_none(world: World) -> None:
    for path in NOWHERE:
        answer = world.anna.raw(path, b"", method="GET")
        assert answer.status_code == 404, path[:80]
        assert set(answer.json()) == {"error"}


def test_another_method_and_another_accept(world: World) -> None:
    answer = world.anna.raw("orders", b"", method="PUT")
    assert error_of(answer) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "GET, POST"
    assert error_of(world.anna.raw("markets", b"", method="POST")) == (405, "method_not_allowed")
    world.anna.headers["Accept"] = "image/png"
    assert error_of(world.anna.get("markets")) == (406, "not_acceptable")


def test_an_unforeseen_error_is_told_in_the_same_shape(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("surprise")

    monkeypatch.setattr("trading.api.taking.seats", broken)
    answer = world.anna.post("orders", world.order())
    assert error_of(answer) == (500, "internal_error")
    assert "surprise" not in answer.content.decode()


def test_letters_of_every_kind_are_kept(world: World) -> None:
    for name in ("đơn hàng số 1", "订单", "a\\tb", "💡" * 36, "'; drop table", "\\N", "\\."):
        placed = world.anna.post("orders", world.order(client_order_id=name, note=name))
        assert placed.status_code == 201
        found = world.anna.get(f"orders/{placed.json()['order_id']}").json()
        assert (found["client_order_id"], found["note"]) == (name, name)


def test_refusals_do_not_fill_the_log(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.anna.post("orders", world.order(price=1))
    world.anna.get("nothing")
    assert caplog.records == []
