"""What people type into the forms for rules, and what the rulebook gets of it."""

import pytest

from portal.office.rule_fields import Field, FieldError, plain, rest_of_day, span_text

PERCENT = Field("rate_bp", "Rate", "decimal", unit="%", decimals=2, most=10_000)
MONEY = Field("price", "Fee", unit="₫/kWh")
HOURS = Field("peak", "Peak", "hours", required=False)


@pytest.mark.parametrize(
    ("asked", "text", "kept"),
    [
        (PERCENT, "8", 800), (PERCENT, "8.5", 850), (PERCENT, "8,25 %", 825), (PERCENT, "0", 0),
        (MONEY, "1250", 1_250), (MONEY, "1.250", 1_250), (MONEY, "1,250 ₫", 1_250), (MONEY, "12 500", 12_500),
        (Field("kwh", "", "decimal", decimals=3, most=10**9), "0.25", 250),
        (Field("day", "", "day"), "2027-01-01", "2027-01-01"),
        (Field("day", "", "day", required=False), "", None),
        (Field("official", "", "yes"), "", False), (Field("official", "", "yes"), "yes", True),
        (HOURS, "9:30-11:30, 17:00–20:00", [(19, 23), (34, 40)]), (HOURS, "22:00-24:00", [(44, 48)]), (HOURS, "", []),
    ],
)  # fmt: skip
def test_what_is_typed_is_kept_in_the_rulebooks_unit(asked, text, kept) -> None:
    assert asked.read(text) == kept


@pytest.mark.parametrize(
    ("asked", "text", "told"),
    [
        (MONEY, "", "Fill this in"), (MONEY, "much", "Write a number"), (MONEY, "12.5", "Write a number|decimals"),
        (MONEY, "-1", "from 0 to 1000000"), (MONEY, "9" * 30, "Write a number"), (MONEY, "1e5", "Write a number"),
        (PERCENT, "8.555", "2 decimals"), (PERCENT, "101", "from 0 to 100"), (PERCENT, "NaN", "Write a number"),
        (Field("zone", "", "choice", choices=[("a", "A")]), "b", "Choose one"),
        (Field("day", "", "day"), "31/12/2027", "Choose a day"),
        (Field("why", "", "text", longest=3), "long", "3 letters"),
        (HOURS, "9-11", "Write hours"), (HOURS, "09:15-11:30", "half hours"), (HOURS, "11:00-09:00", "half hours"),
        (HOURS, "20:00-24:30", "half hours"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_a_sentence(asked, text, told) -> None:
    with pytest.raises(FieldError, match=told):
        asked.read(text)


def test_the_rest_of_a_day_is_what_nobody_took() -> None:
    peak, offpeak = [(19, 23), (34, 40)], [(44, 48), (0, 8)]
    assert [span_text(span) for span in rest_of_day(peak, offpeak)] == ["04:00-09:30", "11:30-17:00", "20:00-22:00"]
    assert rest_of_day() == [(0, 48)] and rest_of_day([(0, 48)]) == []
    with pytest.raises(FieldError, match="in common"):
        rest_of_day(peak, [(22, 30)])


@pytest.mark.parametrize(
    ("amount", "decimals", "text"), [(850, 2, "8.5"), (800, 2, "8"), (0, 2, "0"), (1_000, 0, "1000")]
)
def test_a_number_is_shown_as_it_would_be_typed(amount, decimals, text) -> None:
    assert plain(amount, decimals) == text
