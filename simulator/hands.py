"""Impatient members who trade by hand beside the standing instructions, so that a book moves every second or two.

Small orders around the middle of one of the next books: most of them immediate-or-cancel, some resting for a while.
Each stays within what its owner saves against the grid. Which member does what follows from a fixed seed and the
market's time alone.
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from accounts.models import Participant
from planning.prices import price_book
from trading.domain.messages import BUY, GTD, IOC, SELL, New
from trading.models import Contract, Market
from trading.operations import Reply, submit
from trading.queries import contracts_by_id
from trading.queries.contracts import ContractView
from units.interval import to_ms

BUYERS = ("tenant", "faculty", "dorm")
SELLERS = ("faculty", "household", "tenant")
MOST_LOTS = 12
NEXT_CONTRACTS = 10
PATIENCE_MINUTES = (10, 45)


@dataclass(frozen=True, slots=True)
class Move:
    """One hand-placed order and what became of it."""

    order: New
    reply: Reply


class Hands:
    """The hand-traders of one market."""

    def __init__(self, market: Market, seed: int) -> None:
        self.market = market
        self.seed = seed
        self.book = price_book(market.site_id, ZoneInfo(market.site.timezone))
        members = Participant.objects.filter(admissions__market=market, admissions__active=True).order_by("pk")
        self.buyers = [member.pk for member in members if member.kind in BUYERS]
        self.sellers = [member.pk for member in members if member.kind in SELLERS]

    def move(self, at: datetime) -> Move | None:
        """Places one order at the market time `at`; None where nobody would."""
        chance = random.Random(f"{self.seed} {to_ms(at)}")
        contract = self._some_contract(at, chance)
        if contract is None:
            return None
        order = self._order(contract, at, chance)
        if order is None:
            return None
        return Move(order, submit(self.market.pk, [order], by=None, at=at, notes=["placed by hand"])[0])

    def _some_contract(self, at: datetime, chance: random.Random) -> ContractView | None:
        trading = Contract.objects.filter(market=self.market, state=Contract.State.CONTINUOUS, gate_closes_at__gt=at)
        ids = list(trading.order_by("delivery_start").values_list("pk", flat=True)[:NEXT_CONTRACTS])
        found = contracts_by_id(self.market.pk, [chance.choice(ids)]) if ids else []
        return found[0] if found else None

    def _order(self, contract: ContractView, at: datetime, chance: random.Random) -> New | None:
        side = chance.choice((BUY, SELL))
        member = chance.choice(self.buyers if side == BUY else self.sellers)
        price = self._price(contract, side, member, chance)
        if price is None:
            return None
        resting = chance.random() < 0.4
        expires = at + timedelta(minutes=chance.randint(*PATIENCE_MINUTES))
        expires_at = to_ms(min(expires, contract.gate_closes_at - timedelta(seconds=1))) if resting else 0
        if resting and expires_at <= to_ms(at):
            return None
        wh = chance.randint(1, MOST_LOTS) * self.market.lot_wh
        name = f"hand-{contract.contract_id}-{to_ms(at) % 10**12}"
        return New(member, name, contract.contract_id, side, wh, price, GTD if resting else IOC, expires_at)

    def _price(self, contract: ContractView, side: int, member: int, chance: random.Random) -> int | None:
        """A little around the middle of the book, within what makes sense for this member."""
        terms = self.book.terms(contract.delivery_start)
        retail = self.book.retail(member, contract.delivery_start)
        if terms is None or retail is None:
            return None
        lowest, highest = terms[0], retail - terms[1]
        middle = _middle(contract, lowest, highest)
        price = middle + chance.randint(-60, 60) + side * 20
        if side == BUY and price > highest:
            return None
        tick = self.market.tick
        return max(lowest, contract.min_price, min(price, contract.max_price)) // tick * tick


def _middle(contract: ContractView, lowest: int, highest: int) -> int:
    bid, ask = contract.best_bid, contract.best_ask
    if bid is not None and ask is not None:
        return (bid + ask) // 2
    known = contract.last_price or bid or ask
    return known if known is not None else (lowest + highest) // 2
