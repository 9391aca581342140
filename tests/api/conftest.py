"""A market at noon with three parties and their logins, and clients that speak to the API."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from accounts.models import Participant, User
from accounts.operations import add_membership, create_token, create_user
from tests.doors import doors_of_its_own
from tests.factories import NOON, make_market, make_participants, open_contracts
from trading.models import Contract, Market
from trading.operations import set_clock

__all__ = ["BASE", "PASSWORD", "Api", "World", "doors_of_its_own", "fresh_name", "world"]

PASSWORD = "correct horse battery"
BASE = "/api/v1/"


class Api:
    """JSON calls as one user."""

    def __init__(self, user: User | None) -> None:
        self.user = user
        self.client = Client(raise_request_exception=False)
        self.headers: dict[str, str] = {}
        if user is not None:
            _, secret = create_token(by=user, expires_in=timedelta(days=1), at=datetime.now(UTC))
            self.headers = {"Authorization": f"Token {secret}"}

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(BASE + path, query, headers=self.headers)

    def post(self, path: str, body: Any = None, **extra: Any) -> Any:
        return self.client.post(BASE + path, body, content_type="application/json", headers=self.headers, **extra)

    def raw(self, path: str, data: bytes, kind: str = "application/json", method: str = "POST") -> Any:
        return self.client.generic(method, BASE + path, data, kind, headers=self.headers)

    def patch(self, path: str, body: Any) -> Any:
        return self.client.patch(BASE + path, body, content_type="application/json", headers=self.headers)

    def delete(self, path: str) -> Any:
        return self.client.delete(BASE + path, headers=self.headers)


@dataclass
class World:
    market: Market
    contracts: list[Contract]
    p0: Participant
    p1: Participant
    p2: Participant
    anna: Api  # owner of p0
    binh: Api  # trader of p1
    chi: Api  # viewer of p0
    dung: Api  # nobody
    admin: Api
    anonymous: Api

    def order(self, **changes: Any) -> dict[str, Any]:
        """A valid order to sell 1 kWh at 1,500 in the nearest open contract, with some fields changed."""
        plain = {"contract_id": self.contracts[0].pk, "side": "sell", "quantity_wh": 1_000, "price": 1_500}
        return {key: value for key, value in (plain | changes).items() if value is not ...}


def make_user(name: str, *seats: tuple[Participant, str], is_staff: bool = False) -> User:
    user = create_user(by=None, username=name, password=None, is_staff=is_staff, at=NOON)
    for participant, role in seats:
        add_membership(by=None, user=user, participant=participant, role=role, at=NOON)
    return user


@pytest.fixture
def world(db: None) -> World:
    market = make_market(max_price=3_000, min_price=-100, tick=5, max_wh=1_000_000)
    set_clock(market, rate=1, clock_at=NOON, started_at=datetime.now(UTC))
    p0, p1, p2 = make_participants(3, market=market)
    users = (
        make_user("anna", (p0, "owner")),
        make_user("binh", (p1, "trader")),
        make_user("chi", (p0, "viewer")),
        make_user("dung"),
        make_user("admin", is_staff=True),
    )
    return World(market, open_contracts(market), p0, p1, p2, *map(Api, users), Api(None))


@pytest.fixture
def fresh_name() -> str:
    """A user name that no earlier run has used up its attempts with."""
    return f"user-{uuid4()}"
