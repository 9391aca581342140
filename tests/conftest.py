"""The order of the tests, and which stay together when several processes share them.

Those with a browser come last: the browser's driver keeps an event loop running in the main thread until the session
ends, and no other test could then start one of its own. The tests of a file stay in one process, since they share what
is slow to make, unless they say otherwise with `xdist_group`.

Passwords are hashed as cheaply as Argon2 allows: at the cost that protects people, tests that make users spent more
time on hashing than on anything else. A server started by a test still hashes at that cost, and reads the cheap ones,
which name their own parameters.
"""

from collections.abc import Iterator

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: "browser" in item.nodeid.split("/")[1:2])
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.nodeid.split("::")[0]))


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, least in (("time_cost", 1), ("memory_cost", 8), ("parallelism", 1)):
            patch.setattr(Argon2PasswordHasher, name, least)
        yield
