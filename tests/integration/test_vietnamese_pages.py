"""Every page, read in Vietnamese, says nothing in English.

Two nets: no text of a page is an English sentence of the catalogue that has another one in Vietnamese, and none has
the small words of English in it. What people or documents wrote stays as it was written.
"""

import re

import pytest

from tests.office_world import Office, make_office
from tests.page_texts import texts_of
from tests.site_pages import ADMINISTRATOR, AUDITOR, MEMBER, STRANGER, WAITING, find_pages
from tests.unit.test_translations import translations
from tests.visitors import as_contexts, visitors

# How a language calls itself; the world's login `owner` and zone `site`, which the catalogue happens to have as words.
NAMES = {"English", "owner", "site"}
# What somebody wrote, in whatever language.
WRITTEN = (
    "The inverter was switched off by the grid operator, so nothing could be delivered.",
    "A higher surplus price",
    "Board decision 12/2026",
    "Terms 2027",
    "From the mill's own logger",
    "vat_registered là yes hoặc no",
    "“No.”",
)
ENGLISH = re.compile(
    r"\b(the|is|are|was|were|of|and|to|from|with|for|not|has|have|this|that|your|you|no|yes|per|by|until|since|only)\b",
    re.IGNORECASE,
)


@pytest.fixture
def office(db: None, monkeypatch: pytest.MonkeyPatch) -> Office:
    monkeypatch.setenv("WATTBOURSE_STAFF_SECOND_STEP", "0")
    monkeypatch.setenv("WATTBOURSE_WALLS", "w")
    return make_office()


def untranslated(texts: list[str], english: set[str]) -> list[str]:
    return [text for text in texts if text in english or ENGLISH.search(_without_what_was_written(text))]


def _without_what_was_written(text: str) -> str:
    for written in WRITTEN:
        text = text.replace(written, "")
    return text


def test_no_page_says_anything_in_english(office: Office) -> None:
    people = visitors(office, "vi")
    del people[AUDITOR]  # sees what the administrator sees, less the buttons
    pages, _ = find_pages(office, as_contexts(people))
    assert {who for page in pages for who in page.people} == {STRANGER, MEMBER, ADMINISTRATOR, WAITING}
    english = {one for one, other in translations().items() if one != other} - NAMES
    found = []
    for page in pages:
        answer = people[page.people[0]].get(page.address)
        assert 'lang="vi"' in answer.body, page.address
        if left := untranslated(texts_of(answer.body), english):
            found += [f"{page.name}: {text}" for text in left]
    assert not found, "\n" + "\n".join(found)
