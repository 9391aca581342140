"""The columns that hold a name: the metering point, and the quality flag."""

from collections.abc import Callable, Sequence

from meters.domain.readings_csv.errors import CellTextError


def name_reader(known: Sequence[str], code: str, unknown: str, *, otherwise: int | None = None) -> Callable[[str], int]:
    """A function from text to its index in `known`, an empty cell to `otherwise`.

    It raises CellTextError with `code` for an unknown name, or `empty_cell` where there must be one.
    """
    index = {name: at for at, name in enumerate(known)}

    def index_of(text: str) -> int:
        name = text.strip()
        if name in index:
            return index[name]
        if name:
            raise CellTextError(code, f"“{name[:60]}” {unknown}")
        if otherwise is None:
            raise CellTextError("empty_cell", "Empty; say which one the row is about.")
        return otherwise

    return index_of
