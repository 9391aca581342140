"""Who sells at a site: set once before the first month is closed, and changed with care.

The letters of its series stand in every payment reference, so no two sites share them, and what documents of this year
carry stays until the year is over. Example: with C26TWB-17 issued, `WB` can be changed from 1 January 2027 on.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction

from accounts.domain.billing import TEXTS, Mistake, mistakes_in, tidied
from accounts.models import User
from accounts.operations import audit
from meters.models import Site
from settlement.documents.qr import VietQR, VietQRError
from settlement.models import InvoiceSeries, Issuer

SYMBOLS = ("symbol", "self_bill_symbol")
FIELDS = (*TEXTS, "country", *SYMBOLS, "due_days", "carry_below_dong")
MOST_DUE_DAYS = 90
LONGEST_TAX_CODE = 20
MOST_CARRIED_DONG = 2**31 - 1


class IssuerRejected(ValueError):
    """An issuer that cannot be right; nothing was saved. `problems` lists all, `code` is that of the first."""

    def __init__(self, problems: list[Mistake]) -> None:
        super().__init__(problems[0].message)
        self.code, self.problems = problems[0].code, problems


@transaction.atomic
def set_issuer(*, site: Site, by: User | None, at: datetime, **fields: Any) -> Issuer:
    """Say who sells at the site; what is not named stays as it is. The same again changes and notes nothing.

    Raises IssuerRejected with the codes of `accounts.domain.billing.mistakes_in` and `no_tax_code`, `bad_country`,
    `bad_symbol`, `same_symbols`, `symbol_taken`, `symbol_in_use`, `bad_due_days`, `bad_carry_below`, `unknown_field`.
    """
    # Letters are compared over all sites, so two sites are never set at the same time.
    list(Site.objects.select_for_update(no_key=True).order_by("pk").values_list("pk"))
    there = Issuer.objects.filter(site=site).first()
    issuer = there or Issuer(site=site)
    before = {name: getattr(issuer, name) for name in FIELDS}
    _fill(issuer, fields)
    wrong = _mistakes(issuer) + _symbol_mistakes(issuer, before if there else {}, at)
    if wrong:
        raise IssuerRejected(wrong)
    after = {name: getattr(issuer, name) for name in FIELDS}
    if there is None or after != before:
        issuer.save()
        audit(by=by, action="issuer.set", target=f"site {site.code}", detail=after, at=at)
    return issuer


def _fill(issuer: Issuer, fields: Mapping[str, Any]) -> None:
    unknown = [Mistake("unknown_field", f"An issuer has no “{name}”.") for name in fields if name not in FIELDS]
    if unknown:
        raise IssuerRejected(unknown)
    for name, given in fields.items():
        setattr(issuer, name, tidied(name, given) if name in TEXTS else given)


def _mistakes(issuer: Issuer) -> list[Mistake]:
    """What is wrong with the issuer by itself."""
    found = mistakes_in({name: getattr(issuer, name) for name in TEXTS}, person_too=False)
    if issuer.country != "VN":  # other countries write their tax codes as they like
        found = [each for each in found if each.code != "bad_tax_code"]
        if len(issuer.tax_code) > LONGEST_TAX_CODE:
            found.append(Mistake("bad_tax_code", "A tax code has at most 20 letters and digits."))
    if not issuer.tax_code:
        found.append(Mistake("no_tax_code", "Give the tax code; no invoice is valid without that of the seller."))
    if not _letters(issuer.country):
        found.append(Mistake("bad_country", "Give the country as two capital letters, like VN."))
    if type(issuer.due_days) is not int or not 0 <= issuer.due_days <= MOST_DUE_DAYS:
        found.append(Mistake("bad_due_days", "Documents fall due after 0 to 90 days; give a whole number."))
    if type(issuer.carry_below_dong) is not int or not 0 <= issuer.carry_below_dong <= MOST_CARRIED_DONG:
        found.append(Mistake("bad_carry_below", "Give the smallest amount as a whole number of đồng, 0 or more."))
    return found or _unpayable(issuer)


def _letters(text: object) -> bool:
    return isinstance(text, str) and len(text) == 2 and text.isascii() and text.isalpha() and text.isupper()


def _unpayable(issuer: Issuer) -> list[Mistake]:
    """Bank and account must make a code that payers can scan."""
    if not issuer.bank_bin:
        return []
    try:
        VietQR(issuer.bank_bin, issuer.bank_account).payload()
    except VietQRError as error:
        return [Mistake(error.code, str(error))]
    return []


def _symbol_mistakes(issuer: Issuer, before: Mapping[str, Any], at: datetime) -> list[Mistake]:
    own = [issuer.symbol, issuer.self_bill_symbol]
    if not all(map(_letters, own)):
        return [Mistake("bad_symbol", "The letters of a series are two capital letters from A to Z, like WB.")]
    found = []
    if own[0] == own[1]:
        found.append(Mistake("same_symbols", "Invoices and self-billing invoices need different letters."))
    year = at.astimezone(ZoneInfo(issuer.site.timezone)).year
    if own != [before.get(name) for name in SYMBOLS] and _parts_from_series(issuer, year):
        told = "Documents of this year carry the letters of the series; change them when the year is over."
        found.append(Mistake("symbol_in_use", told))
    if _taken(issuer, year) & set(own):
        found.append(Mistake("symbol_taken", "Another site uses these letters; choose others."))
    return found


def _parts_from_series(issuer: Issuer, year: int) -> bool:
    """Whether documents of this year carry other letters than these."""
    series = _series(year).filter(site=issuer.site)
    return any(each.code != issuer.series_code(each.kind, each.year) for each in series)


def _series(year: int) -> Any:
    return InvoiceSeries.objects.filter(year__gte=year)


def _taken(issuer: Issuer, year: int) -> set[str]:
    """The letters of other sites: those that they have, and those that their documents of this year carry."""
    others = Issuer.objects.exclude(site=issuer.site).values_list(*SYMBOLS)
    codes = _series(year).exclude(site=issuer.site).values_list("code", flat=True)
    return {letters for pair in others for letters in pair} | {code[-2:] for code in codes}
