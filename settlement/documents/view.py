"""A document as the plain texts that the page template sets: every number formatted, every word in its language.

The template decides where things stand and nothing else; what is said, and with which sign, is decided here.
"""

from calendar import monthrange
from collections.abc import Iterable
from datetime import date
from typing import Any

from settlement.documents.reading import (
    KW,
    KWH,
    MONTH,
    amount_due,
    grouped_lines,
    hours,
    is_draft,
    number_text,
    payment_code,
    sign,
    unit,
)
from settlement.documents.texts import PaperLanguage, day, days, month, number_language, text
from settlement.documents.words import amount_in_words
from settlement.domain.document import DocumentLine, InvoiceDocument, Party, RegisterLine
from units.money import format_money
from units.numbers import Language, grouped

Row = list[str]
Labelled = tuple[Row, str]
NOTHING = "—"
ZERO_WIDTH_SPACE = "\u200b"


def view(document: InvoiceDocument, language: PaperLanguage) -> dict[str, Any]:
    """Everything on the page, top to bottom. Values are texts, lists of texts, or None where a part is left out."""
    return _View(document, language).whole()


class _View:
    def __init__(self, document: InvoiceDocument, language: PaperLanguage) -> None:
        self.document = document
        self.language = language
        self.numbers = number_language(language)
        self.languages: tuple[Language, ...] = ("vi", "en") if language == "vi-en" else (self.numbers,)
        self.sign = sign(document)

    def whole(self) -> dict[str, Any]:
        return {
            "lang": self.numbers,
            "on": self._date_parts(),
            "title": self.both(self.document.kind),
            "subtitle": f"{self.text('electricity')} · {month(self.document.month, self.language)}",
            "notes": self.notes(),
            "watermark": self.text("draft") if is_draft(self.document) else None,
            "warning": None if self.document.payable else self.text("not_payable"),
            "facts": self.facts(),
            "parties": self.parties(),
            "headline": self.headline(),
            "registers": self.registers(),
            "lines": self.lines(),
            "totals": self.totals(),
            "words": self.words(),
            "saved": self.saved(),
            "payment": self.payment(),
            "foot": self.foot(),
            "page": self.text("page"),
        }

    def text(self, key: str, **values: object) -> str:
        return text(key, self.language, **values)

    def both(self, key: str, **values: object) -> Row:
        """The text once for each language of the paper, Vietnamese first."""
        return [text(key, language, **values) for language in self.languages]

    def labelled(self, rows: Iterable[tuple[str, str]]) -> list[Labelled]:
        """Labels with their values; what has no value is left out."""
        return [(self.both(key), breakable(value, 30)) for key, value in rows if value]

    def number(self, value: int, decimals: int = 0) -> str:
        return grouped(value, self.numbers, decimals=decimals)

    def money(self, dong: int) -> str:
        return format_money(dong, self.numbers)

    def day(self, on: date | None) -> str:
        return day(on, self.language) if on else NOTHING

    def _date_parts(self) -> list[int] | None:
        on = self.document.issued_on
        return [on.year, on.month, on.day] if on else None

    def notes(self) -> list[str]:
        """What must be known before the first figure: whom it was issued for, and what it corrects and why."""
        document = self.document
        notes = [self.text("self_bill_note")] if document.kind == "self_bill" else []
        if document.refers_to and document.relation != "original":
            old = document.refers_to
            key = f"statement_{document.relation}" if document.kind == "statement" else document.relation
            on = self.day(old.issued_on)
            notes.append(self.text(key, series=old.series, number=number_text(old.number), on=on))
        if document.reason:
            notes.append(f"{self.text('reason')}: {document.reason}")
        return notes

    def facts(self) -> list[Labelled]:
        document = self.document
        number = NOTHING if is_draft(document) else number_text(document.number)
        facts = [
            ("series", document.series or NOTHING),
            ("number", number),
            ("issued_on", self.day(document.issued_on)),
        ]
        facts.append(("market", document.market_name or document.market_code))
        if document.metering_point:
            facts.append(("metering_point", document.metering_point))
        if amount_due(document) and document.due_on:
            facts.append(("due_on", self.day(document.due_on)))
        return self.labelled(facts)

    def parties(self) -> list[dict[str, Any]]:
        statement = self.document.kind == "statement"
        roles = ("operator", "participant") if statement else ("seller", "buyer")
        return [
            self._party(role, party)
            for role, party in zip(roles, (self.document.seller, self.document.buyer), strict=True)
        ]

    def _party(self, role: str, party: Party) -> dict[str, Any]:
        contact = " · ".join(part for part in (party.phone, party.email) if part)
        rows = (("tax_code", party.tax_code), ("address", party.address), ("code", party.code), ("contact", contact))
        return {
            "role": self.text(role),
            "name": breakable(party.name, 30),
            "rows": self.labelled(rows),
        }

    def headline(self) -> Row:
        """The one figure that is looked for first, and what to do with it."""
        document, total = self.document, self.sign * self.document.total_dong
        if not document.payable:
            saved = document.saved_dong
            return [self.text("would_have_lost" if saved < 0 else "would_have_saved"), self.money(abs(saved))]
        if total == 0:
            return [self.text("nothing_to_pay"), self.money(0)]
        if document.kind == "self_bill":
            return [self.text("to_receive" if total > 0 else "to_pay"), self.money(abs(total))]
        key = "to_pay" if total > 0 else "to_credit"
        until = f" · {self.text('due_on')} {self.day(document.due_on)}" if total > 0 and document.due_on else ""
        return [self.text(key) + until, self.money(abs(total))]

    def registers(self) -> dict[str, Any] | None:
        rows = self.document.registers
        if not rows:
            return None
        decimals = _decimals(value for row in rows for value in (row.old_wh, row.new_wh, row.energy_wh))
        heads = (
            "metering_point",
            "meter",
            "multiplier",
            "direction",
            "dates",
            "old_register",
            "new_register",
            "energy",
        )
        return {
            "title": self.text("meters"),
            "heads": [self.both(key) for key in heads],
            "rows": [self._register(row, decimals) for row in rows],
        }

    def _register(self, row: RegisterLine, decimals: int) -> Row:
        figures = (row.old_wh, row.new_wh, row.energy_wh)
        return [
            breakable(row.metering_point, 16),
            breakable(row.serial, 16),
            f"× {self.number(row.multiplier)}",
            self.text(row.direction),
            days(row.since, row.until, self.language),
            *(self.number(_thousandths(value, decimals), decimals) for value in figures),
        ]

    def lines(self) -> dict[str, Any]:
        decimals = {
            KWH: _decimals(line.quantity for line in self.document.lines if unit(line) == KWH),
            KW: _decimals(line.quantity for line in self.document.lines if unit(line) == KW),
        }
        return {
            "title": self.text("lines"),
            "heads": [self.both(key) for key in ("lines", "quantity", "unit", "price", "amount", "vat_rate")],
            "groups": [self._group(name, lines, decimals) for name, lines in grouped_lines(self.document)],
            "empty": self.text("no_lines"),
        }

    def _group(self, name: str, lines: list[DocumentLine], decimals: dict[str, int]) -> dict[str, Any]:
        total = self.sign * sum(line.amount_dong for line in lines)
        return {
            "name": self.text(f"group_{name}"),
            "total": self.number(total) if len(lines) > 1 else "",
            "rows": [self._line(line, decimals) for line in lines],
        }

    def _line(self, line: DocumentLine, decimals: dict[str, int]) -> list[str | Row]:
        counted = unit(line)
        quantity = ""
        if counted in decimals:
            quantity = self.number(_thousandths(line.quantity, decimals[counted]), decimals[counted])
        elif counted == MONTH:
            quantity = self.number(line.quantity)
        return [
            [self._description(line, language) for language in self.languages],
            quantity,
            self.text("unit_month") if counted == MONTH else counted,
            "" if line.price is None else self.number(line.price),
            self.number(self.sign * line.amount_dong),
            self._rate(line.vat_bp),
        ]

    def _description(self, line: DocumentLine, language: Language) -> str:
        parts = [text(line.kind, language)]
        if line.tier_from_kwh is not None:
            parts.append(self._tier(line.tier_from_kwh, line.tier_to_kwh, language))
        if of_day := hours(line):
            parts.append(text(of_day, language))
        if not _is_whole_month(line, self.document.month):
            parts.append(days(line.since, line.until, language))
        return ", ".join(parts)

    def _tier(self, low: int, high: int | None, language: Language) -> str:
        if high is None:
            return text("tier_open", language, low=self.number(low))
        return text("tier", language, low=self.number(low), high=self.number(high))

    def _rate(self, vat_bp: int | None) -> str:
        return self.text("not_taxed") if vat_bp is None else self.rate(vat_bp)

    def rate(self, vat_bp: int) -> str:
        """800 → `8%`, 350 → `3.5%`."""
        whole, rest = divmod(vat_bp, 100)
        decimals = 0 if not rest else 1 if rest % 10 == 0 else 2
        return f"{self.number(vat_bp // 10 ** (2 - decimals), decimals)}%" if rest else f"{whole}%"

    def totals(self) -> dict[str, Any]:
        document = self.document
        rows = [(self.both("net"), self._signed(document.net_dong))]
        for part in document.vat:
            net = self._signed(part.net_dong)
            if part.vat_bp is None:
                rows.append((self.both("vat_none", net=net), ""))
            else:
                rows.append((self.both("vat_at", rate=self.rate(part.vat_bp), net=net), self._signed(part.vat_dong)))
        if len(document.vat) > 1:
            rows.append((self.both("vat"), self._signed(document.vat_dong)))
        total = self.both("total" if document.payable else "total_statement")
        return {"rows": rows, "total": (total, self.money(self.sign * document.total_dong))}

    def _signed(self, dong: int) -> str:
        return self.number(self.sign * dong)

    def words(self) -> Row:
        """The label, then the words, in each language of the paper."""
        total = self.sign * self.document.total_dong
        return [self.text("in_words"), *(amount_in_words(total, language) for language in self.languages)]

    def saved(self) -> Labelled | None:
        saved = self.document.saved_dong
        if not self.document.payable or not saved:
            return None
        return self.both("saved" if saved > 0 else "lost"), self.money(abs(saved))

    def payment(self) -> dict[str, Any] | None:
        document, due = self.document, amount_due(self.document)
        seller = document.seller
        if not due or is_draft(document) or not seller.bank_account:
            return None
        self_bill = document.kind == "self_bill"
        code = payment_code(document)
        rows = [("beneficiary", seller.name), ("bank", seller.bank_name), ("account", seller.bank_account)]
        rows += [("to_receive" if self_bill else "to_pay", self.money(due)), ("reference", document.payment_reference)]
        rows += [("due_on", self.day(document.due_on))] if document.due_on else []
        return {
            "title": self.text("payout" if self_bill else "payment"),
            "rows": self.labelled(rows),
            "svg": code.svg().decode() if code else None,
            "scan": self.text("scan"),
        }

    def foot(self) -> Row:
        document = self.document
        first = self.text("unsigned" if document.kind != "statement" else "not_payable_short")
        check = f"{self.text('check')} {document.digest()[:16]}"
        known = check if is_draft(document) else f"{document.series} {number_text(document.number)} · {check}"
        return [first, known]


def breakable(value: str, longest: int) -> str:
    """`value` with invisible places to break in words of more than `longest` letters, which would leave a column."""
    words = (
        ZERO_WIDTH_SPACE.join(word[i : i + longest] for i in range(0, len(word), longest)) for word in value.split(" ")
    )
    return " ".join(words)


def _decimals(values: Iterable[int]) -> int:
    """Three decimals of a kWh (or kW) where any value needs them, else none: so a column reads evenly and exactly."""
    return 3 if any(value % 1_000 for value in values) else 0


def _thousandths(value: int, decimals: int) -> int:
    return value if decimals else value // 1_000


def _is_whole_month(line: DocumentLine, on: date) -> bool:
    last = monthrange(on.year, on.month)[1]
    return (line.since, line.until) == (on.replace(day=1), on.replace(day=last))
