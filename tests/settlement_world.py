"""A small site that can be settled: points, tariffs, terms, a delivered contract, trades, readings by code."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from accounts.models import Participant
from meters.models import MeteringPoint, Site
from meters.operations import NewReading, Recorded, record_readings
from settlement.models import LedgerAccount, LedgerEntry
from tariffs.domain.windows import Window
from tariffs.models import Tariff
from tariffs.operations import assign_tariff, replace_rows, set_terms
from trading.models import Admission, Contract, Market, Position, Trade

ALL_WEEK = 127
TUESDAY_TEN = datetime(2026, 6, 2, 3, 0, tzinfo=UTC)  # 10:00 in Hồ Chí Minh City
FIRST_DAY = date(2026, 1, 1)
HALF_HOUR = timedelta(minutes=30)


@dataclass
class World:
    """Participants are known by code; their boundary meter is 'MP-' + code. Prices in đồng/kWh, energy in Wh."""

    market: Market
    people: dict[str, Participant] = field(default_factory=dict)
    trade_no: int = 0

    @property
    def site(self) -> Site:
        return self.market.site

    def add(
        self, code: str, *, retail: int | None = None, ask: int | None = None, bid: int | None = None
    ) -> Participant:
        person = Participant.objects.get_or_create(code=code, defaults={"name": code, "kind": "household"})[0]
        self.people[code] = person
        MeteringPoint.objects.create(site=self.site, participant=person, code=f"MP-{code}")
        Admission.objects.create(
            market=self.market,
            participant=person,
            pool_ask_price=ask,
            pool_bid_price=bid,
            credit_limit_millidong=10**15,
        )
        if retail is not None:
            tariff = flat_tariff(f"flat-{retail}", retail)
            assign_tariff(
                site=self.site, participant=person, tariff=tariff, valid_from=FIRST_DAY, by=None, at=TUESDAY_TEN
            )
        return person

    def contract(self, start: datetime = TUESDAY_TEN, state: str = "CLOSED") -> Contract:
        return Contract.objects.create(
            market=self.market,
            delivery_start=start,
            delivery_end=start + HALF_HOUR,
            gate_opens_at=start - timedelta(hours=48),
            gate_closes_at=start - timedelta(minutes=5),
            min_price=0,
            max_price=9_999,
            state=state,
        )

    def trade(self, contract: Contract, seller: str, buyer: str, wh: int, price: int) -> Trade:
        self.trade_no += 1
        self._hold(contract, seller, sold_wh=wh)
        self._hold(contract, buyer, bought_wh=wh, committed_millidong=wh * max(price, 0))
        return Trade.objects.create(
            market=self.market,
            trade_no=self.trade_no,
            seq=self.trade_no,
            contract=contract,
            price=price,
            quantity_wh=wh,
            buyer=self.people[buyer],
            seller=self.people[seller],
            buy_seq=self.trade_no,
            sell_seq=self.trade_no,
            taker_side=1,
            at=contract.gate_closes_at,
        )

    def _hold(self, contract: Contract, code: str, **figures: int) -> None:
        key = {"market": self.market, "contract": contract, "participant": self.people[code]}
        position = Position.objects.filter(**key).first() or Position(**key)
        for name, value in figures.items():
            setattr(position, name, getattr(position, name) + value)
        position.save()
        admission = Admission.objects.get(market=self.market, participant=self.people[code])
        admission.committed_millidong += figures.get("committed_millidong", 0)
        admission.save()

    def read(
        self, readings: dict[str, tuple[int, int]], start: datetime = TUESDAY_TEN, quality: str = "measured"
    ) -> Recorded:
        """Record (import, export) by participant for the interval at `start`, as it ends."""
        rows = [NewReading(f"MP-{code}", start, *energy, quality) for code, energy in readings.items()]
        return record_readings(site=self.site, rows=rows, by=None, at=start + HALF_HOUR, source="test")

    def cash(self) -> dict[str, int]:
        """What each account stands at in the ledger, milli-đồng, without zeros; `_operator` and `_network` included."""
        return by_account(self, LedgerEntry.objects.filter(market=self.market))


def by_account(world: World, entries: Sequence[LedgerEntry]) -> dict[str, int]:
    codes = {person.pk: code for code, person in world.people.items()}
    names = {
        account.pk: codes[account.participant_id] if account.kind == "participant" else f"_{account.kind}"
        for account in LedgerAccount.objects.filter(market=world.market)
    }
    sums: dict[str, int] = {}
    for entry in entries:
        name = names[entry.account_id]
        sums[name] = sums.get(name, 0) + entry.amount_millidong
    return {name: amount for name, amount in sums.items() if amount}


def flat_tariff(code: str, price: int) -> Tariff:
    tariff, created = Tariff.objects.get_or_create(code=code, defaults={"name": code})
    if created:
        replace_rows(tariff=tariff, rows=[Window(ALL_WEEK, 0, 1_440, price, FIRST_DAY)], by=None, at=TUESDAY_TEN)
    return tariff


def make_world(code: str = "w", **terms: int) -> World:
    """A site with a market, surplus price 671 and network fee 120 unless said otherwise."""
    site = Site.objects.create(code=code, name=code)
    market = Market.objects.create(site=site, code=code, name=code, limits_enforced=False, ticking=False)
    values = {"surplus_price": 671, "network_fee": 120, **terms}
    set_terms(site=site, valid_from=FIRST_DAY, by=None, at=TUESDAY_TEN, **values)
    return World(market)
