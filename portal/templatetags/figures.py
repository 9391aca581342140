"""Numbers, money, days and moments as the reader of the page writes them; signs and words go with every colour."""

import json
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import template
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.words import in_words as words_of
from settlement.documents.texts import day as day_text
from settlement.documents.texts import month as month_text
from units.energy import format_energy
from units.money import format_money, round_to_minor
from units.numbers import Language, grouped, rounded_half_up

register = template.Library()
NOTHING = "–"


def reader() -> Language:
    """Whose marks and dates the page has."""
    return "vi" if (get_language() or "en").startswith("vi") else "en"


@register.filter
def dong(amount: int | None) -> str:
    """Whole đồng: `₫12,345`, in Vietnamese `12.345 ₫`."""
    return NOTHING if amount is None else format_money(int(amount), reader())


@register.filter
def millidong(amount: int | None) -> str:
    """The ledger's milli-đồng, rounded to whole đồng as on invoices."""
    return NOTHING if amount is None else format_money(round_to_minor(int(amount)), reader())


@register.filter
def more(amount: int | None) -> str:
    """A difference in đồng with its sign: `+₫1,200`, `−₫300`."""
    return NOTHING if amount is None else f"{'+' if amount > 0 else ''}{format_money(int(amount), reader())}"


@register.filter
def energy(wh: int | None) -> str:
    """Wh as kWh: one decimal below 100 kWh, none above."""
    return NOTHING if wh is None else format_energy(int(wh), reader())


@register.filter
def wh(amount: int | str | None) -> str:
    """Whole Wh, exactly."""
    return NOTHING if amount in (None, "") else f"{grouped(int(amount or 0), reader())} Wh"


@register.filter
def whole(number: int | None) -> str:
    """A whole number with marks between thousands."""
    return NOTHING if number is None else grouped(int(number), reader())


@register.filter
def basis_points(rate: int | None) -> str:
    """800 → `8 %`."""
    if rate is None:
        return NOTHING
    return f"{grouped(rate // 100, reader())} %" if rate % 100 == 0 else f"{grouped(rate, reader(), decimals=2)} %"


@register.filter
def ppm(share: int | None) -> str:
    """Parts per million as per cent with one decimal: 714,285 → `71.4 %`."""
    return NOTHING if share is None else f"{grouped(share // 1_000, reader(), decimals=1)} %"


@register.filter
def promille(share: int) -> str:
    """Thousandths as per cent with one decimal: 714 → `71.4 %`."""
    return f"{grouped(share, reader(), decimals=1)} %"


@register.filter
def kilograms(grams: int | None) -> str:
    """Grams as kg with one decimal."""
    return NOTHING if grams is None else f"{grouped(rounded_half_up(int(grams), 100), reader(), decimals=1)} kg"


@register.filter
def day(on: date | None) -> str:
    """`31 Oct 2026`, in Vietnamese `31/10/2026`."""
    return NOTHING if on is None else day_text(on, reader())


@register.filter
def iso_day(text: str) -> str:
    """A day that is kept as text: `2026-10-31` → `31 Oct 2026`."""
    return day(date.fromisoformat(text))


@register.filter
def month(on: date | None) -> str:
    """`October 2026`, in Vietnamese `tháng 10/2026`."""
    return NOTHING if on is None else month_text(on, reader())


@register.filter
def moment(at: datetime | None, zone: ZoneInfo) -> str:
    """A moment on the site's clock: `31 Oct 2026, 11:30`."""
    if at is None:
        return NOTHING
    local = at.astimezone(zone)
    return f"{day_text(local.date(), reader())}, {local:%H:%M}"


@register.filter
def clock(at: datetime, zone: ZoneInfo) -> str:
    """The time of day on the site's clock: `11:30`."""
    return f"{at.astimezone(zone):%H:%M}"


@register.filter
def seconds(at: datetime, zone: ZoneInfo) -> str:
    """The time of day on the site's clock to the second: `11:30:05`."""
    return f"{at.astimezone(zone):%H:%M:%S}"


