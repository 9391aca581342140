"""Every read of certificates: what somebody holds, where each Wh came from, what is owed, and whether the laws hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from settlement.models import CertificateEvent


@dataclass(frozen=True, slots=True)
class CertificateRow:
    """A certificate as pages and packs show it. Numbers are the producer's green Wh, the last one exclusive.

    `lineage` says for stored energy where the interval's discharge had been charged.
    """

    id: int
    producer_id: int
    producer: str
    holder: str
    contract_id: int
    start: datetime
    hour_start: datetime
    origin: str
    first_wh: int
    last_wh: int
    quantity_wh: int
    state: str
    run_id: int
    reading_version: int
    purpose: str
    period_start: datetime | None
    period_end: datetime | None
    registry: str
    reference: str
    lineage: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Holding:
    """How much a participant has in one state from one origin, Wh."""

    state: str
    origin: str
    wh: int


@dataclass(frozen=True, slots=True)
class Debt:
    """Certificates that were used and then lost their green energy: an alarm until `outstanding_wh` is made up."""

    contract_id: int
    hour_start: datetime
    producer_id: int
    producer: str
    origin: str
    owed_wh: int
    outstanding_wh: int


@dataclass(frozen=True, slots=True)
class CertificateChecks:
    """What `certificate_invariants` found: sums in Wh over [start, end), and a sentence for each law that is broken.

    Always `certified ≤ green − withheld + owed`; over a producer's whole time, what is repaid is what was withheld.
    """

    contracts: int
    due_contracts: int
    green_wh: int
    certified_wh: int
    withheld_wh: int
    owed_wh: int
    outstanding_wh: int
    violations: tuple[str, ...]


_CERTIFICATES = """
    SELECT t.id, t.producer_id, p.code, h.code, t.contract_id, c.delivery_start, t.hour_start, t.origin, t.first_wh,
           t.last_wh, t.quantity_wh, t.state, t.run_id, t.reading_version, t.purpose, t.period_start, t.period_end,
           t.registry, t.reference, s.lineage::json
    FROM settlement_certificate t JOIN trading_contract c ON c.id = t.contract_id
    JOIN accounts_participant p ON p.id = t.producer_id JOIN accounts_participant h ON h.id = t.holder_id
    JOIN settlement_greensurplus s ON s.contract_id = t.contract_id AND s.producer_id = t.producer_id
        AND s.origin = t.origin
    WHERE t.market_id = %(market)s AND t.hour_start >= %(start)s AND t.hour_start < %(end)s
    AND (t.holder_id = %(participant)s OR (%(made)s AND t.producer_id = %(participant)s))
    ORDER BY t.hour_start, c.delivery_start, p.code, t.first_wh
"""


def certificates_of(
    market_id: int, participant_id: int, start: datetime, end: datetime, *, made_too: bool = False
) -> list[CertificateRow]:
    """The certificates a participant holds for the hours in [start, end), void ones included; `made_too` adds those it
    produced and others hold."""
    values = {"market": market_id, "participant": participant_id, "start": start, "end": end, "made": made_too}
    return [CertificateRow(*row) for row in _fetch(_CERTIFICATES, values)]


def holdings(market_id: int, participant_id: int, start: datetime, end: datetime) -> list[Holding]:
    """What a participant holds for the hours in [start, end), added up by state and origin."""
    query = (
        "SELECT state, origin, sum(quantity_wh)::bigint FROM settlement_certificate"
        " WHERE market_id = %s AND holder_id = %s AND hour_start >= %s AND hour_start < %s GROUP BY 1, 2 ORDER BY 1, 2"
    )
    return [Holding(*row) for row in _fetch(query, (market_id, participant_id, start, end))]


def trail(market_id: int, producer_id: int, first_wh: int, last_wh: int) -> list[CertificateEvent]:
    """Everything that happened to any of these Wh of a producer, in order."""
    events = CertificateEvent.objects.filter(
        market_id=market_id, producer_id=producer_id, first_wh__lt=last_wh, last_wh__gt=first_wh
    )
    return list(events.select_related("giver", "taker", "by", "contract").order_by("pk"))


def open_debts(market_id: int) -> list[Debt]:
    """What producers still owe, oldest first: each is an alarm for the administrator."""
    query = (
        "SELECT s.contract_id, s.hour_start, s.producer_id, p.code, s.origin, s.owed_wh, s.owed_wh - s.repaid_wh"
        " FROM settlement_greensurplus s JOIN accounts_participant p ON p.id = s.producer_id"
        " WHERE s.market_id = %s AND s.owed_wh > s.repaid_wh ORDER BY s.hour_start, p.code, s.origin"
    )
    return [Debt(*row) for row in _fetch(query, (market_id,))]


_ROOM = """
    SELECT hour, sum(wh)::bigint FROM (
        SELECT date_trunc('hour', c.delivery_start, s.timezone) AS hour, r.import_wh AS wh
        FROM trading_contract c JOIN trading_market m ON m.id = c.market_id JOIN meters_site s ON s.id = m.site_id
        CROSS JOIN LATERAL (
            SELECT coalesce(results_of_id, id) AS results FROM settlement_settlementrun
            WHERE contract_id = c.id ORDER BY number DESC LIMIT 1
        ) run JOIN settlement_participantresult r ON r.run_id = run.results AND r.participant_id = %(participant)s
        WHERE c.market_id = %(market)s AND c.delivery_start >= %(start)s AND c.delivery_start < %(end)s
        UNION ALL
        SELECT hour_start, -quantity_wh FROM settlement_certificate
        WHERE market_id = %(market)s AND holder_id = %(participant)s AND state = 'retired'
        AND hour_start >= %(start)s AND hour_start < %(end)s
    ) parts GROUP BY hour
