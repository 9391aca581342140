"""Whatever an operation may refuse is listed for the catalogue and told in Vietnamese with its own figures."""

import re
from itertools import combinations, product

import pytest

from accounts.domain.phrases import COUNTED, DIGITS, NESTED, PLACE, written
from accounts.words import phrases, sentences_by_app
from tests.messages import ROOT
from tests.said import Said, said_in
from tests.unit.test_translations import translations

VIETNAMESE = translations()
APPS = ("accounts", "meters", "tariffs", "trading", "settlement", "planning")
# Modules whose sentences no page and no answer of the API shows.
ELSEWHERE = {
    "trading/domain/replay": "read from a terminal: replays",
    "trading/domain/stream": "a fault of the log, for whoever looks into it",
    "trading/operations/scratch": "read from a terminal: replays",
    "trading/feed": "the socket's protocol: scripts read the code",
    "trading/hub": "the socket's protocol",
    "trading/consumers": "the socket's protocol",
    "settlement/domain/replay": "read from a terminal: replays",
    "settlement/evidence": "texts of the pack, in both languages there",
    "settlement/documents/texts": "texts of documents, in both languages there",
    "accounts/api/openapi": "the description of the API",
    "tariffs/models/guards": "what the database says to a shell that goes round the operations",
}
# A sentence in parts, as the walk finds it → sentences that come of it. None: it is never said so.
IN_PARTS: dict[str, tuple[str, ...]] = {
    "Expected: 7, and 7 if you wish.": (
        "Missing; found “a”. Expected: start, wh, and quality if you wish.",
        "No header: found “a”. Expected: start, wh, and quality if you wish.",
        "Unknown column “a”; remove it. Expected: start, wh, and quality if you wish.",
    ),
    "Save it again as “CSV UTF-8”.": ("The file is encoded as UTF-16. Save it again as “CSV UTF-8”.",),
    "“7” 7": (
        "“MP 1” is no metering point of this site; correct or onboard it.",
        "“good” is no quality; use one of measured, estimated, corrected.",
    ),
    "7 has the bounds of a tier; its period must be tier then.": (
        "The row 06:00–22:00 from 2026-01-01 has the bounds of a tier; its period must be tier then.",
    ),
    "7 is a tier; it must hold all day on all seven days of the week.": (
        "The row 06:00–22:00 from 2026-01-01 is a tier; it must hold all day on all seven days of the week.",
    ),
    "7 is a tier that ends before it begins; give its Wh from low to high.": (
        "The row 06:00–22:00 from 2026-01-01 is a tier that ends before it begins; give its Wh from low to high.",
    ),
    "7–7 has two prices on a 7; let the rows meet without overlapping.": (
        "06:00–22:00 has two prices on a Monday in the dates from 2026-01-01; let the rows meet without overlapping.",
    ),
    "7–7 has no price on a 7; add a row that covers it.": (
        "06:00–22:00 has no price on a Sunday in the dates from 2026-01-01; add a row that covers it.",
    ),
    "7: intervals are settled until 7. Let the change begin after that day.": tuple(
        f"{what}: intervals are settled until 2026-10-31. Let the change begin after that day."
        for what in (
            "The tariff TOU would change where it has been used",
            "A row of the tariff TOU would end on another day",
            "The participant's tariff would change from 2026-10-01",
            "The terms of campus would change from 2026-10-01",
            "The network fee from A to B would change from 2026-10-01",
            "The VAT on electricity in VN would change from 2026-10-01",
            "The emission factor of VN would change from 2026-10-01",
            "The price for power of TOU would change from 2026-10-01",
        )
    ),
    "The tariff 7 would change where it has been used": (),
    "A row of the tariff 7 would end on another day": (),
    "7 would change from 7": (),
    "The file is of account 7, not of the site's account .": (
        "The file is of account 0123, not of the site's account 4567.",
    ),
    # Two branches that the walk cannot keep apart.
    "The statement does not open where the one before closed; one between them is missing.; lines are missing or "
    "doubled. Download the file again.": (),
    # Faults of a program, which reach a log and no reader.
    "a name stands twice in one table": (),
    "The document is not of version wattbourse-document-1.": (),
    "7 does not fit into a payment reference of 7 digits.": (),
}
# The notes of the standing instructions' orders, in all their forms.
NOTES = tuple(
    f"forecast {kind} 1.2 kWh at 12:00{moving}"
    for kind, moving in product(("surplus", "need"), (", limit 1,500", ", limit 1,500 rising to 1,600"))
) + tuple(
    f"forecast {kind} 1.2 kWh at 12:00{stored}, limit 1,500{moving}"
    for kind, stored in (("surplus", ""), ("surplus", " and energy in storage"), ("need", " and energy in storage"))
    for moving in ("", " falling to 1,100")
)
# Sentences with so many parts that the walk does not see one in them.
ALSO = (
    *NOTES,
    "MP 1 lacks the row for 2026-06-01 06:00 +0700; it will be estimated until the reading comes.",
    "MP 1 lacks 9 rows, the first for 2026-06-01 06:00 +0700; add what is missing, or allow gaps to have it estimated.",
    "The file is empty.",
    "Nobody trades with itself. Off by 3 [pool_with_itself]",
)
SAMPLES = {"on": "2026-10-31", "until": "2026-11-30", "month": "2026-10", "law": "Nobody trades with itself.",
           "told": "You have no such token.", "advice": "it will be estimated until the reading comes."}  # fmt: skip


