"""A refusal's sentence comes in the language that was asked for; its code, field and bound are the same in each."""

from tests.api.conftest import World

VIETNAMESE = {"Accept-Language": "vi-VN,vi;q=0.9,en;q=0.5"}


def test_a_single_order_is_refused_in_vietnamese(world: World) -> None:
    order = world.order(price=3_005)
    english = world.anna.post("orders", order)
    world.anna.headers |= VIETNAMESE
    vietnamese = world.anna.post("orders", order)
    assert (english.status_code, vietnamese.status_code) == (422, 422)
    told = english.json()["error"]
    assert (
        told["message"] == "The price is outside what is allowed for you in this interval; its bound is 3000 VND/kWh."
    )
    sentence = "Giá nằm ngoài mức bạn được phép đặt trong chu kỳ này; giới hạn là 3.000 đồng/kWh."
    assert vietnamese.json()["error"] == told | {"message": sentence}
    assert vietnamese.headers["Content-Language"] == "vi"


def test_each_message_of_a_bulk_is_refused_in_vietnamese(world: World) -> None:
    world.anna.headers |= VIETNAMESE
    messages = [
        world.order(op="new", quantity_wh=150),
        {"op": "cancel", "order_id": "0190a5a0-0000-7000-8000-000000000000"},
        world.order(op="new", participant="p1"),
    ]
    answers = world.anna.post("orders/bulk", {"request_id": "r", "messages": messages}).json()["results"]
    assert [answer["error"]["message"] for answer in answers] == [
        "Sản lượng phải là bội số của 100 Wh.",
        "Bạn không có lệnh nào như vậy.",
        "Bạn không đại diện cho thành viên này.",
    ]


def test_a_wrong_body_is_refused_in_vietnamese(world: World) -> None:
    world.anna.headers |= VIETNAMESE
    answer = world.anna.raw("orders", b"{")
    assert answer.json()["error"] == {"code": "invalid_json", "message": "Nội dung không phải JSON dạng UTF-8."}


def test_a_browser_reads_the_language_it_chose_on_the_pages(world: World) -> None:
    world.anna.client.cookies["django_language"] = "vi"
    answer = world.anna.post("orders", world.order(contract_id=10**6))
    assert answer.json()["error"]["message"] == (
        "Thị trường này không có chu kỳ đó. Hãy lấy danh sách các chu kỳ đang mở."
    )
