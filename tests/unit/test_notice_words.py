"""Every kind of notice has its sentences in both languages; ways, quiet hours and waits are as their examples say."""

import doctest
import re

import pytest

from accounts.domain import notices
from accounts.domain.notice_sentences import group_names, said, sentences, topic_names
from accounts.domain.notices import (
    GROUPS,
    KINDS,
    TOLD_OF_LOGIN,
    TOPICS,
    Ways,
    choices_of,
    is_quiet,
    usual_ways,
    wait_after,
)
from accounts.domain.sentences import templates
from tests.unit.test_translations import translations

PLACE = re.compile(r"\{(\w+)\}")
FIGURES = {
    "who": "Nhà B2", "month_on": "2026-10-01", "due_on": "2026-11-15", "total_dong": 412_000, "open_dong": 412_000,
    "amount_dong": 300_000, "on_on": "2026-10-12", "interval": "10:00–10:30", "decision": "The inverter was off.",
    "change_millidong": -5_300_400, "sold_wh": 12_300, "bought_wh": 4_000, "saved_millidong": 9_000_000, "used_pct": 18,
    "cap_pct": 20, "meter": "MP-7", "hours": 7, "person": "An", "market_name": "Campus", "what": "tariff",
    "from_on": "2026-12-01", "documents": 42, "count": 3, "role": "trader", "device": "Firefox, Linux", "left": 9,
    "passkey": "Phone", "note": "The plate says 8 kW.", "email": "an@example.vn",
}  # fmt: skip
AMOUNTS = re.compile(r"_dong$|_millidong$|_wh$")


def same(text: str) -> str:
    return text


def test_every_kind_has_sentences_and_a_name_where_it_can_be_chosen() -> None:
    assert set(sentences(same)) == set(KINDS)
    assert set(topic_names(same)) == set(TOPICS) - {"login"}
    assert {kind.topic for kind in KINDS.values()} == set(TOPICS)
    assert set(group_names(same)) == set(GROUPS)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_is_told_in_both_languages_with_all_its_figures(kind: str) -> None:
    known = translations()
    english = said(kind, FIGURES, "en", same)
    other = said(kind, FIGURES, "vi", lambda text: known[text])
    for one, two in zip(
        (english.title, english.plain, english.body), (other.title, other.plain, other.body), strict=True
    ):
        assert one and two and one != two
        assert "{" not in one + two and "–" not in (one + two).replace("10:00–10:30", "")


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_what_stands_on_a_locked_screen_names_no_amount(kind: str) -> None:
    _, plain, body = sentences(same)[kind]
    named = set(PLACE.findall(plain)) | (set(PLACE.findall(body)) - {"saved_millidong"})
    assert not [name for name in named if AMOUNTS.search(name)]


def test_figures_are_written_as_the_reader_does() -> None:
    known = translations()
    assert said("bill_issued", FIGURES, "en", same).title == "Bill of Nhà B2 for October 2026: ₫412,000"
    told = said("bill_issued", FIGURES, "vi", lambda text: known[text])
    assert told.title == "Hóa đơn của Nhà B2 cho tháng 10/2026: 412.000 ₫"
    assert "15/11/2026" in told.body
    assert said("rules_changed", FIGURES, "en", same).title == "Retail prices change for Nhà B2 from 1 December 2026"


def test_a_kind_of_a_later_release_and_a_missing_figure_are_told_plainly() -> None:
    assert said("moon_risen", {}, "en", same).title == "There is news for you."
    assert said("bill_issued", {"who": "B2"}, "en", same).title == "Bill of B2 for –: –"


def test_what_the_trail_says_of_a_login_has_a_notice() -> None:
    assert set(TOLD_OF_LOGIN) <= set(templates(same))
    assert all(KINDS[kind].always for kind in TOLD_OF_LOGIN.values())


def test_examples_in_the_module() -> None:
    assert doctest.testmod(notices).failed == 0


def test_owners_hear_of_bills_by_every_way_and_viewers_in_the_inbox() -> None:
    assert usual_ways("documents", {"owner", "self"}) == Ways(True, True)
    assert usual_ways("documents", {"viewer", "self"}) == Ways(False, False)
    assert "closes" in choices_of({"administrator", "self"})
    assert "closes" not in choices_of({"owner", "self"})
    assert "login" not in choices_of({"owner", "administrator", "self"})


def test_quiet_hours_may_run_over_midnight() -> None:
    night = [minute for minute in range(1_440) if is_quiet(minute, 22 * 60, 6 * 60)]
    assert len(night) == 8 * 60 and 0 in night and 22 * 60 in night and 6 * 60 not in night
    assert not any(is_quiet(minute, 300, 300) for minute in range(1_440))


def test_waits_grow_to_six_hours() -> None:
    waits = [wait_after(attempts) for attempts in range(1, 9)]
    assert waits[:3] == [30, 120, 480] and waits == sorted(waits) and waits[-1] == 6 * 3_600
