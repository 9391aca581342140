"""From uploaded bytes to text: UTF-8, with or without a byte order mark, of a size that can be read at once.

UTF-16 (Excel's “Unicode text”), NUL bytes and other encodings are refused with what to do, never guessed at: a guess
would silently change names and numbers.
"""

from meters.domain.readings_csv.errors import refuse
from units.numbers import grouped

_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_AS_UTF8 = "Save it again as “CSV UTF-8”."


def decode(data: bytes, *, file: str, max_bytes: int) -> str:
    """The text of the file. Raises CsvRejected (`file_too_large`, `utf16`, `nul_bytes`, `not_utf8`, `empty_file`)."""
    if len(data) > max_bytes:
        size, most = grouped(len(data)), grouped(max_bytes)
        raise refuse(file, 1, "", "file_too_large", f"The file has {size} bytes, more than {most}; split it.")
    if data.startswith(_UTF16_MARKS) or _looks_like_utf16(data):
        raise refuse(file, 1, "", "utf16", f"The file is encoded as UTF-16. {_AS_UTF8}")
    if (at := data.find(b"\0")) >= 0:
        line = _line_of(data, at)
        raise refuse(
            file, line, "", "nul_bytes", "The file contains NUL bytes: it is damaged or not a CSV. Export it anew."
        )
    text = _utf8(data, file)
    if not text.strip():
        raise refuse(file, 1, "", "empty_file", "The file is empty; it needs a header line and one line per reading.")
    return text


def _looks_like_utf16(data: bytes) -> bool:
    head = data[:400]
    return len(head) > 3 and any(head[first::2].count(0) > len(head) * 0.45 for first in (0, 1))


def _utf8(data: bytes, file: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = _line_of(data, error.start)
        raise refuse(file, line, "", "not_utf8", f"The text is not encoded as UTF-8. {_AS_UTF8}") from None


def _line_of(data: bytes, at: int) -> int:
    return data.count(b"\n", 0, at) + 1
