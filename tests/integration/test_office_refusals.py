"""What operations refuse reaches the reader in words, in Vietnamese where the sentence is a fixed one."""

from django.utils.translation import override

from portal.refusals import MOST, SENTENCES, sentences
from settlement.domain.bank import BankFileError
from settlement.domain.bank.statement import Problem
from settlement.operations.month import CloseError
from tariffs.domain.fields import Mistake, RulebookRejected
from tests.messages import ROOT


def test_every_known_sentence_is_one_that_an_operation_says() -> None:
    """Else the operation was reworded, and the reader gets English."""
    said = "".join(
        file.read_text(encoding="utf-8")
        for app in ("accounts", "meters", "planning", "settlement", "tariffs")
        for file in (ROOT / app).rglob("*.py")
    )
    assert [sentence for sentence in SENTENCES if sentence not in said] == []


def test_a_fixed_sentence_is_said_in_vietnamese_and_one_with_figures_as_it_was() -> None:
    with override("vi"):
        assert sentences(CloseError("not_computed", "Only a computed close can be approved.")) == [
            "Chỉ có thể duyệt lần chốt đã tính xong."
        ]
        assert sentences(CloseError("month_not_over", "2026-10 is not over yet; close it when it is.")) == [
            "2026-10 is not over yet; close it when it is."
        ]


def test_all_that_is_wrong_with_a_file_is_listed_with_its_place() -> None:
    problems = [Problem("not_a_number", f"row {n}", "This is no amount.") for n in range(1, 40)]
    assert sentences(BankFileError(problems))[:2] == ["row 1: This is no amount.", "row 2: This is no amount."]
    assert len(sentences(BankFileError(problems))) == MOST
    told = sentences(RulebookRejected([Mistake("not_whole", "prices[2].peak", "Give a whole number.")]))
    assert told == ["prices[2].peak: Give a whole number."]
