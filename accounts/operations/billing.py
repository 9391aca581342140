"""How participants stand on documents: set one by one, or for many by a spreadsheet, whole or not at all.

The owner of a participant looks after its name, address and bank account; whether it is registered for value-added tax
decides who owes tax, so only an administrator says that. The trail names the fields that were changed and not what is
in them, since it keeps everything for ever.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.domain.billing import TEXTS, Mistake, mistakes_in, tidied
from accounts.domain.billing_csv import FIELDS, Row, parse, place_of
from accounts.models import BillingProfile, Participant, User
from accounts.operations.users import AccountError, audit
from accounts.policies import is_administrator, may_set_billing

CHOICES = {
    "invoice_per": (BillingProfile.PerWhat.values, "bad_invoice_per", "Invoices are per participant or per meter."),
    "language": (("en", "vi"), "bad_language", "Documents are written in vi (Vietnamese) or en (English)."),
}


class BillingRejected(AccountError):
    """Billing details that cannot be right; nothing was saved. `problems` lists all, `code` is that of the first."""

    def __init__(self, problems: list[Mistake]) -> None:
        super().__init__(problems[0].code, problems[0].message)
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a spreadsheet did: participants who had no details, whose details changed, and the others."""

    new: int
    changed: int
    unchanged: int


@transaction.atomic
def set_billing(*, participant: Participant, by: User | None, at: datetime, **fields: Any) -> BillingProfile:
    """Give these details; those not named stay as they are. The same again changes and notes nothing.

    Raises AccountError `may_not_set_billing`, `vat_by_administrator`, or BillingRejected with the codes of
    `accounts.domain.billing.mistakes_in`, `bad_invoice_per`, `bad_language`, `unknown_field`.
    """
    if by is not None and not may_set_billing(by, participant):
        told = "Only an owner of the participant or an administrator may change its billing details."
        raise AccountError("may_not_set_billing", told)
    Participant.objects.select_for_update(no_key=True).get(pk=participant.pk)
    there = BillingProfile.objects.filter(participant=participant).first()
    profile = there or BillingProfile(participant=participant)
    changed = _fill(profile, fields)
    if "vat_registered" in changed and by is not None and not is_administrator(by):
        raise AccountError("vat_by_administrator", "Only an administrator says who is registered for value-added tax.")
    if changed or there is None:
        profile.save()
        audit(by=by, action="billing.set", target=participant.code, detail={"fields": changed}, at=at)
    return profile


def _fill(profile: BillingProfile, fields: Mapping[str, Any]) -> list[str]:
    """Put the fields in and name those that changed. Raises BillingRejected."""
    unknown = [Mistake("unknown_field", f"Billing details have no “{name}”.") for name in fields if name not in FIELDS]
    if unknown:
        raise BillingRejected(unknown)
    changed = []
    for name, given in fields.items():
        value = tidied(name, str(given)) if name in TEXTS else given
        if value != getattr(profile, name):
            setattr(profile, name, value)
            changed.append(name)
    wrong = mistakes_in({name: getattr(profile, name) for name in TEXTS}, person_too=True)
    wrong += [
        Mistake(code, told) for name, (known, code, told) in CHOICES.items() if getattr(profile, name) not in known
    ]
    if wrong:
        raise BillingRejected(wrong)
    return changed


def import_billing(*, data: bytes, among: Collection[int], by: User | None, at: datetime) -> Loaded:
    """Take a spreadsheet in (`accounts.domain.billing_csv`), for these participants alone: all rows, or none.

    Raises AccountError `may_not_set_billing`, and BillingRejected with everything that is wrong and the line it stands
    on: the codes of `parse` and `set_billing`, and `unknown_participant`.
    """
    if by is not None and not is_administrator(by):
        raise AccountError("may_not_set_billing", "Only an administrator may load billing details for many.")
    rows, wrong = parse(data)
    with transaction.atomic():
        people = _held({row.code for row in rows}, among)
        profiles = {p.participant_id: p for p in BillingProfile.objects.filter(participant__in=people.values())}
        loaded: list[str] = []
        touched: dict[str, BillingProfile] = {}
        for row in rows:
            try:
                loaded.append(_load(row, people, profiles, touched))
            except BillingRejected as error:
                wrong += [replace(problem, place=place_of(row.line)) for problem in error.problems]
        if wrong:
            raise BillingRejected(sorted(wrong, key=_line_of))
        told = Loaded(loaded.count("new"), loaded.count("changed"), loaded.count("unchanged"))
        if touched:
            _save(touched)
            detail = {"new": told.new, "changed": told.changed, "participants": sorted(touched)}
            audit(by=by, action="billing.imported", target="billing details", detail=detail, at=at)
    return told


def _line_of(problem: Mistake) -> int:
    return int(problem.place.rpartition(" ")[2] or 0)


def _held(codes: Collection[str], among: Collection[int]) -> dict[str, Participant]:
    """The participants by code, their rows held in one order until the transaction ends."""
    rows = Participant.objects.select_for_update(no_key=True).filter(code__in=codes, pk__in=among).order_by("pk")
    return {person.code: person for person in rows}


def _load(
    row: Row,
    people: Mapping[str, Participant],
    profiles: Mapping[int, BillingProfile],
    touched: dict[str, BillingProfile],
) -> str:
    """Fill one row in; what became of it. Raises BillingRejected."""
    person = people.get(row.code)
    if person is None:
        raise BillingRejected([Mistake("unknown_participant", f"There is no member “{row.code}” here.")])
    there = profiles.get(person.pk)
    profile = there or BillingProfile(participant=person)
    if not _fill(profile, row.values):
        return "unchanged"
    touched[row.code] = profile
    return "changed" if there else "new"


def _save(touched: Mapping[str, BillingProfile]) -> None:
    new = [profile for profile in touched.values() if profile.pk is None]
    old = [profile for profile in touched.values() if profile.pk is not None]
    BillingProfile.objects.bulk_create(new)
    BillingProfile.objects.bulk_update(old, FIELDS, batch_size=500)
