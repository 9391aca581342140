"""Columns of numbers in and out of PostgreSQL as numpy arrays, through binary COPY.

A row by row driver spends about a microsecond a value; an interval of 100,000 participants has millions of values. In
the binary format a row of fixed-width columns is a fixed number of bytes, so a whole result is one structured array:

    field count (int16) | length (int32) value | length (int32) value | ...        integers are big-endian

Only NOT NULL numbers can be read (`coalesce` what may be empty); a masked array writes NULL where it is masked.
Format: PostgreSQL manual, COPY, 'Binary Format'.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db.backends.utils import CursorWrapper

IntArray = npt.NDArray[np.int64]

_SIGNATURE = b"PGCOPY\n\xff\r\n\0" + bytes(8)  # no flags, no extension
_TRAILER = b"\xff\xff"
_NULL = -1
_COLUMN_TYPES = {"int64": ">i8", "int32": ">i4", "int16": ">i2", "bool": "?"}


def read_columns(
    cursor: CursorWrapper, query: str, parameters: Sequence[object], names: Sequence[str]
) -> dict[str, IntArray]:
    """The rows of `query` as one int64 array per name. Every column must be a bigint that is never NULL."""
    with cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT BINARY)", parameters) as copy:
        data = b"".join(map(bytes, copy))
    return decode(data, names)


def write_columns(cursor: CursorWrapper, table: str, columns: Mapping[str, npt.NDArray[Any]], rows: int) -> None:
    """COPY `rows` rows into `table`. An array of one value is repeated; int64, int32, int16 and bool must match the
    column's type (bigint, integer, smallint, boolean)."""
    if not rows:
        return
    with cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT BINARY)") as copy:
        copy.write(encode(list(columns.values()), rows))


def decode(data: bytes, names: Sequence[str]) -> dict[str, IntArray]:
    """What a binary COPY of bigint columns sent, as arrays by name."""
    row = np.dtype([("fields", ">i2"), *_fields([">i8"] * len(names))])
    body = data[len(_SIGNATURE) : len(data) - len(_TRAILER)]
    table = np.frombuffer(body, dtype=row)
    return {name: table[f"value{i}"].astype(np.int64) for i, name in enumerate(names)}


def encode(columns: Sequence[npt.NDArray[Any]], rows: int) -> bytes:
    """A binary COPY of these columns, NULL where a masked array is masked."""
    types = [_COLUMN_TYPES[column.dtype.name] for column in columns]
    row = np.dtype([("fields", ">i2"), *_fields(types)])
    table = np.empty(rows, dtype=row)
    table["fields"] = len(columns)
    for i, column in enumerate(columns):
        table[f"length{i}"] = column.dtype.itemsize
        table[f"value{i}"] = np.ma.getdata(column)
    return _SIGNATURE + _without_nulls(table, columns) + _TRAILER


def _fields(types: Sequence[str]) -> list[tuple[str, str]]:
    return [field for i, kind in enumerate(types) for field in ((f"length{i}", ">i4"), (f"value{i}", kind))]


def _without_nulls(table: npt.NDArray[Any], columns: Sequence[npt.NDArray[Any]]) -> bytes:
    """The rows as bytes; a NULL has the length −1 and no value, so its value's bytes are cut out."""
    nulls = {i: np.ma.getmaskarray(column) for i, column in enumerate(columns) if np.ma.is_masked(column)}
    if not nulls:
        return table.tobytes()
    for i, null in nulls.items():
        table[f"length{i}"][null] = _NULL
    keep = np.ones((len(table), table.dtype.itemsize), dtype=bool)
    fields: Mapping[str, Any] = table.dtype.fields or {}
    for i, null in nulls.items():
        kind, offset = fields[f"value{i}"]
        keep[null, offset : offset + kind.itemsize] = False
    return table.view(np.uint8).reshape(keep.shape)[keep].tobytes()
