"""The trading desk without a browser: ticket and preview, amending, cancelling, blotter, and who may do what."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.cache import cache

from accounts.models import Membership, User
from tariffs.domain.windows import Window
from tariffs.models import Tariff, VatRate
from tariffs.operations import assign_tariff, replace_rows, set_terms
from tests.factories import NOON, give_panels, make_market, make_participants, open_contracts
from trading.domain.messages import BUY, SELL, New
from trading.models import Admission, Order
from trading.operations import submit
from trading.queries import market_by_code, own_orders

pytestmark = pytest.mark.django_db(transaction=True)
JSON = {"Accept": "application/json"}


class Desk:
    def __init__(self, client, **rules) -> None:
        rules = {"limits_enforced": True, "tick": 5, **rules}
        self.market = make_market(clock_at=NOON, clock_started_at=datetime.now(UTC), **rules)
        self.own, self.other = make_participants(2, market=self.market)
        give_panels(self.own, 20_000)
        give_panels(self.other, 200_000)
        self.user = User.objects.create_user("an", password="a long password")
        Membership.objects.create(user=self.user, participant=self.own, role="trader")
        self.client = client
        client.force_login(self.user)
        self.contract = open_contracts(self.market)[0]
        cache.clear()

    def take(self, *messages) -> None:
        replies = submit(self.market.pk, messages, by=None, at=NOON)
        assert not [reply for reply in replies if reply.rejected], replies

    def form(self, **changes):
        plain = {"contract": self.contract.pk, "side": "buy", "kwh": "10", "price": "1700", "kind": "gate"}
        return {key: value for key, value in (plain | changes).items() if value is not ...}

    def look(self, **changes):
        return self.client.get("/markets/m/ticket/", self.form(**changes), headers=JSON).json()

    def place(self, **changes):
        return self.client.post("/markets/m/orders/", self.form(**changes), headers=JSON)

    def orders(self):
        return own_orders(self.market.pk, [self.own.pk], open_only=False).orders


@pytest.fixture
def desk(client):
    return Desk(client)


def give_prices(desk) -> None:
    on, done = date(2025, 1, 1), {"by": None, "at": NOON}
    tariff = Tariff.objects.create(code="flat", name="flat")
    replace_rows(tariff=tariff, rows=[Window(127, 0, 1440, 3_152, on)], **done)
    assign_tariff(site=desk.market.site, participant=desk.own, tariff=tariff, valid_from=on, **done)
    set_terms(site=desk.market.site, valid_from=on, surplus_price=671, network_fee=120, source="test", **done)
    VatRate.objects.create(country="VN", category="electricity", rate_bp=800, valid_from=on)


def test_the_desk_holds_a_ticket_for_who_may_trade(desk) -> None:
    page = desk.client.get("/markets/m/").content.decode()
    assert 'name="kwh"' in page and "12:30–13:00" in page
    Membership.objects.update(role="viewer")
    assert 'name="kwh"' not in desk.client.get("/markets/m/").content.decode()


def test_the_desk_begins_with_the_site_s_own_time_and_the_member_asked_for(desk) -> None:
    Membership.objects.create(user=desk.user, participant=desk.other, role="trader")
    page = desk.client.get(f"/markets/m/?who={desk.other.code}").content.decode()
    assert re.search(r'<time id="clock" datetime="[^"]+">12:0\d:\d\d</time>', page)
    assert re.findall(r'<option value="(\w+)" selected>', page.split('id="t-who"')[1].split("</select>")[0]) == [
        desk.other.code
    ]


def test_a_preview_says_what_would_trade_what_it_costs_and_what_is_left(desk) -> None:
    give_prices(desk)
    Admission.objects.filter(participant=desk.own).update(credit_limit_millidong=100_000_000)
    desk.take(New(desk.other.pk, "a", desk.contract.pk, SELL, 8_000, 1_650))
    found = desk.look()
    assert found["ok"] is True and found["faults"] == []
    html = found["html"]
    for figure in ("8.0 kWh · ⌀ ₫1,650/kWh", "2.0 kWh", "₫16,600", "₫1,200", "₫1,424", "₫19,224", "₫34,042", "₫14,818"):
        assert figure in html, figure
    assert "You save" in html and "₫100,000 → ₫83,400" in html
    assert Order.objects.count() == 1


def test_a_preview_of_a_sale_tells_what_the_grid_would_pay(desk) -> None:
    give_prices(desk)
    html = desk.look(side="sell", kwh="2", price="1000")["html"]
    for figure in ("You get", "₫2,000", "EVN would pay", "₫1,342", "You earn more", "₫658", "11.0 kWh → 9.0 kWh"):
        assert figure in html, figure


@pytest.mark.parametrize(("changes", "field", "said"), [
    ({"kwh": "many"}, "kwh", "like 12.5"),
    ({"price": ""}, "price", "like 1,650"),
    ({"price": "1702"}, "price", "multiple of ₫5/kWh"),
    ({"kwh": "0.05"}, "kwh", "multiple of 0.1 kWh"),
    ({"side": "sell", "kwh": "12"}, "kwh", "11.0 kWh more can be offered"),
    ({"contract": "999999"}, "contract", "no such contract"),
    ({"contract": "x"}, "contract", "Choose an interval"),
    ({"kind": "wish"}, "kind", "kinds of orders"),
    ({"kind": "gtd"}, "until", "until when"),
    ({"kind": "gtd", "until": "2026-06-01T11:00"}, "until", "expiry in the future"),
    ({"display": "20"}, "display", "whole multiples"),
    ({"who": "p1"}, "who", "Say for whom"),
    ({"note": "a\nb"}, "note", "one line"),
])  # fmt: skip
def test_what_would_be_refused_is_said_before_and_after(desk, changes, field, said) -> None:
    found = desk.look(**changes)
    assert found["ok"] is False
    assert [name for name, _ in found["faults"]] == [field], found
    assert said in found["html"]
    answer = desk.place(**changes)
    assert answer.status_code in (404, 422), answer.content
    assert said in answer.json()["sentence"]
    assert desk.orders() == []


def test_an_order_is_placed_and_told_in_a_sentence(desk) -> None:
    desk.take(New(desk.other.pk, "a", desk.contract.pk, SELL, 8_000, 1_650))
    answer = desk.place(id="mine-1")
    assert answer.json() == {
        "ok": True,
        "sentence": "Taken: buy 10.0 kWh for 12:30–13:00 at ₫1,700/kWh. 8.0 kWh traded at ₫1,650/kWh on average. "
        "2.0 kWh wait in the book.",
    }
    assert desk.place(id="mine-1").json()["ok"] is True, "sent twice, taken once"
    (order,) = desk.orders()
    assert (order.client_order_id, order.filled_wh, order.remaining_wh) == ("mine-1", 8_000, 2_000)


def test_a_changed_ticket_after_a_lost_answer_is_not_sent_in_its_name(desk) -> None:
    desk.place(id="lost")
    told = desk.place(id="lost", kwh="5").json()
    assert (
        not told["ok"] and "was taken, and this one differs" in told["sentence"] and "order id" not in told["sentence"]
    )
    assert [order.quantity_wh for order in desk.orders()] == [10_000]


@pytest.mark.parametrize(("changes", "reason"), [
    ({"kind": "ioc"}, "there was no counterpart for it at once"),
    ({"kind": "fok"}, "not all of it could trade at once"),
    ({"kind": "market", "price": ""}, "the book had no more"),
    ({"least": "1"}, "the least quantity could not trade at once"),
])  # fmt: skip
def test_an_order_that_came_to_nothing_is_told_as_no_success(desk, changes, reason) -> None:
    looked = desk.look(**changes)["html"]
    assert "All of it is cancelled" in looked and reason in looked and "The rest" not in looked
    told = desk.place(**changes).json()
    assert not told["ok"] and told["sentence"].startswith("Nothing was traded, and nothing waits: buy 10.0 kWh")
    assert told["sentence"].endswith(f"It was cancelled: {reason}.")
    page = desk.client.post("/markets/m/orders/", desk.form(**changes), follow=True).content.decode()
    assert "notice error" in page and "Nothing was traded" in page


@pytest.mark.parametrize(("changes", "tif", "price"), [
    ({"kind": "ioc"}, "IOC", 1_700),
    ({"kind": "fok"}, "FOK", 1_700),
    ({"kind": "market", "price": ""}, "IOC", None),
    ({"kind": "gtd", "until": "2026-06-01T12:20"}, "GTD", 1_700),
    ({"display": "1"}, "GTC", 1_700),
    ({"post_only": "yes"}, "GTC", 1_700),
])  # fmt: skip
def test_every_kind_of_order_can_be_sent(desk, changes, tif, price) -> None:
    if tif in ("IOC", "FOK"):
        desk.take(New(desk.other.pk, "a", desk.contract.pk, SELL, 10_000, 1_650))
    assert desk.place(**changes).json()["ok"] is True
    (order,) = desk.orders()
    assert (order.tif, order.price) == (tif, price)


def test_numbers_are_read_in_the_reader_s_language(desk) -> None:
    desk.client.cookies["django_language"] = "vi"
    found = desk.look(kwh="1,5", price="1.700")
    assert "mua 1,5 kWh" in found["html"] and "1.700 ₫/kWh" in found["html"]
    desk.place(kwh="1,5", price="1.700")
    (order,) = desk.orders()
    assert (order.quantity_wh, order.price) == (1_500, 1_700)


def test_without_scripts_the_ticket_is_a_form_that_comes_back_with_a_sentence(desk) -> None:
    looked = desk.client.get("/markets/m/ticket/", desk.form(look="yes")).content.decode()
    assert "As read: buy 10.0 kWh for 12:30–13:00 at ₫1,700/kWh" in looked
    done = desk.client.post("/markets/m/orders/", desk.form(), follow=True)
    assert "Taken: buy 10.0 kWh" in done.content.decode()
    assert done.redirect_chain[0][0] == f"/markets/m/ticket/?contract={desk.contract.pk}"
    refused = desk.client.post("/markets/m/orders/", desk.form(kwh="x"))
    assert refused.status_code == 422 and "Write the quantity in kWh" in refused.content.decode()


def test_an_order_is_amended_and_cancelled(desk) -> None:
    desk.place()
    (order,) = desk.orders()
    address = f"/markets/m/orders/{order.seq}"
    nothing = desk.client.post(f"{address}/amend/", {"left": "10", "price": "1700", "filled": "0"}, headers=JSON)
    assert nothing.status_code == 422
    less = desk.client.post(f"{address}/amend/", {"left": "6", "filled": "0", "price": "1700"}, headers=JSON)
    assert less.json() == {"ok": True, "sentence": "Amended: buy 6.0 kWh for 12:30–13:00 at ₫1,700/kWh. "
                                                   "6.0 kWh wait in the book."}  # fmt: skip
    bad = desk.client.post(f"{address}/amend/", {"price": "1"}, headers=JSON)
    assert bad.status_code == 422 and "multiple of" in bad.json()["sentence"]
    gone = desk.client.post(f"{address}/cancel/", {"back": "blotter"}, follow=True)
    assert "Cancelled: the order for 12:30–13:00." in gone.content.decode()
    assert desk.orders()[0].status == "cancelled"
    again = desk.client.post(f"{address}/cancel/", headers=JSON)
    assert again.status_code == 409 and "no longer open" in again.json()["sentence"]


def test_a_fill_between_reading_and_amending_never_lets_more_trade_than_allowed(desk) -> None:
    desk.place()
    (order,) = desk.orders()
    desk.take(New(desk.other.pk, "a", desk.contract.pk, SELL, 4_000, 1_700))
    desk.client.post(f"/markets/m/orders/{order.seq}/amend/", {"left": "6", "filled": "0"}, headers=JSON)
    (order,) = desk.orders()
    assert (order.quantity_wh, order.filled_wh, order.remaining_wh) == (6_000, 4_000, 2_000)


def test_cancel_all_asks_first_and_takes_one_interval_or_all(desk) -> None:
    later = open_contracts(desk.market)[1].pk
    for contract in (desk.contract.pk, desk.contract.pk, later):
        desk.place(contract=contract)
    address = "/markets/m/orders/cancel-all/"
    assert desk.client.post(address, headers=JSON).status_code == 422
    one = desk.client.post(address, {"confirm": "yes", "contract": desk.contract.pk}, headers=JSON)
    assert one.json()["sentence"] == "2 orders cancelled."
    for unknown in ("77777", "0", "9" * 400, "x"):
        assert desk.client.post(address, {"confirm": "yes", "contract": unknown}).status_code == 404
    assert desk.client.post(address, {"confirm": "yes"}, headers=JSON).json()["sentence"] == "1 order cancelled."
    nothing = desk.client.post(address, {"confirm": "yes"}, headers=JSON).json()
    assert nothing["sentence"] == "There was no open order to cancel."


def test_the_blotter_lists_orders_trades_and_positions(desk) -> None:
    desk.take(New(desk.other.pk, "a", desk.contract.pk, SELL, 8_000, 1_650))
    desk.place(note="=for the mill")
    desk.place(side="sell", kwh="1", price="2000", contract=open_contracts(desk.market)[1].pk)

    def read(**query) -> str:
        return desk.client.get("/markets/m/blotter/", query).content.decode()

    assert read().count("partly filled") == 1 and read().count("<tr>") == 3
    assert "13:00–13:30" not in read(side="buy") and "13:00–13:30" in read(side="sell")
    assert "There is no such order" in read(state="filled")
    assert "There is no such order" in read(on="2026-06-03")
    assert "12:30–13:00" not in read(contract=open_contracts(desk.market)[1].pk)
    assert read(contract="nonsense", side="x", state="y", on="z", page="q").count("<tr>") == 3
    assert "₫13,200" in read(table="trades") and "p1" not in read(table="trades")
    assert "+8.0 kWh" in read(table="positions")


def test_the_blotter_is_a_file_too(desk) -> None:
    desk.take(New(desk.other.pk, "a", desk.contract.pk, SELL, 8_000, 1_650))
    desk.place(note="=for the mill", id="x-1")

    def read(table: str) -> list[str]:
        answer = desk.client.get(f"/markets/m/blotter/{table}.csv")
        return b"".join(answer.streaming_content).decode().splitlines()

    heads, row = read("orders")
    cells = dict(zip(heads.lstrip("\ufeff").split(","), row.split(","), strict=True))
    assert (cells["client_order_id"], cells["quantity_wh"], cells["filled_wh"]) == ("x-1", "10000", "8000")
    assert cells["delivery_start"] == "2026-06-01T12:30:00+07:00"
    assert cells["note"] == "'=for the mill"
    assert read("trades")[1].split(",")[4:8] == ["buy", "1650", "8000", "13200000"]
    assert read("positions")[1].split(",")[3:7] == ["8000", "0", "2000", "0"]
    assert desk.client.get("/markets/m/blotter/secrets.csv").status_code == 404


def test_a_trade_is_shown_from_the_side_of_whom_one_asks_for(desk, client) -> None:
    desk.take(New(desk.other.pk, "a", desk.contract.pk, SELL, 8_000, 1_650))
    desk.place()
    client.force_login(User.objects.create_user("lan", is_staff=True))

    def row(**query: str) -> list[str]:
        answer = client.get("/markets/m/blotter/trades.csv", query)
        return b"".join(answer.streaming_content).decode().splitlines()[1].split(",")

    assert (row(who=desk.other.code)[1], row(who=desk.other.code)[4]) == (desk.other.code, "sell")
    assert (row(who=desk.own.code)[1], row(who=desk.own.code)[4]) == (desk.own.code, "buy")
    assert (row()[4], row(side="sell")[4], row(side="sell")[1]) == ("buy", "sell", desk.other.code)
    shown = client.get("/markets/m/blotter/", {"table": "trades", "who": desk.other.code}).context["rows"]
    assert [(each["who"], each["bought"], each["sold"]) for each in shown] == [(desk.other.name, False, True)]


def test_positions_of_one_s_own_are_told_to_the_page(desk) -> None:
    desk.take(New(desk.other.pk, "a", desk.contract.pk, SELL, 8_000, 1_650))
    desk.place()
    assert desk.client.get("/markets/m/mine.json").json() == {"positions": [[desk.contract.pk, 8_000, 0]]}


PAGES = ["ticket/", "bulk/", "blotter/", "blotter/orders.csv", "mine.json"]
CHANGES = ["orders/", "orders/cancel-all/", "orders/1/amend/", "orders/1/cancel/", "bulk/check/"]


@pytest.mark.parametrize("address", PAGES + CHANGES)
def test_strangers_are_sent_to_the_login(desk, client, address) -> None:
    client.logout()
    answer = client.get(f"/markets/m/{address}")
    assert (answer.status_code, answer.url) == (302, f"/login/?next=/markets/m/{address}")


@pytest.mark.parametrize("role", ["viewer", None, "auditor"])
def test_who_may_not_trade_looks_and_changes_nothing(desk, client, role) -> None:
    desk.place()
    (order,) = desk.orders()
    Membership.objects.all().delete()
    if role == "viewer":
        Membership.objects.create(user=desk.user, participant=desk.own, role="viewer")
    elif role == "auditor":
        User.objects.filter(pk=desk.user.pk).update(is_auditor=True)
    for address in PAGES:
        assert client.get(f"/markets/m/{address}").status_code == 200, address
    for address in CHANGES:
        form = desk.form(confirm="yes", lines="12:30;buy;1;1700", do="send")
        assert client.post(f"/markets/m/{address}", form).status_code == 403, address
        assert client.get(f"/markets/m/{address}", headers=JSON).status_code == 405, address
    assert client.post(f"/markets/m/orders/{order.seq}/cancel/").status_code == 403
    sees = b"12:30" in client.get("/markets/m/blotter/").content
    assert sees == (role is not None)
    assert desk.orders()[0].status == "open"


@pytest.mark.parametrize(("address", "page"), [
    ("bulk/check/", "bulk"), ("orders/", "ticket"), ("orders/1/amend/", "blotter"), ("orders/1/cancel/", "blotter"),
    ("orders/cancel-all/", "blotter"),
])  # fmt: skip
def test_who_comes_to_where_a_form_was_sent_is_led_to_the_form(desk, address, page) -> None:
    """As by changing the language of a page that answered a form, or by logging in again."""
    answer = desk.client.get(f"/markets/m/{address}")
    assert (answer.status_code, answer["Location"]) == (302, f"/markets/m/{page}/")


def test_orders_of_others_are_not_there(desk) -> None:
    desk.take(New(desk.other.pk, "theirs", desk.contract.pk, BUY, 1_000, 1_000))
    seq = market_by_code("m").last_seq
    for what in ("amend", "cancel"):
        assert desk.client.post(f"/markets/m/orders/{seq}/{what}/", {"price": "1500"}).status_code == 404
        assert desk.client.post(f"/markets/m/orders/{10**30}/{what}/").status_code == 404
    assert b"theirs" not in b"".join(desk.client.get("/markets/m/blotter/orders.csv").streaming_content)
    assert own_orders(desk.market.pk, [desk.other.pk]).orders[0].price == 1_000


def lines(desk, text, **more):
    form = {"lines": text, "on": "2026-06-01", "id": "0" * 32, **more}
    return desk.client.post("/markets/m/bulk/check/", form)


def test_every_pasted_line_is_looked_at_before_anything_is_sent(desk) -> None:
    desk.take(New(desk.other.pk, "a", desk.contract.pk, SELL, 3_000, 1_650))
    page = lines(
        desk, "interval\tside\tkWh\tprice\n12:30\tbuy\t5\t1700\n2026-06-01 13:00\tsell\t2\t1703\n09:00\tbuy\t1\t1"
    )
    told = page.content.decode()
    assert page.status_code == 200 and desk.orders() == []
    assert "3.0 kWh would trade at ₫1,650/kWh · 2.0 kWh would wait" in told
    assert "multiple of ₫5/kWh" in told and "There is no open interval at 09:00" in told
    assert "Place" not in told.split("<textarea")[1].split("</form>")[0]


def test_lines_are_counted_as_they_stand_in_the_box(desk) -> None:
    told = lines(desk, "interval;side;kWh;price\r\n12:30;buy;1;1700\r\n\r\n13:00;buy;1;1700").content.decode()
    assert re.findall(r'<tr><td class="num">(\d+)</td>', told) == ["2", "4"]


def test_lines_that_are_all_good_are_sent_once(desk) -> None:
    good = "12:30; mua; 1,5; 1.700\n13:00; mua; 2; 1.700"
    looked = lines(desk, good).content.decode()
    assert "Place 2 orders" in looked and "1.234,5" in looked
    for _ in range(2):
        done = desk.client.post("/markets/m/bulk/check/", {"lines": good, "do": "send", "id": "a" * 32}, follow=True)
        assert "2 orders taken." in done.content.decode()
    assert sorted((order.quantity_wh, order.price, order.client_order_id[-2:]) for order in desk.orders()) == [
        (1_500, 1_700, "-1"), (2_000, 1_700, "-2"),
    ]  # fmt: skip


def test_lines_without_kwh_are_left_out_of_what_is_sent(desk) -> None:
    text = "12:30\tbuy\t1.5\t1700\r\n13:00\tbuy\t\t\r\n13:30\tbuy\t0\t1700"
    looked = lines(desk, text).content.decode()
    assert "Place the order" in looked
    assert "Lines without kWh, left out: 2." in looked and looked.count("no kWh, so no order") == 2
    done = desk.client.post("/markets/m/bulk/check/", {"lines": text, "do": "send", "id": "d" * 32}, follow=True)
    assert "1 order taken." in done.content.decode()
    assert [order.quantity_wh for order in desk.orders()] == [1_500]
    assert "Place" not in lines(desk, "12:30;buy;0;1700").content.decode().split("<textarea")[1].split("</form>")[0]


def test_one_refused_line_leaves_the_others_or_undoes_them(desk) -> None:
    text = "12:30;buy;1;1700\n13:00;sell;50;1700\n13:30;buy;1;1700"
    none = lines(desk, text, do="send", all_or_none="yes", id="b" * 32)
    assert none.status_code == 422 and desk.orders() == []
    assert "0 of 3 orders taken" in none.content.decode()
    some = lines(desk, text, do="send", id="c" * 32)
    told = some.content.decode()
    assert some.status_code == 422 and "2 of 3 orders taken" in told
    assert told.split("<textarea")[1].split("</textarea>")[0].endswith("13:00;sell;50;1700")
    assert len(desk.orders()) == 2


@pytest.mark.parametrize("text", ["", "\n\n", "x" * 100_001, "12:30;buy;1;1700\n" * 1_001])
def test_a_paste_that_is_none_is_refused_with_a_sentence(desk, text) -> None:
    page = lines(desk, text)
    assert page.status_code == 422 and 'role="alert"' in page.content.decode()


def test_a_shape_fills_the_box(desk) -> None:
    asked = {"on": "2026-06-01", "shape": "flat", "side": "buy", "total": "8", "price": "1500"}

    def read(**more):
        return desk.client.get("/markets/m/bulk/", asked | more)

    def box(page) -> str:
        return page.content.decode().split("<textarea")[1].split(">", 1)[1].split("</textarea>")[0]

    flat = box(read()).strip().splitlines()
    assert flat[0] == "2026-06-01 12:30; buy; 1; 1500" and len(flat) == len(open_contracts(desk.market))
    assert sum(float(line.split(";")[2]) for line in flat) == pytest.approx(8)
    solar = [float(line.split(";")[2]) for line in box(read(shape="solar")).strip().splitlines()]
    assert solar == sorted(solar, reverse=True) and sum(solar) == pytest.approx(8)
    assert read(shape="morning").status_code == 422, "the morning is over"
    assert read(total="").status_code == 422
    assert read(shape="yesterday", total="").status_code == 422, "nothing was measured"


def test_a_shape_follows_one_s_own_meters_of_the_day_before(desk) -> None:
    from meters.models import MeteringPoint, Reading

    point = MeteringPoint.objects.create(site=desk.market.site, participant=desk.own, code="MP", role="boundary")
    for contract, wh in zip(open_contracts(desk.market)[:2], (1_200, 3_456), strict=True):
        start = contract.delivery_start - timedelta(days=1)
        Reading.objects.create(site=desk.market.site, metering_point=point, start=start, minutes=30, import_wh=wh,
                               export_wh=0, version=1, received_at=NOON)  # fmt: skip
    page = desk.client.get("/markets/m/bulk/", {"shape": "yesterday", "side": "buy", "price": "1500"}).content.decode()
    assert "2026-06-01 12:30; buy; 1.2; 1500\n2026-06-01 13:00; buy; 3.4; 1500" in page
