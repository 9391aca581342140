"""Columns as PostgreSQL array literals: one short string instead of thousands of parameters dumped one by one.

integers([3, None, 5]) → '{3,NULL,5}'      texts(['a', 'b"c']) → '{"a","b\\"c"}'
"""

from collections.abc import Iterable


def integers(values: Iterable[int | None]) -> str:
    """The literal of an array of integers."""
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


def texts(values: Iterable[str]) -> str:
    """The literal of an array of texts, quoted whatever is in them."""
    return "{" + ",".join([f'"{value if value.isalnum() else value.translate(_QUOTED)}"' for value in values]) + "}"


_QUOTED = str.maketrans({"\\": "\\\\", '"': '\\"'})
