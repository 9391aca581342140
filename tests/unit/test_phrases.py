"""A sentence said in English is recognised with its figures and names, and told again in Vietnamese."""

import pytest

from accounts.domain.phrases import Found, Phrases

VIETNAMESE = {
    "There is no such order of yours.": "Bạn không có lệnh nào như vậy.",
    "The price must be a whole multiple of {bound} VND/kWh.": "Giá phải là bội số của {bound} đồng/kWh.",
    "{name} is not over before {on}.": "Đến {on} thì {name} mới xong.",
    "{name} is not over.": "{name} chưa xong.",
    "The row of {month} with {code} is used up to {most} Wh.": "Dòng {month} có {code} dùng tối đa {most} Wh.",
    "{code} differs; write {code} everywhere.": "{code} khác nhau; hãy ghi {code} ở mọi nơi.",
    "forecast surplus {energy} at {at}, limit {price}": "dự báo dư {energy} lúc {at}, giá giới hạn {price}",
    "no row": "không có dòng nào",
    "The file has {what}.": "Tệp {what}.",
}
PHRASES = Phrases(VIETNAMESE)


def said(sentence: str) -> str:
    return PHRASES.said(sentence, "vi", VIETNAMESE.__getitem__)


@pytest.mark.parametrize(
    ("english", "vietnamese"),
    [
        ("There is no such order of yours.", "Bạn không có lệnh nào như vậy."),
        ("The price must be a whole multiple of 1250 VND/kWh.", "Giá phải là bội số của 1.250 đồng/kWh."),
        ("The price must be a whole multiple of -50 VND/kWh.", "Giá phải là bội số của −50 đồng/kWh."),
        ("2026-10 is not over before 2026-11-01.", "Đến 01/11/2026 thì 10/2026 mới xong."),
        ("2026-13 is not over.", "2026-13 chưa xong."),
        ("The row of 2026-10 with 0123456789 is used up to 1,250,000 Wh.",
         "Dòng 10/2026 có 0123456789 dùng tối đa 1.250.000 Wh."),
        ("forecast surplus 1.2 kWh at 12:00, limit 1,500", "dự báo dư 1,2 kWh lúc 12:00, giá giới hạn 1.500"),
        ("The file has no row.", "Tệp không có dòng nào."),
        ("a\nb is not over.", "a\nb chưa xong."),
        ("Nobody listed this.", "Nobody listed this."),
        ("", ""),
    ],
)  # fmt: skip
def test_a_sentence_is_told_with_its_figures(english: str, vietnamese: str) -> None:
    assert said(english) == vietnamese


def test_sentences_that_stand_one_after_another_are_told_one_by_one() -> None:
    told = said("There is no such order of yours. It rains. The file has no row.")
    assert told == "Bạn không có lệnh nào như vậy. It rains. Tệp không có dòng nào."


def test_the_phrase_with_more_letters_of_its_own_wins() -> None:
    assert PHRASES.find("A is not over before B.") == Found("{name} is not over before {on}.", {"name": "A", "on": "B"})


def test_a_place_that_stands_twice_holds_the_same_both_times() -> None:
    assert said("TOU differs; write TOU everywhere.") == "TOU khác nhau; hãy ghi TOU ở mọi nơi."
    assert PHRASES.find("TOU differs; write tou everywhere.") is None
