"""What can be wrong with a scene, told so that the person who made the file can put it right.

Every fault names the file, the line (1 is the header), the column, a stable code and a sentence that says what to do.
A parser goes on after a fault, so that one attempt shows them all; past `MOST_FAULTS` it stops counting, since a file
with a wrong separator has one mistake, not forty thousand.
"""

from dataclasses import dataclass

MOST_FAULTS = 200


@dataclass(frozen=True, slots=True)
class SceneError:
    """One fault. `line` and `column` are None where the fault is of the whole file."""

    file: str
    line: int | None
    column: str | None
    code: str
    message: str

    def __str__(self) -> str:
        place = self.file
        if self.line is not None:
            place += f", line {self.line}"
        if self.column is not None:
            place += f", column {self.column}"
        return f"{place}: {self.message} [{self.code}]"


class SceneRejected(ValueError):
    """The scene has faults and nothing of it was taken. `errors` holds them all, in the order of the files."""

    code = "scene_rejected"

    def __init__(self, errors: tuple[SceneError, ...]) -> None:
        self.errors = errors
        noun = "fault" if len(errors) == 1 else "faults"
        super().__init__(f"The scene has {len(errors)} {noun}:\n" + "\n".join(f"  {error}" for error in errors))


class TooManyFaults(Exception):
    """Enough is known: the parser stops here."""

    code = "too_many_faults"


class Faults:
    """Collects the faults of one parse."""

    def __init__(self) -> None:
        self.errors: list[SceneError] = []

    def add(self, file: str, line: int | None, column: str | None, code: str, message: str) -> None:
        """Note one fault; raises `TooManyFaults` once the limit is reached."""
        self.errors.append(SceneError(file, line, column, code, message))
        if len(self.errors) >= MOST_FAULTS:
            told = f"There are more than {MOST_FAULTS} faults; put these right first and try again."
            self.errors.append(SceneError(file, None, None, TooManyFaults.code, told))
            raise TooManyFaults

    def raise_if_any(self) -> None:
        """Raise `SceneRejected` when anything was noted."""
        if self.errors:
            raise SceneRejected(tuple(self.errors))