"""


def hourly_room(market_id: int, participant_id: int, start: datetime, end: datetime) -> dict[datetime, int]:
    """What a participant imported in each hour, less what it has retired for that hour already, Wh, at least 0."""
    values = {"market": market_id, "participant": participant_id, "start": start, "end": end}
    return {hour: max(0, wh) for hour, wh in _fetch(_ROOM, values)}


_SUMS = """
    SELECT count(DISTINCT contract_id), coalesce(sum(green_wh), 0)::bigint, coalesce(sum(certified_wh), 0)::bigint,
           coalesce(sum(withheld_wh), 0)::bigint, coalesce(sum(owed_wh), 0)::bigint,
           coalesce(sum(owed_wh - repaid_wh), 0)::bigint
    FROM settlement_greensurplus WHERE market_id = %(market)s AND hour_start >= %(start)s AND hour_start < %(end)s
"""

_DUE = """
    SELECT count(*) FROM trading_contract c CROSS JOIN LATERAL (
        SELECT id FROM settlement_settlementrun WHERE contract_id = c.id ORDER BY number DESC LIMIT 1
    ) run LEFT JOIN settlement_certifiedcontract d ON d.contract_id = c.id
    WHERE c.market_id = %(market)s AND c.delivery_start >= %(start)s AND c.delivery_start < %(end)s
    AND (d.contract_id IS NULL OR d.stale OR d.run_id <> run.id)