def said() -> set[Said]:
    lists = {f"{app}/{part}" for app in APPS for part in ("refusals", "migrations", "management")}
    return {each for app in APPS for each in said_in(app, lists | set(ELSEWHERE))}


def listed() -> list[str]:
    return [sentence for sentences in sentences_by_app().values() for sentence in sentences]


def with_places() -> list[str]:
    return [phrase for phrase in dict.fromkeys(listed()) if PLACE.search(phrase)]


def values_of(phrase: str) -> dict[str, str]:
    """Something different for each place: an amount where one belongs, else a name that is in no language."""
    names = list(dict.fromkeys(PLACE.findall(phrase)))
    return {name: SAMPLES.get(name) or _sample(name, place) for place, name in enumerate(names)}


def _sample(name: str, place: int) -> str:
    if name in DIGITS:
        return str(12 + place)
    return str(12_345 + place) if name in COUNTED else f"Qx{place}"


def example_of(phrase: str) -> str:
    values = values_of(phrase)
    return PLACE.sub(lambda found: values[found[1]], phrase)


def test_every_sentence_that_an_app_says_is_listed() -> None:
    unknown = {each.text: each.where for each in said() if phrases().find(each.text) is None}
    assert {text: where for text, where in unknown.items() if text not in IN_PARTS} == {}
    assert [text for text in IN_PARTS if text not in unknown] == [], "no longer said in parts"


def test_sentences_said_in_parts_are_listed_whole() -> None:
    whole = [*ALSO, *(example for examples in IN_PARTS.values() for example in examples)]
    assert [example for example in whole if phrases().find(example) is None] == []


def test_every_listed_sentence_is_said_by_something() -> None:
    """Else an operation was reworded, and the reader gets English."""
    whole = [example for examples in IN_PARTS.values() for example in examples]
    spoken = [*(each.text for each in said()), *whole, *ALSO]
    found = {match.phrase for text in spoken if (match := phrases().find(text))}
    source = "".join(
        file.read_text(encoding="utf-8")
        for app in (*APPS, "units")
        for file in (ROOT / app).rglob("*.py")
        if "refusals" not in file.parts[-1] and "refusals" not in file.parts[-2]
    )
    silent = [phrase for phrase in listed() if phrase not in found and not _stands_in(source, phrase)]
    assert silent == []


def _stands_in(source: str, phrase: str) -> bool:
    """Whether all the words of a phrase between its places are in the source."""
    return all(part.strip() in source for part in PLACE.split(phrase)[::2])


def test_every_listed_sentence_has_a_vietnamese_one() -> None:
    assert [phrase for phrase in listed() if not VIETNAMESE.get(phrase)] == []


@pytest.mark.parametrize("phrase", with_places())
def test_a_sentence_comes_back_in_vietnamese_with_its_figures(phrase: str) -> None:
    told = phrases().said(example_of(phrase), "vi", VIETNAMESE.__getitem__)
    expected = VIETNAMESE[phrase]
    for name, value in values_of(phrase).items():
        figure = VIETNAMESE[value] if name in NESTED else written(name, value, "vi")
        assert figure in told
        expected = expected.replace(f"{{{name}}}", figure)
    assert told == expected


def test_no_sentence_is_taken_for_another() -> None:
    examples = {phrase: example_of(phrase) for phrase in with_places()}
    fits = {phrase: phrases().all_that_fit(example) for phrase, example in examples.items()}
    assert {phrase: found for phrase, found in fits.items() if found[0] != phrase} == {}
    both = [(a, b) for a, b in combinations(examples, 2) if b in fits[a] and a in fits[b]]
    assert both == []
    assert [phrase for phrase in listed() if not PLACE.search(phrase) and phrases().all_that_fit(phrase)[1:]] == []


def test_a_place_has_words_on_one_side_at_least() -> None:
    """A phrase that is nearly all places would fit whatever is said."""
    assert [phrase for phrase in with_places() if len(re.sub(r"\W", "", PLACE.sub("", phrase))) < 4] == []
