"""Numbers as traders type and paste them: kWh and prices, in Vietnamese or English marks, with or without units.

The page's language decides where a text could be either (`1.650` is 1,650 in Vietnamese and 1.65 in English); a text
that fits one way alone is read that way (`12.5` on a Vietnamese page is twelve and a half).
Example: `1.234,5 kWh` → 1,234,500 Wh; `₫1,650` → 1,650 VND/kWh.
"""

import re
from decimal import Decimal

from django.utils.translation import gettext as _

from portal.desk import Refused
from units.numbers import DecimalStyle, Language, NumberError, evidence, kwh_to_wh, whole_number

MOST_WH = 10**13
MOST_PRICE = 10**9
_UNITS = re.compile(r"/?\s*kwh|₫|đồng|đ|vnd", re.IGNORECASE)
_BLANKS = str.maketrans("", "", " \u00a0\u202f\u2009'’")
_ENGLISH_GROUPS = re.compile(r"[-−+]?[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\.[0-9]+)?")


def style_of(language: Language) -> DecimalStyle:
    """How numbers are written in a language of the pages."""
    return DecimalStyle.COMMA if language == "vi" else DecimalStyle.POINT


def quantity_wh(text: str, style: DecimalStyle) -> int:
    """kWh as typed → Wh. Raises Refused."""
    bare, fits = _plain(text, style)
    try:
        wh = kwh_to_wh(bare, fits)
    except NumberError as error:
        if error.code == "too_many_decimals":
            raise Refused("too_fine", _("The quantity is finer than 1 Wh; give at most three decimals.")) from error
        raise Refused("not_a_quantity", _("Write the quantity in kWh, like {example}.").format(
            example="12,5" if style is DecimalStyle.COMMA else "12.5")) from error  # fmt: skip
    if not 0 < wh <= MOST_WH:
        raise Refused("not_a_quantity", _("The quantity must be more than 0 kWh, and no more than the market takes."))
    return wh


def price(text: str, style: DecimalStyle) -> int:
    """A price as typed → whole VND/kWh. Raises Refused."""
    bare, fits = _plain(text, style)
    try:
        found = whole_number(bare, fits)
    except NumberError as error:
        raise Refused("not_a_price", _("Write the price in whole đồng per kWh, like {example}.").format(
            example="1.650" if style is DecimalStyle.COMMA else "1,650")) from error  # fmt: skip
    if abs(found) > MOST_PRICE:
        raise Refused("not_a_price", _("This price is far outside every band of prices."))
    return found


def _plain(text: str, style: DecimalStyle) -> tuple[str, DecimalStyle]:
    """The text without units and blanks, and the style that it is read in."""
    bare = _UNITS.sub("", text.strip()).translate(_BLANKS).removeprefix("+")
    if style is DecimalStyle.POINT and _ENGLISH_GROUPS.fullmatch(bare):
        return bare.replace(",", ""), style
    if "," in bare and "." in bare and bare.rfind(",") < bare.rfind("."):
        return bare.replace(",", "") if _ENGLISH_GROUPS.fullmatch(bare) else bare, DecimalStyle.POINT
    return bare, evidence(bare) or style


def typed_kwh(wh: int, language: Language) -> str:
    """Wh as one would type kWh, without marks between thousands: 12,500 → `12.5`, in Vietnamese `12,5`."""
    text = format(Decimal(wh) / 1000, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text.replace(".", ",") if language == "vi" else text
