"""What stands behind one participant's share of one run, told: the run, its trades with their orders, pool, fees,
compensation, the readings it saw, and the rows of the rulebook that held."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from django.db import connection
from django.db.models import Q

from accounts.models import Participant
from meters.models import MeteringPoint, Reading
from settlement.domain import explain
from settlement.domain.explain import Node, Reader
from settlement.models import Compensation, ParticipantResult, SettlementRun
from tariffs.domain.windows import Window
from tariffs.models import TariffAssignment
from tariffs.queries import NoTerms, Terms, terms_on, windows_of
from trading.models import Market, Order


@dataclass(frozen=True)
class Scene:
    """Whose share is told, where, and to whom; and what holds in many intervals, looked up once for all of them."""

    market: Market
    participant_id: int
    zone: ZoneInfo
    reader: Reader

    def moment(self, at: datetime) -> str:
        """A moment in the site's own time."""
        return format_datetime(at.astimezone(self.zone), "d MMMM y, HH:mm", locale=self.reader.language)

    @cached_property
    def points(self) -> list[MeteringPoint]:
        """The participant's boundary points."""
        boundary = MeteringPoint.objects.filter(
            site_id=self.market.site_id, participant_id=self.participant_id, role=MeteringPoint.Role.BOUNDARY
        )
        return list(boundary.order_by("code"))

    @cached_property
    def tariffs(self) -> list[TariffAssignment]:
        """The participant's tariffs, the newest first."""
        own = TariffAssignment.objects.filter(site_id=self.market.site_id, participant_id=self.participant_id)
        return list(own.select_related("tariff").order_by("-valid_from"))

    @cached_property
    def windows(self) -> dict[int, list[Window]]:
        """The rows of these tariffs."""
        return windows_of([each.tariff_id for each in self.tariffs])

    @cached_property
    def _terms(self) -> dict[date, Terms | None]:
        return {}

    def terms_on(self, on: date) -> Terms | None:
        """The site's terms on a local day."""
        if on not in self._terms:
            try:
                self._terms[on] = terms_on(self.market.site_id, on)
            except NoTerms:
                self._terms[on] = None
        return self._terms[on]


def reasons_of(scene: Scene, run: SettlementRun, kinds: list[str]) -> tuple[Node, ...]:
    """The run, then everything of these kinds, then readings and rules. `kinds` are those of document lines."""
    results = run.results_of_id or run.pk
    result = ParticipantResult.objects.filter(run_id=results, participant_id=scene.participant_id).first()
    if result is None:
        return (_run(scene, run),)
    return (
        _run(scene, run),
        *_trades(scene, results, kinds),
        *_pool(scene, run, result, kinds),
        *_compensations(scene, results, kinds),
        *_fees(scene, run, result, kinds),
        *_readings(scene, run, result),
        *_rules(scene, run, result, kinds),
    )


def _run(scene: Scene, run: SettlementRun) -> Node:
    told = explain.run_sentence(
        scene.reader, run.get_kind_display(), run.number, scene.moment(run.at), run.input_hash, run.force_majeure
    )
    return Node("run", told, key=str(run.pk))


_TRADES = """
    SELECT t.trade_no, t.buyer_id = %(party)s, CASE WHEN t.buyer_id = %(party)s THEN t.seller_id ELSE t.buyer_id END,
           t.price, t.quantity_wh, d.delivered_wh, CASE WHEN t.buyer_id = %(party)s THEN t.buy_seq ELSE t.sell_seq END
    FROM settlement_traderesult d JOIN trading_trade t ON t.market_id = d.market_id AND t.trade_no = d.trade_no
    WHERE d.run_id = %(run)s AND %(party)s IN (t.buyer_id, t.seller_id) ORDER BY t.trade_no
"""
_OF_TRADES = {"local_bought", "local_sold", "network_fee", "compensation_paid", "compensation_received"}


def _trades(scene: Scene, run_id: int, kinds: list[str]) -> Iterable[Node]:
    """Fees are paid on what was bought; compensation looks at both sides."""
    if not _OF_TRADES & set(kinds):
        return []
    with connection.cursor() as cursor:
        cursor.execute(_TRADES, {"run": run_id, "party": scene.participant_id})
        rows = cursor.fetchall()
    wanted = {"local_sold": {False}, "local_bought": {True}, "network_fee": {True}}
    sides = set().union(*(wanted.get(kind, {True, False}) for kind in kinds))
    rows = [row for row in rows if row[1] in sides]
    names = _names(scene, {row[2] for row in rows})
    orders = {o.seq: o for o in Order.objects.filter(market=scene.market, seq__in=[row[6] for row in rows])}
    return [_trade(scene, row, names, orders.get(row[6])) for row in rows]


def _trade(scene: Scene, row: tuple[int, ...], names: dict[int, str], order: Order | None) -> Node:
    number, bought, other, price, traded, delivered, _ = row
    told = explain.trade_sentence(scene.reader, number, bool(bought), names.get(other, ""), price, traded, delivered)
    children = (_order(scene, order, bool(bought)),) if order is not None else ()
    return Node("trade", told, delivered * price, delivered, children, key=str(number))


