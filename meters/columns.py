"""Columns of numbers in and out of PostgreSQL as numpy arrays.

A driver that goes row by row takes about a microsecond a value, and an interval of 100,000 participants has millions of
them. Out: the server itself strings the eight bytes of every value of a column together, and the column is one array.
In: binary COPY, where a row of fixed-width columns is a fixed number of bytes, so that a table is one structured array:

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
    cursor: CursorWrapper, query: str, parameters: Sequence[Any], names: Sequence[str]
) -> dict[str, IntArray]:
    """The rows of `query`, in its order, as one int64 array per name. Every column is a bigint that is never NULL."""
    columns = ", ".join(f"string_agg(int8send({name}), ''::bytea)" for name in names)
    cursor.execute(f"SELECT {columns} FROM ({query}) AS rows ({', '.join(names)})", parameters)
    return {name: decode(data) for name, data in zip(names, cursor.fetchone(), strict=True)}


def write_columns(cursor: CursorWrapper, table: str, columns: Mapping[str, npt.NDArray[Any]], rows: int) -> None:
    """COPY `rows` rows into `table`. An array of one value is repeated; int64, int32, int16 and bool must match the
    column's type (bigint, integer, smallint, boolean)."""
    if not rows:
        return
    statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT BINARY)"
    with cursor.db.wrap_database_errors, cursor.copy(statement) as copy:
        copy.write(encode(list(columns.values()), rows))


def decode(data: bytes | None) -> IntArray:
    """A column as the server strung it together; None is that of no rows."""
    return np.frombuffer(data or b"", dtype=">i8").astype(np.int64)


def distinct(values: IntArray) -> IntArray:
    """Ascending, each once. Sorting is several times faster than numpy's hashing `unique` on hundreds of thousands."""
    ordered = np.sort(values)
    return ordered[np.diff(ordered, prepend=ordered[:1] - 1) != 0]


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
