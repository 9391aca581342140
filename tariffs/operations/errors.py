"""What keeps a change of rules from being made, as sentences with a stable code."""

from collections.abc import Sequence
from datetime import date

from tariffs.domain.windows import Problem


class TariffRejected(ValueError):
    """The rows are no tariff. `problems` are all there are; `code` is that of the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(" ".join(problem.sentence for problem in problems))
        self.problems = tuple(problems)
        self.code = problems[0].code


class TermsRejected(ValueError):
    """Terms that no interval could be settled by."""

    code = "invalid_terms"


class RulesSettled(ValueError):
    """The change would alter a day of which an interval has been settled already."""

    code = "rules_settled"

    def __init__(self, what: str, settled_until: date) -> None:
        told = f"{what}: intervals are settled until {settled_until.isoformat()}. Let the change begin after that day."
        super().__init__(told)
        self.settled_until = settled_until


class ChangeRefused(ValueError):
    """A proposal that cannot be made, or not be decided so; `code` is stable."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
