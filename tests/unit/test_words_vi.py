"""The Vietnamese of the catalogue keeps to the words that docs/words-vi.md lists."""

import re

from tests.messages import ROOT
from tests.unit.test_translations import translations

ROW = re.compile(r"^\| ([^|]+) \| ([^|]+) \|([^|]*)\|", re.MULTILINE)


def words() -> list[tuple[str, str, list[str]]]:
    """(English term, its Vietnamese, what is not said for it)."""
    rows = ROW.findall((ROOT / "docs/words-vi.md").read_text(encoding="utf-8"))
    return [
        (term.strip(), told.strip(), [each.strip() for each in others.split(",") if each.strip()])
        for term, told, others in rows
        if term != "English"
    ]


def test_each_term_has_one_word() -> None:
    terms = [term for term, _, _ in words()]
    assert len(terms) > 40
    assert len(set(terms)) == len(terms)
    assert [term for term, told, others in words() if told in others] == []


def test_no_other_word_is_said_for_a_term() -> None:
    found = [
        f"{term}: {other} in {vietnamese!r}"
        for english, vietnamese in translations().items()
        for term, _, others in words()
        if re.search(rf"\b{term}s?\b", english, re.IGNORECASE)
        for other in others
        if re.search(rf"(?<!\w){other}(?!\w)", vietnamese, re.IGNORECASE)
    ]
    assert not found, "\n" + "\n".join(found)
