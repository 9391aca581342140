"""ISO 20022 CAMT.053, any version, read with defusedxml.

A document type, an entity or a reference to elsewhere is refused before anything is expanded. The elements are read
here and not by the library pycamt: that one turns balances into floating point, takes an amount from wherever below an
entry it first finds one, knows no account outside the IBAN world, and books entries that are only pending.

An entry of several transactions whose amounts make up the entry is as many movements; else the entry is one.
"""

import re
from collections.abc import Iterator
from datetime import date
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from settlement.domain.bank.blocks import joined
from settlement.domain.bank.statement import LONGEST_NAME, BankStatement, Problems, StatementLine, plain, refuse

_AMOUNT = re.compile(r"(?P<whole>[0-9]{1,18})(?:\.(?P<rest>[0-9]{1,5}))?")
_NO_REFERENCE = {"NOTPROVIDED", "NONREF"}


def parse_camt(data: bytes) -> BankStatement:
    """Raises BankFileError with all that is wrong."""
    root = _root(data)
    problems = Problems()
    blocks = []
    for number, statement in enumerate(_all(root, "BkToCstmrStmt", "Stmt"), start=1):
        block = _Reader(f"statement {number}", problems).statement(statement)
        blocks += [block] if block else []
    problems.check()
    return joined(blocks)


def _root(data: bytes) -> Element:
    try:
        root: Element = fromstring(data, forbid_dtd=True)
    except DefusedXmlException as error:
        raise refuse("forbidden_xml", "The file declares a document type or entities; a bank file has none.") from error
    except (ParseError, ValueError, LookupError, RecursionError) as error:
        raise refuse("bad_xml", f"The file is not well-formed XML ({plain(str(error), 100)}).") from error
    if _name(root) != "Document" or not list(_all(root, "BkToCstmrStmt")):
        raise refuse("no_statement", "The file is XML, but no statement in CAMT.053; download that format.")
    return root


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _all(element: Element, *path: str) -> Iterator[Element]:
    """The elements at the end of a path of direct children, whatever the version's namespace."""
    found = [element]
    for name in path:
        found = [child for parent in found for child in parent if _name(child) == name]
    yield from found


def _text(element: Element, *path: str) -> str:
    return next((child.text.strip() for child in _all(element, *path) if child.text and child.text.strip()), "")


