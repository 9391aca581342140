"""Which documents a movement on the bank account pays, and how far. Pure: documents in, a decision out.

Only a payment reference decides by itself. Amount and name are suggestions for a person, because two tenants may owe
the same and one may pay for the other. Money is given to the named documents in the order of their due dates:

| came in | open documents named | goes to |
|---|---|---|
| 500,000 | A 500,000 | A, which is paid |
| 200,000 | A 500,000 | A, of which 300,000 stay open |
| 900,000 | A 500,000, B 300,000 | A, B, and 100,000 into the prepayment |
| 500,000 | A, already paid | 500,000 into the prepayment |

Money out is matched the same way with documents that the participant is to be paid; it must not be more than they come
to.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from settlement.domain.references import find_references, squeezed


@dataclass(frozen=True, slots=True)
class OpenDocument:
    """An issued document. `open_dong` is what is not paid yet: positive is owed by the participant, negative to it."""

    invoice_id: int
    market_id: int
    participant_id: int
    reference: str
    total_dong: int
    open_dong: int
    due_on: date
    names: tuple[str, ...] = ()

    def named(self, names: tuple[str, ...]) -> "OpenDocument":
        """The same, with what its payer may be called in a transfer: names, code, bank account."""
        return replace(self, names=names)


@dataclass(frozen=True, slots=True)
class Decision:
    """What a movement does: đồng by document with the movement's sign, and the rest for the prepayment."""

    market_id: int
    participant_id: int
    parts: tuple[tuple[int, int], ...]
    rest_dong: int


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Documents that a movement may pay, for a person to decide. `reason` is a stable code."""

    invoice_ids: tuple[int, ...]
    reason: str


def decide(amount_dong: int, text: str, documents: Mapping[str, OpenDocument]) -> Decision | None:
    """The documents (by reference) that the text names, if all of them are known, one participant's and of the
    movement's direction; None where a person has to decide."""
    references = find_references(text)
    named = [documents[reference] for reference in references if reference in documents]
    if not references or len(named) < len(references) or not _fit(amount_dong, named):
        return None
    parts, rest = distribute(amount_dong, named)
    if rest < 0:
        return None
    return Decision(named[0].market_id, named[0].participant_id, parts, rest)


def _fit(amount_dong: int, documents: Sequence[OpenDocument]) -> bool:
    owners = {(document.market_id, document.participant_id) for document in documents}
    return len(owners) == 1 and all(amount_dong * document.total_dong > 0 for document in documents)


def distribute(amount_dong: int, documents: Iterable[OpenDocument]) -> tuple[tuple[tuple[int, int], ...], int]:
    """The amount given to documents of its sign, due first served first: (parts by document, what is left)."""
    left, parts = amount_dong, []
    for document in sorted(documents, key=lambda each: (each.due_on, each.invoice_id)):
        part = min(left, document.open_dong) if amount_dong > 0 else max(left, document.open_dong)
        if part * amount_dong > 0:
            parts.append((document.invoice_id, part))
            left -= part
    return tuple(parts), left


def suggest(amount_dong: int, text: str, documents: Iterable[OpenDocument]) -> tuple[Suggestion, ...]:
    """Open documents that a movement without a usable reference may mean, the best first: named in the text; amount
    and name; all that one participant named there owes; the amount alone."""
    fitting = [document for document in documents if document.open_dong * amount_dong > 0]
    references = set(find_references(text))
    named = tuple(document.invoice_id for document in fitting if document.reference in references)
    known = [document for document in fitting if _is_named(document, text)]
    found = [Suggestion(named, "reference")] if named else []
    found += [Suggestion((d.invoice_id,), "amount_and_name") for d in known if d.open_dong == amount_dong]
    found += _all_of_one(amount_dong, known)
    exact = [document.invoice_id for document in fitting if document.open_dong == amount_dong]
    taken = {ids for suggestion in found for ids in suggestion.invoice_ids}
    found += [Suggestion((pk,), "amount") for pk in exact if pk not in taken]
    return tuple(found[:MOST_SUGGESTIONS])


MOST_SUGGESTIONS = 5
SHORTEST_NAME = 4


def _is_named(document: OpenDocument, text: str) -> bool:
    letters = squeezed(text)
    names = (squeezed(name) for name in document.names)
    return any(len(name) >= SHORTEST_NAME and name in letters for name in names)


def _all_of_one(amount_dong: int, documents: Sequence[OpenDocument]) -> list[Suggestion]:
    """Participants who owe several documents that make up the amount together."""
    by_owner: dict[tuple[int, int], list[OpenDocument]] = {}
    for document in documents:
        by_owner.setdefault((document.market_id, document.participant_id), []).append(document)
    return [
        Suggestion(tuple(document.invoice_id for document in owned), "sum_and_name")
        for owned in by_owner.values()
        if len(owned) > 1 and sum(document.open_dong for document in owned) == amount_dong
    ]
