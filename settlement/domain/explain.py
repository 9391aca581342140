"""'Why this amount': the sentences of a trace, from the line of a document down to a meter's reading.

Pure: figures in, words out. `_` translates into the reader's language; numbers are written as that language writes
them, and money with its fraction of a đồng where it has one, so that a reader can add up what stands here.

Example: 'You bought 16.0 kWh from a neighbour at ₫1,650/kWh in trade 12: ₫26,400.'
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from babel.dates import format_date

from units.energy import format_energy
from units.money import MILLIDONG_PER_DONG, format_money, format_price
from units.numbers import Language, grouped

Translate = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Node:
    """One step of a trace: a sentence, what it comes to (milli-đồng and Wh, None where it has none), and its reasons.
    `more`: how many further children there are that are not shown. `key` names the thing for links."""

    kind: str
    sentence: str
    amount_millidong: int | None = None
    energy_wh: int | None = None
    children: tuple["Node", ...] = ()
    more: int = 0
    key: str = ""


@dataclass(frozen=True, slots=True)
class Reader:
    """In whose words a trace is told. `own`: the reader is the participant itself, so it is 'you', and others have no
    names; an administrator or auditor reads names."""

    language: Language
    translate: Translate
    own: bool
    name: str

    @property
    def who(self) -> str:
        """The participant as the reader calls it."""
        _ = self.translate
        return _("You") if self.own else self.name

    def other(self, name: str) -> str:
        """Somebody else."""
        _ = self.translate
        return _("a neighbour") if self.own else name

    def energy(self, wh: int) -> str:
        """Wh as kWh."""
        return format_energy(wh, self.language)

    def price(self, price: int) -> str:
        """Đồng per kWh."""
        return format_price(price, self.language)

    def money(self, millidong: int) -> str:
        """Exact: whole đồng where it is whole, else with its three decimals."""
        dong, fraction = divmod(abs(millidong), MILLIDONG_PER_DONG)
        if not fraction:
            return format_money(dong if millidong >= 0 else -dong, self.language)
        number = grouped(abs(millidong), self.language, decimals=3)
        sign = "−" if millidong < 0 else ""
        return f"{sign}{number} ₫" if self.language == "vi" else f"{sign}₫{number}"

    def day(self, on: date) -> str:
        """A date in words."""
        return format_date(on, "d MMMM y" if self.language == "en" else "long", locale=self.language)


def line_kinds(_: Translate) -> dict[str, str]:
    """What a line is for."""
    return {
        "local_sold": _("Sold to neighbours"),
        "local_bought": _("Bought from neighbours"),
        "pool_sold": _("Sold in the pool"),
        "pool_bought": _("Bought in the pool"),
        "grid_export": _("Surplus paid by the grid"),
        "grid_spill": _("Surplus beyond what the grid pays for"),
        "grid_import": _("Bought from the grid"),
        "tier_import": _("Bought from the grid by tiers"),
        "capacity": _("Capacity charge"),
        "network_fee": _("Network fee"),
        "compensation_received": _("Compensation received"),
        "compensation_paid": _("Compensation paid"),
        "platform_fee": _("Platform fee"),
        "platform_month": _("Monthly platform fee"),
        "carried": _("Carried over from an earlier month"),
    }


def line_sentence(
    reader: Reader, kind: str, quantity: int, millidong: int, dong: int, since: date, until: date, intervals: int
) -> str:
    """The line itself."""
    _ = reader.translate
    told = _("{what}, {since} – {until}: {exact}, on the document {dong}, from {count} intervals.")
    if not intervals:
        told = _("{what}, {since} – {until}: {exact}, on the document {dong}.")
    return told.format(
        what=line_kinds(_)[kind], since=reader.day(since), until=reader.day(until), exact=reader.money(millidong),
        dong=format_money(dong, reader.language), count=grouped(intervals, reader.language),
    )  # fmt: skip


def day_sentence(reader: Reader, on: date, wh: int, millidong: int) -> str:
    """A day's part of a line."""
    _ = reader.translate
    told = _("{day}: {energy}, {amount}.")
    return told.format(day=reader.day(on), energy=reader.energy(wh), amount=reader.money(millidong))


def beyond_sentence(reader: Reader, millidong: int) -> str:
    """What no day has: it comes from the month as a whole."""
    _ = reader.translate
    told = _("{amount} come from the month as a whole: tiers, monthly fees, meters billed apart, or earlier documents.")
    return told.format(amount=reader.money(millidong))


def interval_sentence(reader: Reader, on: date, label: str, wh: int, millidong: int) -> str:
    """An interval's part of a line."""
    _ = reader.translate
    told = _("{day}, {label}: {energy}, {amount}.")
    return told.format(day=reader.day(on), label=label, energy=reader.energy(wh), amount=reader.money(millidong))


def entry_sentence(reader: Reader, category: str, millidong: int, wh: int, transaction: int) -> str:
    """A ledger entry."""
    _ = reader.translate
    received = _("Ledger transaction {number}, {category}: {who} received {amount} for {energy}.")
    owed = _("Ledger transaction {number}, {category}: {who} was charged {amount} for {energy}.")
    return (received if millidong >= 0 else owed).format(
        number=transaction, category=category, who=reader.who, amount=reader.money(abs(millidong)),
        energy=reader.energy(abs(wh)),
    )  # fmt: skip


