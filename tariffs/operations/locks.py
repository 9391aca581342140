"""Which days of a site are settled, and holding them still while a rule changes.

Settlement calls `lock_rules` before it reads the rules of an interval. A change of rules holds the locks of the sites
that it touches first, so that the two never pass each other: either the change is there when settlement reads, or the
change finds the day settled and is refused.

A scratch market of a backtest (site `bt-20261031-093000-12345`) plays days with copies of everything: it has tariffs of
its own, it is forgotten whole, and its dates must not lock what holds in a whole country. Its days are not noted.
"""

from collections.abc import Iterable
from datetime import date

from django.db import connection

from meters.models import Site
from tariffs.models import RulesLock, TariffAssignment

SCRATCH = "^bt-[0-9]{8}-[0-9]{6}-"  # the code of a backtest's site: the moment at which it was made
_LOCK = """
    INSERT INTO tariffs_ruleslock (site_id, settled_until)
    SELECT %(site)s, %(on)s::date
    WHERE NOT EXISTS (SELECT FROM tariffs_ruleslock WHERE site_id = %(site)s AND settled_until >= %(on)s::date)
    AND NOT EXISTS (SELECT FROM meters_site WHERE id = %(site)s AND code ~ %(scratch)s)
    ON CONFLICT (site_id) DO UPDATE SET settled_until = excluded.settled_until
    WHERE tariffs_ruleslock.settled_until < excluded.settled_until
"""
_HOLD = """
    INSERT INTO tariffs_ruleslock (site_id, settled_until) SELECT unnest(%s::bigint[]), %s ON CONFLICT DO NOTHING
"""


def lock_rules(site_id: int, on: date) -> None:
    """Take note that an interval of this local day is about to be settled. One statement; nothing to write or to wait
    for where the day is noted already, or the site is a backtest's."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, {"site": site_id, "on": on, "scratch": SCRATCH})


def hold(site_ids: Iterable[int]) -> date | None:
    """Keep these sites from settling another day until the transaction ends; the last day that is settled at any."""
    ids = sorted(set(site_ids))
    with connection.cursor() as cursor:
        cursor.execute(_HOLD, (ids, date.min))
    rows = RulesLock.objects.select_for_update().filter(site_id__in=ids).order_by("site_id")
    last = max((row.settled_until for row in rows), default=date.min)
    return None if last == date.min else last


def hold_everywhere() -> date | None:
    """`hold` for all sites: for what holds in a whole country."""
    return hold(Site.objects.values_list("pk", flat=True))


def hold_for_tariff(tariff_id: int) -> date | None:
    """`hold` for the sites at which somebody was on the tariff by their last settled day; that day, None for none."""
    sites = TariffAssignment.objects.filter(tariff_id=tariff_id).order_by().values_list("site_id", flat=True)
    hold(sites.distinct())
    return settled_for_tariff(tariff_id)


def settled_for_tariff(tariff_id: int) -> date | None:
    """The last settled day of any site at which somebody was on the tariff by then."""
    with connection.cursor() as cursor:
        cursor.execute(_SETTLED, (tariff_id,))
        (found,) = cursor.fetchone()
    return None if found is None or found == date.min else found


_SETTLED = """
    SELECT max(l.settled_until) FROM tariffs_ruleslock l JOIN tariffs_tariffassignment a
    ON a.site_id = l.site_id AND a.valid_from <= l.settled_until WHERE a.tariff_id = %s
"""
