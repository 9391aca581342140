"""The order of the tests: those with a browser come last.

The browser's driver keeps an event loop running in the main thread until the session ends, and no other test could then
start one of its own.
"""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: "browser" in item.nodeid.split("/")[1:2])