def _order(scene: Scene, order: Order, bought: bool) -> Node:
    told = explain.order_sentence(
        scene.reader, order.client_order_id, bought, order.quantity_wh, order.price, scene.moment(order.created_at),
        order.seq, order.note,
    )  # fmt: skip
    return Node("order", told, key=str(order.seq))


def _names(scene: Scene, participant_ids: set[int]) -> dict[int, str]:
    """Read only for those who may read them."""
    if scene.reader.own:
        return {}
    return dict(Participant.objects.filter(pk__in=participant_ids).values_list("pk", "name"))


def _pool(scene: Scene, run: SettlementRun, result: ParticipantResult, kinds: list[str]) -> Iterable[Node]:
    sides = (("pool_bought", True, result.pool_bought_wh), ("pool_sold", False, result.pool_sold_wh))
    for kind, bought, wh in sides:
        if wh and run.pool_price is not None and (kind in kinds or (bought and "network_fee" in kinds)):
            told = explain.pool_sentence(scene.reader, bought, wh, run.pool_price)
            yield Node("pool", told, wh * run.pool_price, wh)


def _compensations(scene: Scene, run_id: int, kinds: list[str]) -> Iterable[Node]:
    if not {"compensation_paid", "compensation_received"} & set(kinds):
        return
    own = Q(payer_id=scene.participant_id) | Q(payee_id=scene.participant_id)
    rows = list(Compensation.objects.filter(own, run_id=run_id).order_by("trade_no"))
    names = _names(scene, {party for row in rows for party in (row.payer_id, row.payee_id)})
    for row in rows:
        paid = row.payer_id == scene.participant_id
        if ("compensation_paid" if paid else "compensation_received") in kinds:
            other = names.get(row.payee_id if paid else row.payer_id, "")
            told = explain.compensation_sentence(
                scene.reader, paid, other, row.trade_no, row.charged_wh, row.amount_millidong
            )
            yield Node("compensation", told, row.amount_millidong, row.charged_wh, key=str(row.trade_no))


def _fees(scene: Scene, run: SettlementRun, result: ParticipantResult, kinds: list[str]) -> Iterable[Node]:
    if "network_fee" in kinds and result.bought_wh and run.zone_fees is None:
        owed = result.bought_wh * run.network_fee
        told = explain.fee_sentence(scene.reader, result.bought_wh, run.network_fee, owed)
        yield Node("fee", told, owed, result.bought_wh)


def _readings(scene: Scene, run: SettlementRun, result: ParticipantResult) -> Iterable[Node]:
    """Every version of the participant's boundary readings; what the run used is marked."""
    if result.reading_version == 0:
        yield Node("estimate", explain.estimate_sentence(scene.reader, result.import_wh, result.export_wh))
    for point in scene.points:
        rows = list(
            Reading.objects.filter(
                site_id=scene.market.site_id, start=run.contract.delivery_start, metering_point=point
            ).order_by("version")
        )
        used = _used(rows, run, result.reading_version)
        yield from (_reading(scene, point.code, row, row.version == used) for row in rows)


def _used(rows: list[Reading], run: SettlementRun, highest: int) -> int:
    known = [row for row in rows if row.version <= highest]
    in_time = [row.version for row in known if row.received_at <= run.at]
    return max(in_time or [row.version for row in known], default=0)


def _reading(scene: Scene, point: str, row: Reading, used: bool) -> Node:
    told = explain.reading_sentence(
        scene.reader, point, row.version, row.import_wh, row.export_wh, str(row.get_quality_display()).lower(),
        scene.moment(row.received_at), used,
    )  # fmt: skip
    return Node("reading", told, key=f"{point}/{row.version}")


def _rules(scene: Scene, run: SettlementRun, result: ParticipantResult, kinds: list[str]) -> Iterable[Node]:
    if {"grid_import", "compensation_paid", "compensation_received"} & set(kinds):
        yield from _tariff(scene, run)
    if not {"grid_import"}.issuperset(kinds):
        yield from _terms(scene, run)


def _tariff(scene: Scene, run: SettlementRun) -> Iterable[Node]:
    local = run.contract.delivery_start.astimezone(scene.zone)
    on = next((each for each in scene.tariffs if each.valid_from <= local.date()), None)
    if on is None:
        return
    minute = local.hour * 60 + local.minute
    for row in scene.windows[on.tariff_id]:
        in_force = row.holds_on(local.date()) and row.from_minute <= minute < row.to_minute
        if in_force and row.has_tier_of(on.expected_month_wh):
            told = explain.tariff_sentence(
                scene.reader, on.tariff.name, row.period, row.price, row.valid_from, row.source
            )
            yield Node("tariff", told, key=f"{on.tariff.code}/{row.valid_from.isoformat()}/{row.from_minute}")


def _terms(scene: Scene, run: SettlementRun) -> Iterable[Node]:
    terms = scene.terms_on(run.contract.delivery_start.astimezone(scene.zone).date())
    if terms is None:
        return
    told = explain.terms_sentence(scene.reader, terms.valid_from, run.surplus_price, run.network_fee, terms.source)
    yield Node("terms", told, key=terms.valid_from.isoformat())
