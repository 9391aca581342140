"""What operations refuse reaches the reader in words, with the place in a file where it is about one."""

import pytest
from django.test import RequestFactory
from django.utils.translation import override

from portal.desk import Desk, Refused
from portal.refusals import MOST, sentences
from settlement.domain.bank import BankFileError
from settlement.domain.bank.statement import Problem
from settlement.operations.month import CloseError
from tariffs.domain.fields import Mistake, RulebookRejected
from trading.models import Market


def test_a_sentence_is_said_in_vietnamese_with_its_figures() -> None:
    with override("vi"):
        assert sentences(CloseError("not_computed", "Only a computed close can be approved.")) == [
            "Chỉ có thể duyệt lần chốt đã tính xong."
        ]
        assert sentences(CloseError("month_not_over", "2026-10 is not over yet; close it when it is.")) == [
            "10/2026 chưa kết thúc; hãy chốt khi hết tháng."
        ]


def test_all_that_is_wrong_with_a_file_is_listed_with_its_place() -> None:
    problems = [Problem("not_a_number", f"row {n}", "This is no amount.") for n in range(1, 40)]
    assert sentences(BankFileError(problems))[:2] == ["row 1: This is no amount.", "row 2: This is no amount."]
    assert len(sentences(BankFileError(problems))) == MOST
    told = sentences(RulebookRejected([Mistake("not_whole", "prices[2].peak", "Give a whole number.")]))
    assert told == ["prices[2].peak: Give a whole number."]


def test_the_place_in_a_file_is_told_in_vietnamese_too() -> None:
    problems = [Problem("zero_amount", "statement 2, movement 17", "The movement moves no money.")]
    with override("vi"):
        assert sentences(BankFileError(problems)) == ["sao kê 2, giao dịch 17: Giao dịch không có số tiền."]


@pytest.mark.parametrize("text", ["-−5", "−-5", "--5", "-", "", "²", "9" * 5_000, "1e5", "NaN"])
def test_a_number_that_is_none_is_refused_in_words(text: str) -> None:
    desk = Desk(RequestFactory().post("/", {"amount": text}), Market(), "money")
    with pytest.raises(Refused, match="whole number"):
        desk.number("amount")


def test_a_number_may_have_either_minus() -> None:
    desk = Desk(RequestFactory().post("/", {"minus": "−1.250.000", "hyphen": "-7"}), Market(), "money")
    assert (desk.number("minus"), desk.number("hyphen")) == (-1_250_000, -7)