class _Reader:
    """Reads one statement; `place` says where in the file."""

    def __init__(self, place: str, problems: Problems) -> None:
        self.place = place
        self.problems = problems

    def statement(self, element: Element) -> BankStatement | None:
        before = len(self.problems.found)
        opening, closing = self.balance(element, "OPBD", "PRCD"), self.balance(element, "CLBD")
        lines = [line for n, entry in enumerate(_all(element, "Ntry"), start=1) for line in self.entry(entry, n)]
        if len(self.problems.found) > before or opening is None or closing is None:
            return None
        number = _text(element, "Acct", "Id", "IBAN") or _text(element, "Acct", "Id", "Othr", "Id")
        return BankStatement(
            format="camt053",
            currency=self.currency(element),
            account=re.sub("[^0-9A-Za-z]", "", number),
            opening_dong=opening,
            closing_dong=closing,
            lines=tuple(lines),
        )

    def currency(self, element: Element) -> str:
        """The one currency of all amounts; empty where there are several."""
        amounts = [*_all(element, "Bal", "Amt"), *_all(element, "Ntry", "Amt")]
        found = {amount.get("Ccy", "") for amount in amounts}
        return found.pop() if len(found) == 1 else ""

    def balance(self, statement: Element, *codes: str) -> int | None:
        found = [bal for bal in _all(statement, "Bal") if _text(bal, "Tp", "CdOrPrtry", "Cd") in codes]
        if len(found) != 1:
            told = f"The statement needs one balance {codes[0]} and has {len(found)}."
            self.problems.add("no_balance", self.place, told)
            return None
        return self.amount(found[0], self.place)

    def amount(self, element: Element, place: str) -> int | None:
        """The signed amount of a balance or an entry."""
        amounts, mark = list(_all(element, "Amt")), _text(element, "CdtDbtInd")
        match = _AMOUNT.fullmatch((amounts[0].text or "").strip()) if len(amounts) == 1 else None
        if match is None or mark not in ("CRDT", "DBIT"):
            self.problems.add("bad_amount", place, "The amount needs a number (Amt) and CRDT or DBIT (CdtDbtInd).")
        elif int(match["rest"] or 0):
            self.problems.add("not_whole_dong", place, "The amount is not a whole number of đồng.")
        else:
            return int(match["whole"]) * (-1 if mark == "DBIT" else 1)
        return None

    def entry(self, entry: Element, number: int) -> list[StatementLine]:
        """The movements of an entry; none where it is not booked yet."""
        place = f"{self.place}, entry {number}"
        status = _text(entry, "Sts", "Cd") or _text(entry, "Sts")
        if status in ("PDNG", "INFO"):
            return []
        amount, on = self.amount(entry, place), self.booked_on(entry, place)
        if status != "BOOK":
            self.problems.add("bad_status", place, "The entry has no status (Sts), or an unknown one.")
        if amount == 0:
            self.problems.add("zero_amount", place, "The entry moves no money.")
        if not amount or on is None:
            return []
        details = list(_all(entry, "NtryDtls", "TxDtls"))
        parts = _parts(details, amount, next(iter(_all(entry, "Amt"))).get("Ccy", ""))
        if parts:
            pairs = zip(details, parts, strict=True)
            return [_movement(entry, [one], on, part, f"/{n}") for n, (one, part) in enumerate(pairs, start=1)]
        return [_movement(entry, details, on, amount, "")]

    def booked_on(self, entry: Element, place: str) -> date | None:
        written = (_text(entry, "BookgDt", "Dt") or _text(entry, "BookgDt", "DtTm"))[:10]
        try:
            if re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", written):
                return date.fromisoformat(written)
        except ValueError:
            pass
        self.problems.add("bad_date", place, "The entry has no booking date (BookgDt) like 2026-11-05.")
        return None


def _parts(details: list[Element], amount: int, currency: str) -> list[int]:
    """The amounts of an entry's transactions where there are several and they make up the entry; else none."""
    written = [next(iter([*_all(one, "Amt"), *_all(one, "AmtDtls", "TxAmt", "Amt")]), None) for one in details]
    matches = [
        _AMOUNT.fullmatch((amt.text or "").strip()) if amt is not None and amt.get("Ccy") == currency else None
        for amt in written
    ]
    if len(details) < 2 or any(match is None or int(match["rest"] or 0) for match in matches):
        return []
    sign = 1 if amount > 0 else -1
    parts = [sign * int(match["whole"]) for match in matches if match is not None]
    return parts if sum(parts) == amount and all(parts) else []


def _movement(entry: Element, details: list[Element], on: date, amount: int, suffix: str) -> StatementLine:
    reference = _text(entry, "AcctSvcrRef") or _text(entry, "NtryRef")
    texts = [text for one in details for text in _texts(one)] + [_text(entry, "AddtlNtryInf")]
    names = [_party(one, "Dbtr" if amount > 0 else "Cdtr") for one in details]
    return StatementLine(
        booked_on=on,
        amount_dong=amount,
        text=plain(" ".join(text for text in texts if text)),
        counterparty=plain(", ".join(dict.fromkeys(name for name in names if name)), LONGEST_NAME),
        reference=plain("" if reference in _NO_REFERENCE else reference + suffix if reference else ""),
    )


def _texts(details: Element) -> Iterator[str]:
    yield from (line.text or "" for line in _all(details, "RmtInf", "Ustrd"))
    yield _text(details, "RmtInf", "Strd", "CdtrRefInf", "Ref")
    yield _text(details, "RmtInf", "Strd", "AddtlRmtInf")
    end_to_end = _text(details, "Refs", "EndToEndId")
    yield "" if end_to_end in _NO_REFERENCE else end_to_end


def _party(details: Element, role: str) -> str:
    parties = ("RltdPties", role)
    return _text(details, *parties, "Nm") or _text(details, *parties, "Pty", "Nm")
