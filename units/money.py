"""Money: exact values in milli-đồng, rounded to whole đồng on an invoice line and nowhere else.

A price is whole đồng per kWh and energy is whole Wh, so Wh × price is exactly a number of milli-đồng. Example: 3,256 Wh
at 1,690 đồng/kWh are 5,502,640 milli-đồng; on an invoice line 5,503 đồng, in the ledger still 5,502,640.
"""

from units.numbers import Language, grouped, rounded_half_up

MILLIDONG_PER_DONG = 1_000


def value_millidong(wh: int, price: int) -> int:
    """What `wh` cost at `price` (đồng per kWh), in milli-đồng, exactly."""
    return wh * price


def round_to_minor(millidong: int) -> int:
    """Whole đồng, half rounded away from zero: 500 milli-đồng are 1 đồng, −500 are −1. For invoice lines only."""
    return rounded_half_up(millidong, MILLIDONG_PER_DONG)


def format_money(dong: int, language: Language = "en") -> str:
    """`₫12,345` in English, `12.345 ₫` in Vietnamese, with a true minus sign in front: `−₫12,345`, `−12.345 ₫`."""
    if language == "vi":
        return f"{grouped(dong, language)} ₫"
    sign = "−" if dong < 0 else ""
    return f"{sign}₫{grouped(abs(dong), language)}"


def format_price(price: int, language: Language = "en") -> str:
    """A price in đồng per kWh: `₫1,690/kWh`, in Vietnamese `1.690 ₫/kWh`."""
    return f"{format_money(price, language)}/kWh"