def run_sentence(reader: Reader, name: str, number: int, at: str, digest: str, frozen: bool) -> str:
    """A settlement run."""
    _ = reader.translate
    told = _("Settled by run {number} ({name}) on {at}; the digest of its input begins with {digest}.").format(
        number=number, name=name, at=at, digest=digest[:12]
    )
    return told + " " + _("No compensation was due: the interval is disputed, or was excused.") if frozen else told


def trade_sentence(
    reader: Reader, number: int, bought: bool, other: str, price: int, traded_wh: int, delivered_wh: int
) -> str:
    """A trade and what was delivered of it."""
    _ = reader.translate
    bought_told = _(
        "{who} bought {traded} from {other} at {price} in trade {number}; {delivered} were delivered: {amount}."
    )
    sold_told = _("{who} sold {traded} to {other} at {price} in trade {number}; {delivered} were delivered: {amount}.")
    return (bought_told if bought else sold_told).format(
        who=reader.who, traded=reader.energy(traded_wh), other=reader.other(other), price=reader.price(price),
        number=number, delivered=reader.energy(delivered_wh), amount=reader.money(delivered_wh * price),
    )  # fmt: skip


def order_sentence(
    reader: Reader, client_order_id: str, bought: bool, wh: int, price: int | None, at: str, seq: int, note: str
) -> str:
    """The order behind a trade, and its line of the log."""
    _ = reader.translate
    buy = _("Ordered on {at} as “{id}”: buy {energy} at {price} or less, line {seq} of the market's log.")
    sell = _("Ordered on {at} as “{id}”: sell {energy} at {price} or more, line {seq} of the market's log.")
    any_price = _("Ordered on {at} as “{id}”: {energy} at the market's price, line {seq} of the market's log.")
    template = any_price if price is None else buy if bought else sell
    told = template.format(at=at, id=client_order_id, energy=reader.energy(wh), price=reader.price(price or 0), seq=seq)
    return f"{told} {note}" if note else told


def pool_sentence(reader: Reader, bought: bool, wh: int, price: int) -> str:
    """What moved in the pool."""
    _ = reader.translate
    bought_told = _("{who} bought {energy} in the pool at its one price of {price}: {amount}.")
    sold_told = _("{who} sold {energy} in the pool at its one price of {price}: {amount}.")
    return (bought_told if bought else sold_told).format(
        who=reader.who, energy=reader.energy(wh), price=reader.price(price), amount=reader.money(wh * price)
    )


def compensation_sentence(reader: Reader, paid: bool, other: str, trade: int, wh: int, millidong: int) -> str:
    """What a missed delivery cost."""
    _ = reader.translate
    paid_told = _("{who} paid {other} {amount} for {energy} of trade {trade} that did not come about.")
    received_told = _("{who} received {amount} from {other} for {energy} of trade {trade} that did not come about.")
    return (paid_told if paid else received_told).format(
        who=reader.who, other=reader.other(other), amount=reader.money(millidong), energy=reader.energy(wh), trade=trade
    )


def fee_sentence(reader: Reader, wh: int, price: int | None, millidong: int) -> str:
    """The network fee of an interval; `price` None where trades had different ones."""
    _ = reader.translate
    if price is None:
        told = _("Network fee on {energy} bought from neighbours, by the zones of each trade: {amount}.")
        return told.format(energy=reader.energy(wh), amount=reader.money(millidong))
    told = _("Network fee on {energy} bought from neighbours at {price}: {amount}.")
    return told.format(energy=reader.energy(wh), price=reader.price(price), amount=reader.money(millidong))


def reading_sentence(
    reader: Reader, point: str, version: int, import_wh: int, export_wh: int, quality: str, at: str, used: bool
) -> str:
    """A version of a reading, and whether the run used it."""
    _ = reader.translate
    used_told = _("Reading of {point}, version {version} ({quality}), received {at}: took {taken}, gave {given}. Used.")
    other_told = _(
        "Reading of {point}, version {version} ({quality}), received {at}: took {taken}, gave {given}."
        " Not used by this run."
    )
    return (used_told if used else other_told).format(
        point=point, version=version, quality=quality, at=at, taken=reader.energy(import_wh),
        given=reader.energy(export_wh),
    )  # fmt: skip


def estimate_sentence(reader: Reader, import_wh: int, export_wh: int) -> str:
    """There was no reading."""
    _ = reader.translate
    told = _("No reading had come; the mean of the days before was taken: took {taken}, gave {given}.")
    return told.format(taken=reader.energy(import_wh), given=reader.energy(export_wh))


def tariff_sentence(reader: Reader, tariff: str, period: str, price: int, since: date, source: str) -> str:
    """The row of the tariff that held."""
    _ = reader.translate
    told = _("Tariff “{tariff}”, {period}: {price} from {since}. Source: {source}")
    return told.format(
        tariff=tariff, period=period, price=reader.price(price), since=reader.day(since), source=source or "–"
    )


def terms_sentence(reader: Reader, since: date, surplus_price: int, network_fee: int, source: str) -> str:
    """The site's terms that held."""
    _ = reader.translate
    told = _("Terms of the site from {since}: surplus {surplus}, network fee {fee}. Source: {source}")
    return told.format(
        since=reader.day(since),
        surplus=reader.price(surplus_price),
        fee=reader.price(network_fee),
        source=source or "–",
    )
