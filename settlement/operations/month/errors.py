"""Why a month cannot be closed, or a document not be issued."""


class CloseError(RuntimeError):
    """Nothing was changed. `code` is stable, the message says what to do."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
