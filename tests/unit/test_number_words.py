"""Numbers in words: the cases over which accountants stumble, written out by hand."""

import pytest

from settlement.documents.words import amount_in_words
from units.words_en import NumberTooLarge, number_in_english
from units.words_vi import number_in_vietnamese

VIETNAMESE = {
    0: "không",
    1: "một",
    4: "bốn",
    5: "năm",
    10: "mười",
    11: "mười một",
    14: "mười bốn",
    15: "mười lăm",
    20: "hai mươi",
    21: "hai mươi mốt",
    24: "hai mươi tư",
    25: "hai mươi lăm",
    44: "bốn mươi tư",
    55: "năm mươi lăm",
    91: "chín mươi mốt",
    100: "một trăm",
    101: "một trăm lẻ một",
    104: "một trăm lẻ bốn",
    105: "một trăm lẻ năm",
    110: "một trăm mười",
    111: "một trăm mười một",
    115: "một trăm mười lăm",
    121: "một trăm hai mươi mốt",
    1_000: "một nghìn",
    1_001: "một nghìn không trăm lẻ một",
    1_010: "một nghìn không trăm mười",
    1_021: "một nghìn không trăm hai mươi mốt",
    1_100: "một nghìn một trăm",
    10_005: "mười nghìn không trăm lẻ năm",
    15_000: "mười lăm nghìn",
    21_000: "hai mươi mốt nghìn",
    105_000: "một trăm lẻ năm nghìn",
    101_001: "một trăm lẻ một nghìn không trăm lẻ một",
    1_000_000: "một triệu",
    1_000_001: "một triệu không trăm lẻ một",
    1_005_000: "một triệu không trăm lẻ năm nghìn",
    1_234_505: "một triệu hai trăm ba mươi tư nghìn năm trăm lẻ năm",
    10**9: "một tỷ",
    10**9 + 1: "một tỷ không trăm lẻ một",
    10**9 + 10**6: "một tỷ không trăm lẻ một triệu",
    10**12: "một nghìn tỷ",
    1_001 * 10**9: "một nghìn không trăm lẻ một tỷ",
    10**15: "một triệu tỷ",
    10**18: "một tỷ tỷ",
    10**18 + 10**9: "một tỷ không trăm lẻ một tỷ",
    -105: "âm một trăm lẻ năm",
}
ENGLISH = {
    0: "zero",
    13: "thirteen",
    21: "twenty-one",
    100: "one hundred",
    115: "one hundred fifteen",
    1_001: "one thousand one",
    10_005: "ten thousand five",
    105_000: "one hundred five thousand",
    1_000_000: "one million",
    10**9 + 1: "one billion one",
    10**18: "one quintillion",
    -40: "minus forty",
}


@pytest.mark.parametrize(("number", "words"), VIETNAMESE.items())
def test_vietnamese(number, words):
    assert number_in_vietnamese(number) == words


@pytest.mark.parametrize(("number", "words"), ENGLISH.items())
def test_english(number, words):
    assert number_in_english(number) == words


def test_english_has_no_name_beyond_twenty_four_digits():
    with pytest.raises(NumberTooLarge) as refused:
        number_in_english(10**24)
    assert refused.value.code == "number_too_large"


def test_an_amount_begins_with_a_capital_and_ends_with_the_currency():
    assert amount_in_words(63_700, "vi") == "Sáu mươi ba nghìn bảy trăm đồng"
    assert amount_in_words(0, "vi") == "Không đồng"
    assert amount_in_words(-1, "vi") == "Âm một đồng"
    assert amount_in_words(63_700, "en") == "Sixty-three thousand seven hundred Vietnamese dong"
