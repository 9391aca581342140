"""What stops the launcher: a sentence that says what happened and what to do, with a code from docs/operations.md."""

import sys


class LauncherError(Exception):
    """Something the person at the terminal can mend."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence

    def __str__(self) -> str:
        return f"{self.sentence} [{self.code}]"


def say(text: str) -> None:
    """Tell the person at the terminal. Standard error, because the output of a command may go into a file."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201 (this is the launcher's voice)
