"""Issued documents and bank files for the tests of money, on the small site of `settlement_world`."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from django.db.models import Sum

from settlement.domain.references import make_reference
from settlement.models import (
    BankLine,
    Invoice,
    InvoiceSeries,
    LedgerAccount,
    LedgerEntry,
    LedgerTransaction,
)
from tests.settlement_world import World, make_world

NOON = datetime(2026, 11, 5, 5, 0, tzinfo=UTC)
TODAY = date(2026, 11, 5)
MONTH = date(2026, 10, 1)


def money_world(*codes: str, code: str = "w", legal_basis: str = "internal_accounting") -> World:
    world = make_world(code)
    world.market.legal_basis = legal_basis
    world.market.save()
    for name in codes:
        world.add(name)
    return world


def issue(
    world: World, who: str, dong: int, *, due_on: date = TODAY, kind: str | None = None, month: date = MONTH
) -> Invoice:
    """An issued document: a draft first, then numbered and posted, as the month's issue does it."""
    kind = kind or ("invoice" if dong > 0 else "self_bill")
    invoice = Invoice.objects.create(
        market=world.market, participant=world.people[who], month=month, kind=kind,
        net_dong=dong, vat_dong=0, total_dong=dong, document="{}", digest="0" * 64,
    )  # fmt: skip
    if kind != "statement":
        letter = {"invoice": "C", "self_bill": "S"}[kind]
        series = InvoiceSeries.objects.get_or_create(
            site=world.site, kind=kind, year=2026, defaults={"code": f"{letter}26WB"}
        )[0]
        series.last_number += 1
        series.save()
        invoice.series, invoice.number = series, series.last_number
        invoice.reference = make_reference(f"{world.site.code}-{series.code}", series.last_number)
        _post_issue(world, invoice)
    invoice.state, invoice.issued_on, invoice.due_on = "issued", due_on - timedelta(days=10), due_on
    invoice.save()
    return invoice


def _post_issue(world: World, invoice: Invoice) -> None:
    made = LedgerTransaction.objects.create(market=world.market, invoice=invoice, category="invoice", at=NOON)
    amount = invoice.total_dong * 1_000
    LedgerEntry.objects.bulk_create(
        LedgerEntry(
            market=world.market,
            transaction=made,
            account=LedgerAccount.objects.get_or_create(
                market=world.market, kind=kind, participant_id=invoice.participant_id
            )[0],
            energy_wh=0,
            amount_millidong=sign * amount,
        )
        for kind, sign in (("participant", 1), ("receivable", -1))
    )


def bank_csv(rows: Sequence[tuple[int, str]], *, day: date = TODAY, first: int = 1, who: str = "") -> bytes:
    """Movements as (đồng, text), with the bank's references FT1, FT2, …"""
    lines = ["Date;Amount;Description;Reference;Counterparty"]
    lines += [f"{day};{dong};{text};FT{first + n};{who}" for n, (dong, text) in enumerate(rows)]
    return "\n".join(lines).encode()


def standing(world: World) -> dict[str, int]:
    """What each account stands at, in đồng, without zeros: `a.receivable`, `bank`, …"""
    names = {person.pk: code for code, person in world.people.items()}
    sums = LedgerEntry.objects.filter(market=world.market).values("account__kind", "account__participant_id")
    rows = sums.annotate(total=Sum("amount_millidong"))
    named = {
        (f"{names[row['account__participant_id']]}." if row["account__participant_id"] else "")
        + row["account__kind"]: row["total"] // 1_000
        for row in rows
    }
    return {name: dong for name, dong in named.items() if dong}


def only_line() -> BankLine:
    return BankLine.objects.get()


def check_money(world: World) -> None:
    """The laws of money: zero overall, suspense is what is not matched, receivables are what is open."""
    stands = standing(world)
    assert sum(stands.values()) == 0
    lines = BankLine.objects.filter(site=world.site)
    waiting = lines.filter(state="unmatched", amount_dong__gt=0).aggregate(total=Sum("amount_dong"))["total"] or 0
    assert stands.get("suspense", 0) == waiting
    for code, person in world.people.items():
        issued = Invoice.objects.filter(participant=person, state="issued").exclude(kind="statement")
        total = issued.aggregate(total=Sum("total_dong"))["total"] or 0
        paid = issued.aggregate(total=Sum("allocations__amount_dong"))["total"] or 0
        assert stands.get(f"{code}.receivable", 0) == paid - total
        assert stands.get(f"{code}.prepaid", 0) >= 0
