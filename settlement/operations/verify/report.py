"""What a verification found: how much was held against what, and each difference in a sentence.

A difference is kept as a code with its figures, so that it can be told in any language; nothing is ever repaired.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

Translate = Callable[[str], str]
MOST_TOLD = 200


def english(text: str) -> str:
    """The sentence as it is."""
    return text


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is not what its sources give, at an interval or in a document. `values` fill the sentence."""

    code: str
    where: str
    values: dict[str, Any] = field(default_factory=dict)

    def sentence(self, _: Translate = english) -> str:
        """What is wrong, and where."""
        return f"{self.where}: {sentences(_)[self.code].format(**self.values)}"


def sentences(_: Translate) -> dict[str, str]:
    """Every kind of difference with its sentence."""
    return {
        "log_differs": _("The replay of the log gives something else than is stored: {told}"),
        "no_rules": _("The rulebook has no terms for this day any more."),
        "cannot_clear": _("The sources cannot be cleared any more: {reason}"),
        "input_differs": _("Run {run}: {name} of {who} is {source} by its source, {stored} in the run."),
        "rule_differs": _("Run {run}: {name} is {source} by its source, {stored} in the run."),
        "trades_differ": _("Run {run} was not computed from the trades that are stored; its digest does not fit them."),
        "digest_differs": _("Run {run}: the digest of its input is not the stored one, though each figure is."),
        "result_differs": _("Run {run}: {name} of {who} comes to {source}, stored is {stored}."),
        "trade_differs": _("Run {run}: of trade {trade}, {source} Wh were delivered, stored is {stored}."),
        "compensation_differs": _("Run {run}: the compensation of trade {trade} is {source}, stored is {stored}."),
        "figure_differs": _("Run {run}: its total {name} comes to {source}, stored is {stored}."),
        "repeat_differs": _("Run {run} says that it saw nothing new, but its input is not that of the run before."),
        "entry_differs": _(
            "Run {run}: {category} of {who} must post {source} (milli-đồng and Wh), the ledger holds {stored}."
        ),
        "stray_posting": _("{count} ledger transactions of this interval belong to none of its runs."),
        "not_settled": _("The interval was delivered and has no run."),
        "close_differs": _("The close took {name} of {who} as {stored}; its sources give {source}."),
        "line_differs": _("Line {position}: {name} comes to {source}, stored is {stored}."),
        "lines_missing": _("The figures make {source} lines, the document has {stored}."),
        "document_differs": _("{name} in the document is {stored}, its lines and figures give {source}."),
        "document_digest": _("The document's bytes do not fit its digest; they were changed after it was issued."),
        "document_form": _("The document's bytes are not those of a document: {reason}"),
        "posting_differs": _("Its {category} must post {source} milli-đồng, the ledger holds {stored}."),
        "number_missing": _("Number {number} is missing; the series has {last} numbers."),
        "series_differs": _("The series stands at {stored}, its documents go to {source}."),
    }


@dataclass(slots=True)
class Verification:
    """A month held against its sources. `counts`: what was compared, by name."""

    market: str
    month: date
    counts: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)
    untold: int = 0
    seconds: float = 0.0

    @property
    def holds(self) -> bool:
        """Whether everything is what its sources give."""
        return not self.differences

    def add(self, counts: Counter[str], differences: list[Difference]) -> None:
        """Takes in a part; beyond the first differences only their number is kept."""
        self.counts.update(counts)
        room = max(MOST_TOLD - len(self.differences), 0)
        self.differences += differences[:room]
        self.untold += len(differences[room:])

    def summary(self, _: Translate = english) -> str:
        """One sentence that says what was compared and what came out."""
        told = {name: f"{self.counts[name]:,}" for name in COUNTED}
        compared = _(
            "{contracts} intervals, {runs} runs, {results} results, {entries} ledger entries, {commands} commands,"
            " {orders} orders, {trades} trades, {documents} documents and {lines} lines were computed again."
        ).format(**told)
        found = len(self.differences) + self.untold
        outcome = (
            _("All of it is the same, byte for byte.") if not found else _("{count} differences:").format(count=found)
        )
        return f"{compared} {outcome}"

    def as_json(self) -> dict[str, Any]:
        """All of it for programs."""
        return {
            "market": self.market,
            "month": f"{self.month:%Y-%m}",
            "holds": self.holds,
            "counts": {name: self.counts[name] for name in COUNTED},
            "differences": [asdict(each) | {"sentence": each.sentence()} for each in self.differences],
            "untold": self.untold,
            "seconds": round(self.seconds, 3),
        }


COUNTED = ("contracts", "runs", "results", "entries", "commands", "orders", "trades", "documents", "lines")
