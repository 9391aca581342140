"""Limits of the door that begin full for each test: else the logins of a hundred tests, all from one address, or those
of the run a minute before, would be told to wait."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from accounts.signin import limits


@pytest.fixture(autouse=True)
def doors_of_its_own(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    plain, test = limits._key, uuid4().hex
    monkeypatch.setattr(limits, "_key", lambda kind, text: plain(kind, f"{test} {text}"))
    yield
