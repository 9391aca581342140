"""The month-sized world of the benchmarks, in small: what it is made of would pass every audit, and it is kept."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import psycopg
import pytest
from psycopg import sql

from config.bench import _month_world
from config.bench._month_build import build_here
from config.bench._month_days import readings
from config.bench._month_people import CODE, people_of
from meters.models import Reading
from settlement.models import LedgerEntry, ParticipantResult, SettlementRun
from settlement.operations import recompute
from trading.models import Contract, Market, Order
from trading.operations import audit

REPOSITORY = Path(__file__).resolve().parents[2]
PARTICIPANTS = 200
SLOTS = 48


@pytest.mark.django_db(transaction=True)
def test_a_day_of_it_is_traded_read_settled_and_posted_so_that_it_comes_out_again():
    build_here(PARTICIPANTS, 1)

    market = Market.objects.get(code=CODE)
    assert Contract.objects.filter(market=market, state="CLEARED").count() == SLOTS
    assert not Order.objects.filter(market=market, status__lte=1, contract__state="CLEARED").exists()
    replayed = audit(market.pk)
    assert (replayed.differences, replayed.trades > SLOTS) == ((), True)

    people = people_of(market)
    _, _, made = readings(people, 0)
    assert Reading.objects.count() == SLOTS * (PARTICIPANTS + made.shape[1] + 1)
    assert Reading.objects.filter(metering_point__in=people.sub_points.tolist(), export_wh__gt=0).count() == (
        np.count_nonzero(made)
    )

    runs = list(SettlementRun.objects.all())
    assert [(run.kind, run.number, run.estimated_count, run.alarms) for run in runs] == [("R2", 1, 0, [])] * SLOTS
    assert ParticipantResult.objects.count() == SLOTS * PARTICIPANTS
    again = [recompute(run.pk) for run in runs]
    assert all(found.same_inputs and found.same_results for found in again)
    posted = set(LedgerEntry.objects.values_list("transaction__category", flat=True))
    assert posted >= {"local", "pool", "grid_import", "grid_export", "network_fee"}


_OPEN = """
import sys
from config.bench._month_world import month_world
with month_world(20, 1, copy=True) as world:
    from settlement.models import SettlementRun
    from django.db import connection
    print(world.database, SettlementRun.objects.count())
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE settlement_settlementrun CASCADE")
"""


@pytest.fixture
def server():
    """The server, without worlds of the size that the test makes before and after it."""
    with psycopg.connect(_month_world._at(os.environ["DATABASE_URL"], "postgres"), autocommit=True) as administration:
        _drop_worlds(administration)
        yield administration
        _drop_worlds(administration)


def _worlds(administration):
    rows = administration.execute("SELECT datname FROM pg_database WHERE starts_with(datname, 'wb_month_20_1_')")
    return [name for (name,) in rows.fetchall()]


def _drop_worlds(administration):
    for name in _worlds(administration):
        administration.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def open_a_copy():
    """What it printed on either stream."""
    done = subprocess.run(
        [sys.executable, "-c", _OPEN], cwd=REPOSITORY, capture_output=True, text=True, timeout=180, check=True
    )
    return done.stdout.split(), done.stderr


def test_it_is_built_once_and_kept_while_a_copy_takes_the_work(server):
    (copy, runs), told = open_a_copy()
    assert (runs, "Building" in told) == (str(SLOTS), True)
    assert _worlds(server) == [copy.rsplit("_copy_", 1)[0]]

    (_, runs), told = open_a_copy()
    assert (runs, "Building" in told) == (str(SLOTS), False)


def test_a_world_that_another_builder_made_goes_and_so_does_what_was_left_half_built(server):
    for name in ("wb_month_20_1_0ld", "wb_month_20_1_new", "wb_month_20_1_new_building"):
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    _month_world._drop_old(server, "wb_month_20_1_", "wb_month_20_1_new")
    assert _worlds(server) == ["wb_month_20_1_new"]
