"""What the market's refusals are in HTTP: state is 409, what is not there 404, a broken rule 422."""

from accounts.api.problems import Fault
from accounts.words import in_words
from trading.domain.errors import SENTENCES
from trading.operations import Reply

STATUS = {
    "gate_closed": 409,
    "gate_not_open": 409,
    "halted": 409,
    "frozen": 409,
    "order_not_open": 409,
    "client_order_id_reused": 409,
    "revision_conflict": 409,
    "bulk_rejected": 409,
    "unknown_order": 404,
    "unknown_contract": 404,
    "unknown_participant": 404,
}
BROKEN_RULE = 422


def status_of(code: str) -> int:
    """The HTTP status of a refusal."""
    return STATUS.get(code, BROKEN_RULE)


def fault_of(reply: Reply) -> Fault:
    """A refusal as the API tells it."""
    return Fault(reply.reason, in_words(reply.sentence), bound=reply.bound)


def fault(code: str, *, bound: int | None = None) -> Fault:
    """A refusal of the market's that was found before the market was asked."""
    return Fault(code, in_words(SENTENCES[code].format(bound=bound)), bound=bound)
