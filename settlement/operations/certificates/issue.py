"""Issuing the certificates of a contract, again after each run: what is there is compared with what should be.

All of a contract goes in one transaction under the market's book. Issued again, nothing changes. After a correction the
difference is issued or voided; what could not be voided is owed, and made up from what the producer is issued next.
Where a correction changes what a storage held, the next contract is marked, and so on until it makes no difference.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import F

from settlement.domain.certificates import PV, STORAGE, Account, Change, Due, Held, entitlements, reconcile
from settlement.domain.lineage import Source, dump
from settlement.models import Certificate, CertificateEvent, CertifiedContract, GreenSurplus
from settlement.operations.certificates.pieces import FREE, Piece, events_of, from_the_top, lock_book, number, put
from settlement.operations.certificates.surplus import (
    CertifiedRun,
    Result,
    Surplus,
    deliveries,
    last_run,
    results_of,
    surpluses,
)
from trading.models import Market

log = logging.getLogger(__name__)

BATCH = 50
Key = tuple[int, str]  # producer, origin
Kind = CertificateEvent.Kind


@dataclass(frozen=True, slots=True)
class IssueSummary:
    """What issuing a contract changed, in Wh. All 0 where everything was there."""

    contract_id: int
    run_id: int
    issued_wh: int = 0
    voided_wh: int = 0
    owed_wh: int = 0
    made_up_wh: int = 0


def issue_due(market: Market, now: datetime, *, limit: int = BATCH) -> list[IssueSummary]:
    """Issue what is due in a market at the market time `now`: at most `limit` contracts, oldest first.

    Due is a contract with a run or a reading that its certificates have not seen. A local hour waits until all of its
    contracts are settled; one that could not be (it has an open alarm) does not hold up the others.
    """
    due = due_contracts(market, limit=limit)
    return [done for contract_id in due if (done := issue(contract_id=contract_id, at=now)) is not None]


_DUE = """
    SELECT c.id FROM trading_contract c CROSS JOIN LATERAL (
        SELECT id FROM settlement_settlementrun WHERE contract_id = c.id ORDER BY number DESC LIMIT 1
    ) run LEFT JOIN settlement_certifiedcontract d ON d.contract_id = c.id
    LEFT JOIN meters_intervalrevision i ON i.site_id = %(site)s AND i.start = c.delivery_start
    WHERE c.market_id = %(market)s AND c.state IN ('CLEARED', 'FINAL')
    AND (d.contract_id IS NULL OR d.stale OR d.run_id <> run.id OR d.reading_revision < coalesce(i.revision, 0))
    AND (%(start)s::timestamptz IS NULL OR c.delivery_start >= %(start)s)
    AND (%(end)s::timestamptz IS NULL OR c.delivery_start < %(end)s)
    AND NOT EXISTS (
        SELECT FROM trading_contract h WHERE h.market_id = c.market_id AND h.state NOT IN ('CLEARED', 'FINAL')
        AND h.delivery_start >= date_trunc('hour', c.delivery_start, %(zone)s)
        AND h.delivery_start < date_trunc('hour', c.delivery_start, %(zone)s) + interval '1 hour'
        AND NOT EXISTS (
            SELECT FROM settlement_settlementalarm a WHERE a.contract_id = h.id AND a.resolved_at IS NULL
        )
    )
    ORDER BY c.delivery_start, c.id LIMIT %(limit)s
