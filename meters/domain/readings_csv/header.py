"""The first line: which separator, which columns, and in which of three forms the energy is given.

| form | columns | the value is |
|---|---|---|
| kWh | `import_kwh`, `export_kwh` | energy of the interval, decimal |
| Wh | `import_wh`, `export_wh` | energy of the interval, whole |
| register | `import_register_kwh`, `export_register_kwh` | the meter's counter at `start`; differences are the energy |

With `metering_point` and `start` always, and `quality` if wanted, in any order, upper or lower case.
"""

from dataclasses import dataclass
from enum import Enum

from meters.domain.readings_csv.errors import Findings

POINT, START, QUALITY = "metering_point", "start", "quality"
SEPARATORS = (",", ";", "\t")


class Form(Enum):
    """How energy is given; the value is the pair of its columns (import, export)."""

    KWH = ("import_kwh", "export_kwh")
    WH = ("import_wh", "export_wh")
    REGISTER = ("import_register_kwh", "export_register_kwh")


_KNOWN = {POINT, START, QUALITY, *(name for form in Form for name in form.value)}


@dataclass(frozen=True, slots=True)
class Header:
    columns: tuple[str, ...]
    form: Form


def cleaned(cells: list[str]) -> tuple[str, ...]:
    return tuple(cell.strip().lower() for cell in cells)


def separator_of(line: str) -> str:
    """The separator that splits this header line into most known names; a comma where none does."""
    return max(SEPARATORS, key=lambda separator: len(_KNOWN & set(cleaned(line.replace('"', "").split(separator)))))


def read_header(cells: list[str], line: int, findings: Findings) -> Header:
    """The header, or CsvRejected naming each wrong column, what was found and what is expected."""
    columns = cleaned(cells)
    form = max(Form, key=lambda form: len(set(form.value) & set(columns)))
    expected = (POINT, START, *form.value)
    if not _KNOWN & set(columns):
        findings.add(line, "", "no_header", f"No header: found “{_shown(columns)}”. {_expected(expected)}")
        findings.raise_if_any()
    for name in expected:
        if name not in columns:
            findings.add(line, name, "missing_column", f"Missing; found “{_shown(columns)}”. {_expected(expected)}")
    for at, name in enumerate(columns):
        if name in columns[:at]:
            findings.add(line, name, "duplicate_column", "This column is there twice; remove one.")
        elif name not in (*expected, QUALITY):
            findings.add(
                line, name, "unknown_column", f"Unknown column “{name[:40]}”; remove it. {_expected(expected)}"
            )
    findings.raise_if_any()
    return Header(columns, form)


def _shown(columns: tuple[str, ...]) -> str:
    text = ", ".join(columns)
    return text if len(text) <= 120 else f"{text[:119]}…"


def _expected(columns: tuple[str, ...]) -> str:
    return f"Expected: {', '.join(columns)}, and {QUALITY} if you wish."
