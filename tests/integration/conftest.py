"""An office for the tests of a file: made once, and as new for each of them.

It stands in a transaction around the whole file; each test runs in a savepoint of its own, which is taken back.
A file whose tests commit (`django_db(transaction=True)`) makes its own with `make_office`.
"""

import copy
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.db import connection, transaction
from django.utils import translation
from pytest_django import DjangoDbBlocker

from tests.doors import doors_of_its_own
from tests.office_world import Office, make_office
from trading.models import Market

__all__ = ["doors_of_its_own", "no_language_stays", "office", "office_of_the_file"]


@pytest.fixture(scope="module")
def office_of_the_file(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Office]:
    with django_db_blocker.unblock(), transaction.atomic():
        made = make_office()
        connection.check_constraints()  # what is checked late is checked here, not again for each test
        yield made
        transaction.set_rollback(True)


@pytest.fixture
def office(office_of_the_file: Office, db: None) -> Office:
    """The office of the file at its moment, its objects a test's own."""
    made = copy.deepcopy(office_of_the_file)
    started = datetime.now(UTC)
    Market.objects.filter(pk=made.world.market.pk).update(clock_started_at=started)
    made.world.market.clock_started_at = started
    return made


@pytest.fixture(autouse=True)
def no_language_stays() -> Iterator[None]:
    """What a page was asked for in Vietnamese does not speak in the tests after it."""
    yield
    translation.deactivate()
