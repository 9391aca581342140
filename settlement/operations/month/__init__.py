"""The month: closing it, its documents, and what corrects them."""

from settlement.operations.month.close import advance, approve_close, discard_close, run_close, start_close
from settlement.operations.month.errors import CloseError
from settlement.operations.month.replace import replace_invoice

__all__ = ["CloseError", "advance", "approve_close", "discard_close", "replace_invoice", "run_close", "start_close"]