@register.filter
def minute_of_day(minute: int) -> str:
    """570 → `09:30`."""
    return f"{minute // 60:02}:{minute % 60:02}"


@register.filter
def span(minutes: int | None) -> str:
    """A stretch of time as people say it: 2,880 → `48 h`, 90 → `1 h 30 min`; whole days beyond two as days."""
    if minutes is None:
        return NOTHING
    hours, rest = divmod(int(minutes), 60)
    if hours > _HOURS_TOLD and rest == 0 and hours % 24 == 0:
        return _("{n} days").format(n=whole(hours // 24))
    if hours == 0:
        return _("{n} min").format(n=rest)
    return (_("{n} h {m} min") if rest else _("{n} h")).format(n=whole(hours), m=rest)


_HOURS_TOLD = 48


@register.filter
def person(user: Any) -> str:
    """A user's full name, else the login; nobody is the system itself."""
    return NOTHING if user is None else user.get_full_name() or user.username


@register.filter
def entry(rows: dict[Any, Any], key: Any) -> Any:
    """What a table holds under a key that is only known as the page is made."""
    return rows.get(key)


@register.simple_tag
def fill(sentence: str, **values: object) -> str:
    """A translated sentence with the words in braces filled in (and escaped, as everything on a page)."""
    return sentence.format(**values)


@register.simple_tag(takes_context=True)
def page_link(context: dict[str, Any], number: int, name: str = "") -> str:
    """This page's address with another page of the list `name`, filters kept."""
    query = context["request"].GET.copy()
    query[name or "page"] = str(number)
    return f"?{query.urlencode()}"


@register.filter
def badge(state: str) -> str:
    """The colour a state is shown with: only settled things are green, only what is wrong is red."""
    return _TONES.get(state, "plain")


_TONES = {
    "issued": "done", "paid": "done", "matched": "done", "settled": "done", "retired": "done",
    "ok": "yes", "approved": "yes", "kept": "yes",
    "blocking": "bad", "overdue": "bad", "rejected": "bad", "void": "bad", "broken": "bad",
    "warning": "warn", "computing": "wait", "computed": "wait", "proposed": "wait", "unmatched": "wait", "open": "wait",
    "part": "wait", "locked": "wait",
}  # fmt: skip


@register.simple_tag(takes_context=True)
def desk_link(context: dict[str, Any], name: str, *rest: Any) -> str:
    """Where a page of this desk is: in the office, or at a participant's seat."""
    return str(context["desk"].address(name, *rest))


@register.simple_tag(takes_context=True)
def section_link(context: dict[str, Any], name: str) -> str:
    """The first page of a section."""
    return str(context["desk"].address(name))


@register.filter
def grams(milligrams: int | None) -> str:
    """mg as g with one decimal: 659,200 mg → `659.2`."""
    return NOTHING if milligrams is None else grouped(rounded_half_up(milligrams, 100), reader(), decimals=1)


@register.filter
def pretty(value: Any) -> str:
    """JSON as people read it."""
    return json.dumps(value, ensure_ascii=False, indent=2)


@register.filter
def rate(share: float | None) -> str:
    """A share of one as per cent, rounded down, so that 100 % means all: 0.9999 → `99.9 %`."""
    return NOTHING if share is None else f"{grouped(int(share * 1_000), reader(), decimals=1)} %"


@register.filter
def size(amount: int) -> str:
    """Whole đồng without sign, where a word says which way they run."""
    return dong(abs(amount))


@register.filter
def millidong_more(amount: int) -> str:
    """A difference in milli-đồng as whole đồng with its sign."""
    return more(round_to_minor(int(amount)))


@register.filter
def millidong_off(amount: int) -> str:
    """Milli-đồng that are taken off a sum, with the sign that they have there: 1,200,000 → `−₫1,200`."""
    return dong(-round_to_minor(int(amount)))


@register.filter
def in_words(sentence: str) -> str:
    """What an operation said, in the reader's language."""
    return words_of(sentence)


@register.filter
def told(words: str | list[str]) -> str:
    """A label of a document, which holds a text for each language of the paper."""
    return words if isinstance(words, str) else " / ".join(words)
