"""The database path is the core: the same messages, in any batches, give the same answers, trades and book."""

import random

import pytest

from tests.factories import NOON, make_market, make_participants, minutes, open_contracts, random_messages
from trading.domain.engine import Done, Duplicate, Engine, Rejected, Rules
from trading.domain.messages import Time
from trading.domain.orders import STATUS_NAMES, Order
from trading.models import Command, Market, Position, Trade
from trading.models import Order as OrderRow
from trading.operations import borrow, submit
from units.interval import to_ms

pytestmark = pytest.mark.django_db(transaction=True)


def core_of(market: Market, contracts: list) -> Engine:
    """A bare engine over the same contracts, with the owners as the database knows them."""
    held = borrow.Borrowed(None, 0)  # type: ignore[arg-type]
    held.contracts = {
        c.pk: borrow.ContractRow(
            c.pk,
            to_ms(c.gate_opens_at),
            to_ms(c.gate_closes_at),
            to_ms(c.call_until) if c.call_until else 0,
            c.min_price,
            c.max_price,
            c.state,
            c.delivery_start,
        )
        for c in contracts
    }
    rules = Rules(market.tick, market.lot_wh, market.min_wh, market.max_wh)
    engine = Engine(rules, [row.book() for row in held.contracts.values()])
    engine.seq = market.last_seq
    return engine


def told(answer) -> tuple:
    """An answer of the core, as a reply of the database path would tell it."""
    if isinstance(answer, Rejected):
        return ("rejected", answer.code, answer.bound)
    if isinstance(answer, Duplicate):
        return ("duplicate", *state(answer.order))
    if isinstance(answer, Done):
        return ("ok", answer.price)
    return ("order", *state(answer))


def state(order: Order) -> tuple:
    return order.key[1], STATUS_NAMES[order.status], order.quantity, order.filled, order.remaining, order.action


def replied(reply) -> tuple:
    if reply.rejected:
        return ("rejected", reply.reason, reply.bound)
    if reply.order is None:
        return ("ok", reply.price)
    o = reply.order
    kind = "duplicate" if reply.result == "duplicate" else "order"
    return kind, o.client_order_id, o.status, o.quantity_wh, o.filled_wh, o.remaining_wh, o.action


@pytest.mark.parametrize("call", [False, True], ids=["continuous", "opening-auction"])
@pytest.mark.parametrize("depth", [2, 256])
@pytest.mark.parametrize("seed", range(4))
def test_random_batches_equal_the_core(seed: int, depth: int, call: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trading.operations.borrow.INITIAL_DEPTH", depth)
    monkeypatch.setattr("trading.operations.borrow.FOR_EACH_TAKER", 0)
    rng = random.Random(f"{seed}{depth}{call}")
    market = make_market(call_ends_minutes=10 if call else None)
    parties = make_participants(6)
    parties[5].beneficial_owner = parties[4]
    parties[5].save()
    contracts = open_contracts(market)[:2]
    core = core_of(market, contracts)
    core.owners = {parties[5].pk: parties[4].pk}
    messages = random_messages(
        rng, 500, [p.pk for p in parties], [c.pk for c in contracts], at_ms=to_ms(NOON), call=call
    )
    at = NOON
    while messages:
        size = rng.choice([1, 2, 5, 40, 120])
        batch, messages = messages[:size], messages[size:]
        if any(o.remaining and 0 < o.request.expires_at <= to_ms(at) for o in core.orders.values()):
            core.apply(Time(), to_ms(at))  # the database path writes down what expired before it goes on
        expected = [told(core.apply(message, to_ms(at))) for message in batch]
        assert [replied(reply) for reply in submit(market.pk, batch, by=None, at=at)] == expected
        at += minutes(rng.choice([0, 0, 0, 1]))
    same_book(core)
    same_log(market, core)


def same_book(core: Engine) -> None:
    """Every order of the core stands in the database exactly so, and no other."""
    rows = {(o.participant_id, o.client_order_id): o for o in OrderRow.objects.all()}
    assert rows.keys() == core.orders.keys()
    for key, order in core.orders.items():
        row = rows[key]
        assert (row.seq, row.price, row.quantity_wh, row.filled_wh, row.remaining_wh, row.status, row.priority) == (
            order.seq, order.price, order.quantity, order.filled, order.remaining, order.status, order.priority,
        ), key  # fmt: skip
        assert (row.action, row.reason, row.value_millidong) == (order.action, order.reason, order.value)
        if order.remaining and order.display:
            assert row.shown_wh == order.shown


def same_log(market: Market, core: Engine) -> None:
    """The log is gapless, ends where the core ends, and positions add up to the trades and the open orders."""
    market.refresh_from_db()
    assert list(Command.objects.filter(market=market).order_by("seq").values_list("seq", flat=True)) == list(
        range(1, core.seq + 1)
    )
    for position in Position.objects.all():
        key = {"contract": position.contract_id}
        bought = sum(Trade.objects.filter(**key, buyer=position.participant_id).values_list("quantity_wh", flat=True))
        sold = sum(Trade.objects.filter(**key, seller=position.participant_id).values_list("quantity_wh", flat=True))
        mine = OrderRow.objects.filter(**key, participant=position.participant_id)
        assert (position.bought_wh, position.sold_wh) == (bought, sold)
        assert position.open_buy_wh == sum(mine.filter(side=1).values_list("remaining_wh", flat=True))
        assert position.open_sell_wh == sum(mine.filter(side=-1).values_list("remaining_wh", flat=True))
