"""Whatever is written in words, a reader who knows nothing of the writer reads the same number."""

from hypothesis import given
from hypothesis import strategies as st

from units.words_en import number_in_english
from units.words_vi import number_in_vietnamese

NUMBERS = st.one_of(
    st.integers(-(10**18), 10**18),
    st.integers(0, 2_000),
    st.builds(lambda digits: int("".join(digits)), st.lists(st.sampled_from("0001459"), min_size=1, max_size=19)),
)
DIGITS = ["không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín"]
VARIANTS = {"mốt": 1, "tư": 4, "lăm": 5} | {word: value for value, word in enumerate(DIGITS)}


def read_vietnamese(text):
    """Word by word: a digit waits for what multiplies it; a tỷ multiplies all that was read before it."""
    words = text.split()
    if words[0] == "âm":
        return -read_vietnamese(" ".join(words[1:]))
    total = group = digit = 0
    for word in words:
        if word in VARIANTS:
            digit = VARIANTS[word]
        elif word in ("trăm", "mươi"):
            group, digit = group + digit * (100 if word == "trăm" else 10), 0
        elif word == "mười":
            group += 10
        elif word == "tỷ":
            total, group, digit = (total + group + digit) * 10**9, 0, 0
        elif word != "lẻ":
            total, group, digit = total + (group + digit) * {"nghìn": 10**3, "triệu": 10**6}[word], 0, 0
    return total + group + digit


ENGLISH = {
    word: value
    for value, word in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
        ]
    )
} | {
    word: 10 * value
    for value, word in enumerate(
        ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], start=2
    )
}
SCALES = {"thousand": 3, "million": 6, "billion": 9, "trillion": 12, "quadrillion": 15, "quintillion": 18}


def read_english(text):
    words = text.replace("-", " ").split()
    if words[0] == "minus":
        return -read_english(" ".join(words[1:]))
    total = group = 0
    for word in words:
        if word == "hundred":
            group *= 100
        elif word in SCALES:
            total, group = total + group * 10 ** SCALES[word], 0
        else:
            group += ENGLISH[word]
    return total + group


@given(NUMBERS)
def test_vietnamese_reads_back(number):
    assert read_vietnamese(number_in_vietnamese(number)) == number


@given(NUMBERS)
def test_english_reads_back(number):
    assert read_english(number_in_english(number)) == number


@given(st.integers(1, 10**18))
def test_vietnamese_keeps_to_the_rules_of_place(number):
    words = number_in_vietnamese(number).split()
    for before, word in zip(["", *words], words, strict=False):
        assert word not in ("mốt", "tư") or before == "mươi"
        assert word != "lăm" or before in ("mươi", "mười")
        assert word != "lẻ" or before == "trăm"
        assert not (before == "mươi" and word in ("một", "bốn", "năm"))
        assert not (before == "mười" and word == "năm")
