"""Taking in a bank file: once, as a whole, each movement once, and matched at once where a reference says so.

The site's row is held meanwhile, so two uploads at the same time wait for each other: the second finds the file, or the
movements, there. Every movement in goes to the suspense account of the site's first market when it comes, and leaves it
when it is matched or ignored; what stands there is at all times what is not matched yet.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction

from accounts.models import User
from accounts.operations import audit
from meters.models import Site
from settlement.domain.bank import BankFileError, BankStatement, Problem, movement_keys, parse_bank_file
from settlement.domain.matching_payments import Decision, OpenDocument, decide
from settlement.domain.references import find_references
from settlement.models import BankFile, BankLine, Issuer, LedgerTransaction
from settlement.operations.booking import BANK, SUSPENSE, book
from settlement.operations.paying import Posted, pay_with_line
from settlement.queries.documents import home_market_id, referenced_documents
from trading.models import Market


@dataclass(frozen=True, slots=True)
class Imported:
    """What an upload brought. `known` movements were there already; of the `new`, some found their documents."""

    file_id: int
    new: int
    known: int
    matched: int
    unmatched: int


def import_bank_file(*, site: Site, data: bytes, name: str, by: User | None, at: datetime) -> Imported:
    """Take a statement in. The same bytes again change nothing, and movements of an overlapping file are skipped.

    Raises BankFileError with all that is wrong with the file, also `other_account` and `no_market`.
    """
    statement = parse_bank_file(data, name)
    with transaction.atomic():
        Site.objects.select_for_update(no_key=True).get(pk=site.pk)
        _check_account(site, statement)
        digest = hashlib.sha256(data).hexdigest()
        there = BankFile.objects.filter(site=site, digest=digest).first()
        if there is not None:
            return Imported(there.pk, 0, len(statement.lines), 0, 0)
        file = BankFile.objects.create(
            site=site, name=name[-120:], format=statement.format, digest=digest, by=by, at=at
        )
        return _take_in(file, statement, by, at)


def _check_account(site: Site, statement: BankStatement) -> None:
    issuer = Issuer.objects.filter(site=site).first()
    own = "".join(letter for letter in issuer.bank_account if letter.isalnum()) if issuer else ""
    if own and statement.account and not statement.account.endswith(own):
        told = f"The file is of account {statement.account}, not of the site's account {own}."
        raise BankFileError([Problem("other_account", "", told)])
    if not Market.objects.filter(site=site).exists():
        raise BankFileError([Problem("no_market", "", "The site has no market yet, so nobody can have paid here.")])


def _take_in(file: BankFile, statement: BankStatement, by: User | None, at: datetime) -> Imported:
    new = _new_lines(file, statement)
    _to_suspense(file.site_id, new, at)
    matched = _match(new, by, at)
    imported = Imported(file.pk, len(new), len(statement.lines) - len(new), matched, len(new) - matched)
    detail = {"name": file.name, "format": file.format, "new": imported.new, "known": imported.known}
    audit(by=by, action="bank_file.imported", target=f"bank file {file.pk}", detail=detail, at=at)
    return imported


def _new_lines(file: BankFile, statement: BankStatement) -> list[BankLine]:
    keys = movement_keys(statement.lines)
    known = set(
        BankLine.objects.filter(site_id=file.site_id, bank_reference__in=keys).values_list("bank_reference", flat=True)
    )
    return BankLine.objects.bulk_create(
        BankLine(
            file=file,
            site_id=file.site_id,
            position=position,
            booked_on=line.booked_on,
            amount_dong=line.amount_dong,
            text=line.text,
            counterparty=line.counterparty,
            bank_reference=key,
        )
        for position, (line, key) in enumerate(zip(statement.lines, keys, strict=True), start=1)
        if key not in known
    )


def _to_suspense(site_id: int, lines: Sequence[BankLine], at: datetime) -> None:
    home, category = home_market_id(site_id), LedgerTransaction.Category.SUSPENSE
    for line in lines:
        if line.amount_dong > 0:
            dong = {BANK: -line.amount_dong, SUSPENSE: line.amount_dong}
            book(market_id=home, category=category, dong=dong, at=at)


def _match(lines: Sequence[BankLine], by: User | None, at: datetime) -> int:
    """How many the references in their text decided. All documents are held, by id, before the first is paid, and the
    market only at the end."""
    named = {reference for line in lines for reference in find_references(line.text)}
    site_id = lines[0].site_id if lines else 0
    documents = referenced_documents(site_id, named, lock=True) if named else {}
    posted, matched = Posted(), 0
    for line in lines:
        decision = decide(line.amount_dong, line.text, documents)
        if decision is not None:
            pay_with_line(line, decision, posted, by=by, at=at)
            _paid(documents, decision)
            matched += 1
    posted.move()
    return matched


def _paid(documents: dict[str, OpenDocument], decision: Decision) -> None:
    parts = dict(decision.parts)
    for reference, document in documents.items():
        if document.invoice_id in parts:
            left = document.open_dong - parts[document.invoice_id]
            documents[reference] = replace(document, open_dong=left)
