"""The energy columns: text to whole Wh, in the one number style of the file.

In a comma-separated file a doubtful `1.234` is 1.234 kWh (a decimal comma would have split the cell); in a
semicolon-separated one `1,234` is 1.234 kWh, because Vietnamese Excel writes semicolons exactly when decimals have
commas. What stays in doubt is refused until the caller names the style.
"""

from collections.abc import Callable
from itertools import chain

from meters.domain.readings_csv.errors import CellTextError, refuse
from meters.domain.readings_csv.header import Form
from meters.domain.readings_csv.table import Table
from units.numbers import DecimalStyle, NumberError, decide_style, evidence, kwh_to_wh, whole_number

# No point on earth passes a terawatt-hour in an interval; counters have at most 12 digits before the decimal mark.
MAX_WH = 10**12
MAX_REGISTER_WH = 10**15
_PRESUMED = {",": DecimalStyle.POINT, ";": DecimalStyle.COMMA}


def style_of(table: Table, file: str) -> DecimalStyle:
    """The number style of the file. Raises CsvRejected `ambiguous_numbers`."""
    names = table.header.form.value
    texts = chain.from_iterable(table.columns[name].texts for name in names)
    try:
        return decide_style(texts, presumed=_PRESUMED.get(table.separator))
    except NumberError as problem:
        raise refuse(file, int(table.lines[0]), names[0], problem.code, str(problem)) from None


def energy_reader(form: Form, style: DecimalStyle) -> Callable[[str], int]:
    """A function from text to Wh; it raises CellTextError (`empty_cell`, `negative_energy`, `energy_too_large`,
    `mixed_number_styles`) or NumberError (`not_a_number`, `too_many_decimals`, `number_too_long`)."""
    convert = whole_number if form is Form.WH else kwh_to_wh
    most = MAX_REGISTER_WH if form is Form.REGISTER else MAX_WH

    def energy_wh(text: str) -> int:
        if not text.strip():
            raise CellTextError("empty_cell", "Empty; write 0 where no energy flowed, or leave out the whole row.")
        try:
            wh = convert(text, style)
        except NumberError as problem:
            raise _other_style(text, style) or problem from None
        if wh < 0:
            raise CellTextError(
                "negative_energy", f"“{text}” is negative; energy the other way belongs to the other column."
            )
        if wh > most:
            raise CellTextError("energy_too_large", f"“{text}” is more than any meter can count; check the unit.")
        return wh

    return energy_wh


def _other_style(text: str, style: DecimalStyle) -> CellTextError | None:
    if evidence(text) in (None, style):
        return None
    return CellTextError(
        "mixed_number_styles",
        f"“{text}” is not written like the other numbers, which have a decimal {style}; use one mark.",
    )