"""

# Each law: what it says, and the rows (producer, contract, Wh off) that break it.
_LAWS = (
    (
        "Producer {0} has {2} Wh more certificates in contract {1} than was metered, withheld and owed.",
        """
        SELECT p.code, s.contract_id, s.certified_wh + s.withheld_wh - s.green_wh - s.owed_wh
        FROM settlement_greensurplus s JOIN accounts_participant p ON p.id = s.producer_id
        WHERE s.market_id = %(market)s AND s.hour_start >= %(start)s AND s.hour_start < %(end)s
        AND s.certified_wh + s.withheld_wh > s.green_wh + s.owed_wh
        """,
    ),
    (
        "Producer {0} was found to export {2} Wh more green energy in contract {1} than its meter and the run say.",
        """
        SELECT p.code, s.contract_id, sum(s.green_wh)::bigint - r.export_wh FROM settlement_greensurplus s
        JOIN accounts_participant p ON p.id = s.producer_id JOIN settlement_settlementrun n ON n.id = s.run_id
        JOIN settlement_participantresult r ON r.run_id = coalesce(n.results_of_id, n.id)
            AND r.participant_id = s.producer_id
        WHERE s.market_id = %(market)s AND s.hour_start >= %(start)s AND s.hour_start < %(end)s
        GROUP BY p.code, s.contract_id, s.run_id, r.export_wh HAVING sum(s.green_wh) > r.export_wh
        """,
    ),
    (
        "The certificates of producer {0} in contract {1} are {2} Wh off what its account says.",
        """
        SELECT p.code, s.contract_id, coalesce(t.wh, 0) - s.certified_wh FROM settlement_greensurplus s
        JOIN accounts_participant p ON p.id = s.producer_id LEFT JOIN (
            SELECT contract_id, producer_id, origin, sum(quantity_wh)::bigint AS wh FROM settlement_certificate
            WHERE market_id = %(market)s AND hour_start >= %(start)s AND hour_start < %(end)s AND state <> 'void'
            GROUP BY 1, 2, 3
        ) t ON t.contract_id = s.contract_id AND t.producer_id = s.producer_id AND t.origin = s.origin
        WHERE s.market_id = %(market)s AND s.hour_start >= %(start)s AND s.hour_start < %(end)s
        AND coalesce(t.wh, 0) <> s.certified_wh
        """,
    ),
    (
        "Holder {0} has {2} Wh in contract {1} that the trail of events does not explain.",
        """
        SELECT p.code, x.contract_id, sum(x.wh)::bigint FROM (
            SELECT contract_id, holder_id AS who, state IN ('retired', 'locked') AS used, quantity_wh AS wh
            FROM settlement_certificate WHERE market_id = %(market)s AND hour_start >= %(start)s
            AND hour_start < %(end)s AND state <> 'void'
            UNION ALL
            SELECT e.contract_id, side.who, side.used, side.wh FROM settlement_certificateevent e
            JOIN trading_contract c ON c.id = e.contract_id CROSS JOIN LATERAL (VALUES
                (e.taker_id, e.kind IN ('retired', 'locked'), -e.quantity_wh), (e.giver_id, false, e.quantity_wh)
            ) AS side(who, used, wh)
            WHERE e.market_id = %(market)s AND e.first_wh IS NOT NULL AND side.who IS NOT NULL
            AND c.delivery_start >= %(start)s AND c.delivery_start < %(end)s
        ) x JOIN accounts_participant p ON p.id = x.who
        GROUP BY p.code, x.contract_id, x.used HAVING sum(x.wh) <> 0
        """,
    ),
    (
        "Holder {0} could still use {2} Wh more certificates of contract {1} than energy was delivered to it.",
        """
        SELECT p.code, t.contract_id, t.wh - r.bought_wh FROM (
            SELECT contract_id, holder_id, sum(quantity_wh)::bigint AS wh FROM settlement_certificate
            WHERE market_id = %(market)s AND hour_start >= %(start)s AND hour_start < %(end)s
            AND state = 'transferred' GROUP BY 1, 2
        ) t JOIN accounts_participant p ON p.id = t.holder_id JOIN settlement_certifiedcontract d
            ON d.contract_id = t.contract_id JOIN settlement_settlementrun n ON n.id = d.run_id
        LEFT JOIN settlement_participantresult r ON r.run_id = coalesce(n.results_of_id, n.id)
            AND r.participant_id = t.holder_id
        WHERE t.wh > coalesce(r.bought_wh, 0)
        """,
    ),
    (
        "Producer {0} had {2} Wh withheld more than was repaid for it (contract {1} is the last).",
        """
        SELECT p.code, max(s.contract_id), (sum(s.withheld_wh) - sum(s.repaid_wh))::bigint
        FROM settlement_greensurplus s JOIN accounts_participant p ON p.id = s.producer_id
        WHERE s.market_id = %(market)s GROUP BY p.code HAVING sum(s.withheld_wh) <> sum(s.repaid_wh)
        """,
    ),
)


def certificate_invariants(market_id: int, start: datetime, end: datetime) -> CertificateChecks:
    """Check every law of certificates over the hours in [start, end). `violations` is empty where all hold."""
    values = {"market": market_id, "start": start, "end": end}
    contracts, green, certified, withheld, owed, outstanding = _fetch(_SUMS, values)[0]
    violations = [sentence.format(*row) for sentence, query in _LAWS for row in _fetch(query, values)]
    due = _fetch(_DUE, values)[0][0]
    return CertificateChecks(contracts, due, green, certified, withheld, owed, outstanding, tuple(violations))


def _fetch(query: str, parameters: dict[str, Any] | Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return list(cursor.fetchall())
