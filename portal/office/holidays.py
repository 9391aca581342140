"""Public holidays of Việt Nam, for reference beside the market's calendar. The market trades on them unless a stop is
planned.

Labour Code 45/2019/QH14, article 112: New Year, five days of Tết, the Kings' day (10th of the third lunar month), 30
April, 1 May, National Day and one day beside it (set each year; 1 September is taken here where nothing else is known).
Lunar days are listed year by year, since no rule of ours makes them.
"""

from datetime import date, timedelta

from django.utils.translation import gettext as _

# First day of the lunar year, and the 10th of the third lunar month.
LUNAR = {
    2026: (date(2026, 2, 17), date(2026, 4, 26)),
    2027: (date(2027, 2, 6), date(2027, 4, 16)),
    2028: (date(2028, 1, 26), date(2028, 4, 4)),
}
TET_DAYS = range(-1, 4)


def holiday(on: date) -> str:
    """The name of the public holiday on a day; empty on any other."""
    fixed = {
        (1, 1): _("New Year"),
        (4, 30): _("Reunification Day"),
        (5, 1): _("Labour Day"),
        (9, 1): _("National Day"),
        (9, 2): _("National Day"),
    }
    if name := fixed.get((on.month, on.day)):
        return name
    new_year, kings = LUNAR.get(on.year, (None, None))
    if new_year and on in {new_year + timedelta(days=each) for each in TET_DAYS}:
        return _("Tết")
    return _("Hùng Kings' Day") if on == kings else ""