"""


def due_contracts(
    market: Market, *, start: datetime | None = None, end: datetime | None = None, limit: int | None = None
) -> list[int]:
    """The contracts of a market (delivered in [start, end)) whose certificates are due, oldest first."""
    values: dict[str, Any] = {"site": market.site_id, "market": market.pk, "zone": market.site.timezone}
    with connection.cursor() as cursor:
        cursor.execute(_DUE, {**values, "start": start, "end": end, "limit": limit})
        return [row[0] for row in cursor.fetchall()]


@transaction.atomic
def issue(*, contract_id: int, at: datetime) -> IssueSummary | None:
    """Bring the certificates of a contract in line with its last run and the present readings.

    None where that is done already, or where the contract has no run.
    """
    run = last_run(contract_id)
    if run is None:
        return None
    lock_book(run.market_id)
    run = last_run(contract_id) or run
    seen = CertifiedContract.objects.select_related("run").filter(pk=contract_id).first()
    if seen is not None and _is_seen(seen, run):
        return None
    done = IssueSummary(contract_id, run.run_id)
    if seen is None or seen.stale or not _is_same(seen, run):
        done = _issue(run, at)
    CertifiedContract.objects.bulk_create(
        [CertifiedContract(contract_id=contract_id, market_id=run.market_id, run_id=run.run_id,
                           reading_revision=run.revision, stale=False, at=at)],
        update_conflicts=True,
        unique_fields=["contract"],
        update_fields=["run", "reading_revision", "stale", "at"],
    )  # fmt: skip
    return done


def _is_seen(seen: CertifiedContract, run: CertifiedRun) -> bool:
    return not seen.stale and seen.run_id == run.run_id and seen.reading_revision >= run.revision


def _is_same(seen: CertifiedContract, run: CertifiedRun) -> bool:
    """Whether a new run only repeats the one that was seen."""
    return (seen.run.results_of_id or seen.run_id) == run.results and seen.reading_revision >= run.revision


@dataclass
class Work:
    """A contract while its certificates are brought in line: what is there, and what is to be written."""

    run: CertifiedRun
    at: datetime
    accounts: dict[Key, GreenSurplus]
    live: dict[Key, list[Certificate]]
    debts: dict[int, list[GreenSurplus]]
    voids: list[Piece] = field(default_factory=list)
    issues: list[tuple[Key, Due]] = field(default_factory=list)
    events: list[CertificateEvent] = field(default_factory=list)
    repaid: dict[tuple[int, int, str], GreenSurplus] = field(default_factory=dict)
    owed_wh: int = 0
    made_up_wh: int = 0


def _issue(run: CertifiedRun, at: datetime) -> IssueSummary:
    results = results_of(run)
    green = surpluses(run, results)
    work = _work(run, at, green)
    held_before = {key: account.lots for key, account in work.accounts.items() if not account._state.adding}
    _measure(work, green, results)
    due = entitlements(
        {who: (of.green.pv_exported_wh, of.green.storage_exported_wh) for who, of in green.items()},
        deliveries(run, results, list(green)),
    )
    for key in sorted(work.accounts):
        _reconcile(work, key, due.get(key, ()))
    _write(work)
    if any(held_before.get(key) != account.lots for key, account in work.accounts.items() if key[1] == STORAGE):
        _mark_next(run)
    return IssueSummary(
        run.contract_id,
        run.run_id,
        sum(due.wh for _, due in work.issues),
        sum(piece.wh for piece in work.voids),
        work.owed_wh,
        work.made_up_wh,
    )


def _work(run: CertifiedRun, at: datetime, green: Mapping[int, Surplus]) -> Work:
    """What is there, and an empty account for whoever is new and has something to account for."""
    accounts = {(row.producer_id, row.origin): row for row in GreenSurplus.objects.filter(contract_id=run.contract_id)}
    for who, surplus in green.items():
        if surplus.pv_wh:
            accounts.setdefault((who, PV), _account(run, who, PV))
        if surplus.has_storage:
            accounts.setdefault((who, STORAGE), _account(run, who, STORAGE))
    live: dict[Key, list[Certificate]] = defaultdict(list)
    for certificate in Certificate.objects.filter(contract_id=run.contract_id).exclude(state=Certificate.State.VOID):
        live[certificate.producer_id, certificate.origin].append(certificate)
    return Work(run, at, accounts, live, _debts(run, {who for who, _ in accounts}))


def _account(run: CertifiedRun, producer: int, origin: str) -> GreenSurplus:
    return GreenSurplus(
        market_id=run.market_id,
        contract_id=run.contract_id,
        producer_id=producer,
        origin=origin,
        hour_start=run.hour_start,
        run_id=run.run_id,
        output_wh=0,
        green_wh=0,
    )


def _debts(run: CertifiedRun, producers: Iterable[int]) -> dict[int, list[GreenSurplus]]:
    """What these producers still owe from other contracts, oldest first."""
    rows = GreenSurplus.objects.filter(
        market_id=run.market_id, producer_id__in=list(producers), owed_wh__gt=F("repaid_wh")
    ).exclude(contract_id=run.contract_id)
    debts: dict[int, list[GreenSurplus]] = defaultdict(list)
    for row in rows.order_by("hour_start", "contract_id", "origin"):
        debts[row.producer_id].append(row)
    return debts


def _measure(work: Work, green: Mapping[int, Surplus], results: Mapping[int, Result]) -> None:
    """What the meters say now, into the accounts."""
    for (producer, origin), account in work.accounts.items():
        surplus = green.get(producer)
        account.run_id = work.run.run_id
        account.reading_version = results[producer].reading_version if producer in results else 0
        account.output_wh = account.stored_wh = account.green_wh = 0
        account.lineage, account.lots = [], []
        if surplus and origin == PV:
            account.output_wh, account.stored_wh = surplus.pv_wh, surplus.green.pv_stored_wh
            account.green_wh = surplus.green.pv_exported_wh
        elif surplus:
            account.output_wh, account.green_wh = surplus.green.stored.pv_wh, surplus.green.storage_exported_wh
            account.lots = dump(surplus.green.stored.lots)
            account.lineage = [_source(source) for source in surplus.green.stored.sources]


def _source(source: Source) -> dict[str, str | int]:
    return {
        "charged_at": source.interval,
        "charged_wh": source.charged_wh,
        "delivered_wh": source.delivered_wh,
        "lost_wh": source.lost_wh,
    }


def _reconcile(work: Work, key: Key, dues: Sequence[Due]) -> None:
    """Decide what changes for one producer and origin."""
    account, certificates = work.accounts[key], work.live.get(key, [])
    debts = [*work.debts.get(key[0], []), *(a for k, a in work.accounts.items() if k[0] == key[0] and k != key)]
    owed_elsewhere = sum(debt.owed_wh - debt.repaid_wh for debt in debts)
    stands = Account(account.withheld_wh, account.owed_wh, account.repaid_wh)
    change = reconcile(dues, _held(certificates), stands, owed_elsewhere)
    for holder, wh in change.voids.items():
        free = [c for c in certificates if c.holder_id == holder and c.state in FREE]
        work.voids += from_the_top(free, wh)
    work.issues += [(key, due) for due in change.issues]
    _keep_accounts(work, key, change, certificates)
    _make_up(work, key, debts, change.make_up_wh)


def _held(certificates: Iterable[Certificate]) -> dict[int, Held]:
    held: dict[int, Held] = {}
    for certificate in certificates:
        used, free = held.get(certificate.holder_id, Held(0, 0))
        wh = certificate.last_wh - certificate.first_wh
        is_free = certificate.state in FREE
        held[certificate.holder_id] = Held(used + wh * (not is_free), free + wh * is_free)
    return held


def _keep_accounts(work: Work, key: Key, change: Change, certificates: Iterable[Certificate]) -> None:
    account = work.accounts[key]
    more_wh = change.account.owed_wh - account.owed_wh
    if more_wh:
        work.events.append(_account_event(work, Kind.OWED, key, more_wh, {}))
        work.owed_wh += more_wh
    if more_wh > 0:
        log.warning(
            "producer %s owes %s Wh of certificates of contract %s: they were used before its reading was corrected",
            key[0], more_wh, work.run.contract_id,
        )  # fmt: skip
    before_wh = sum(certificate.last_wh - certificate.first_wh for certificate in certificates)
    account.certified_wh = before_wh - sum(change.voids.values()) + sum(due.wh for due in change.issues)
    account.withheld_wh, account.owed_wh = change.account.withheld_wh, change.account.owed_wh


def _make_up(work: Work, key: Key, debts: Iterable[GreenSurplus], wh: int) -> None:
    """Pay what the producer owes with `wh` that were not issued, oldest debt first."""
    work.made_up_wh += wh
    for debt in debts:
        part = min(wh, debt.owed_wh - debt.repaid_wh)
        if part:
            debt.repaid_wh += part
            wh -= part
            work.repaid[debt.contract_id, debt.producer_id, debt.origin] = debt
            owed_in: dict[str, int | str] = {"contract": debt.contract_id, "origin": debt.origin}
            work.events.append(_account_event(work, Kind.MADE_UP, key, part, owed_in))


def _account_event(work: Work, kind: str, key: Key, wh: int, detail: dict[str, int | str]) -> CertificateEvent:
    return CertificateEvent(
        market_id=work.run.market_id,
        kind=kind,
        at=work.at,
        contract_id=work.run.contract_id,
        producer_id=key[0],
        origin=key[1],
        run_id=work.run.run_id,
        quantity_wh=wh,
        detail=detail,
    )


_ACCOUNT_FIELDS = (
    "run", "reading_version", "output_wh", "stored_wh", "green_wh", "certified_wh", "withheld_wh", "owed_wh",
    "repaid_wh", "lineage", "lots",
)  # fmt: skip


def _write(work: Work) -> None:
    work.events += events_of(work.voids, Kind.VOID, at=work.at)
    put(work.voids, Certificate.State.VOID)
    issued = _new_certificates(work)
    Certificate.objects.bulk_create(issued)
    work.events += [event for certificate in issued for event in _issue_events(certificate, work.at)]
    rows = {(a.contract_id, a.producer_id, a.origin): a for a in work.accounts.values()} | work.repaid
    GreenSurplus.objects.bulk_create(
        rows.values(),
        update_conflicts=True,
        unique_fields=["contract", "producer", "origin"],
        update_fields=_ACCOUNT_FIELDS,
    )
    CertificateEvent.objects.bulk_create(work.events)


def _new_certificates(work: Work) -> list[Certificate]:
    sums: dict[int, int] = {}
    for (producer, _), due in work.issues:
        sums[producer] = sums.get(producer, 0) + due.wh
    next_wh = number(work.run.market_id, sums)
    issued = []
    for (producer, origin), due in work.issues:
        first_wh = next_wh[producer]
        next_wh[producer] += due.wh
        issued.append(
            Certificate(
                market_id=work.run.market_id,
                producer_id=producer,
                holder_id=due.holder,
                contract_id=work.run.contract_id,
                hour_start=work.run.hour_start,
                origin=origin,
                first_wh=first_wh,
                last_wh=next_wh[producer],
                state=Certificate.State.ISSUED if due.holder == producer else Certificate.State.TRANSFERRED,
                run_id=work.run.run_id,
                reading_version=work.accounts[producer, origin].reading_version,
            )
        )
    return issued


def _issue_events(certificate: Certificate, at: datetime) -> list[CertificateEvent]:
    """It is issued to its producer, and handed on at once to whoever the energy was delivered to."""
    steps: list[tuple[str, int | None, int]] = [(Kind.ISSUED, None, certificate.producer_id)]
    if certificate.holder_id != certificate.producer_id:
        steps.append((Kind.TRANSFERRED, certificate.producer_id, certificate.holder_id))
    return [
        CertificateEvent(
            market_id=certificate.market_id,
            kind=kind,
            at=at,
            contract_id=certificate.contract_id,
            producer_id=certificate.producer_id,
            origin=certificate.origin,
            run_id=certificate.run_id,
            first_wh=certificate.first_wh,
            last_wh=certificate.last_wh,
            quantity_wh=certificate.last_wh - certificate.first_wh,
            giver_id=giver,
            taker_id=taker,
        )
        for kind, giver, taker in steps
    ]


def _mark_next(run: CertifiedRun) -> None:
    """What the storages held has changed: the next contract that has been looked at must be looked at again."""
    later = CertifiedContract.objects.filter(market_id=run.market_id, contract__delivery_start__gt=run.start)
    following = later.order_by("contract__delivery_start").values("pk")[:1]
    CertifiedContract.objects.filter(pk__in=following).update(stale=True)
