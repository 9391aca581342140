"""Until which day a site's rules are history, and the triggers that keep history as it was.

A row of the rulebook *touches* a settled day when it is in force on or before the day in `RulesLock`. Such a row keeps
every column for ever, with two exceptions: its end may move, as long as it stays after the settled days; and the
words of its doubt may change, since they move no money. A new row may begin in the settled past only where nothing held
before: it fills a hole, as for a participant whose tariff was forgotten.
"""

import pgtrigger
from django.db import models

from meters.models import Site

MAY_CHANGE = "- 'doubt'"
MAY_END = "- 'doubt' - 'valid_to'"
TOLD = "The rules of % are settled until %: let the change begin after that day."


class RulesLock(models.Model):
    """The last local day of a site of which an interval has been settled. Moved by settlement, only ever forward."""

    site = models.OneToOneField(Site, on_delete=models.CASCADE, primary_key=True, related_name="rules_lock")
    settled_until = models.DateField()

    class Meta:
        triggers = (
            pgtrigger.Protect(
                name="rules_lock_moves_forward",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(new__settled_until__lt=pgtrigger.F("old__settled_until")),
            ),
            pgtrigger.Protect(name="rules_lock_is_kept", operation=pgtrigger.Delete),
        )

    def __str__(self) -> str:
        return f"{self.site_id} {self.settled_until}"


def _of_tariff(row: str) -> str:
    """The last settled day of any site at which somebody was on the row's tariff by then."""
    return (
        "(SELECT max(l.settled_until) FROM tariffs_ruleslock l JOIN tariffs_tariffassignment a"
        f" ON a.site_id = l.site_id AND a.valid_from <= l.settled_until WHERE a.tariff_id = {row}.tariff_id)"
    )


def _of_site(row: str) -> str:
    return f"(SELECT settled_until FROM tariffs_ruleslock WHERE site_id = {row}.site_id)"


def _of_anywhere(row: str) -> str:
    return "(SELECT max(settled_until) FROM tariffs_ruleslock)"


def _kept(settled: str, *, ends: bool, holes: str | None) -> tuple[pgtrigger.Trigger, ...]:
    """Triggers that keep a table's settled rows. `settled` names one of the lookups above; `ends`: the table has
    `valid_to`; `holes`: SQL that tells whether something held already where NEW begins; None: nothing may be
    added."""
    of = {"tariff": _of_tariff, "site": _of_site, "anywhere": _of_anywhere}[settled]
    keep = MAY_END if ends else MAY_CHANGE
    end_moves = (
        "OLD.valid_to IS DISTINCT FROM NEW.valid_to AND (OLD.valid_to <= settled OR NEW.valid_to <= settled)"
        if ends
        else "false"
    )
    refuse = f"RAISE EXCEPTION '{TOLD}', TG_TABLE_NAME, settled USING ERRCODE = 'check_violation'"
    altered = f"""
        IF TG_OP = 'DELETE' THEN
            settled := {of("OLD")};
            IF OLD.valid_from <= settled THEN
                {refuse};
            END IF;
            RETURN OLD;
        END IF;
        settled := greatest({of("OLD")}, {of("NEW")});
        IF OLD.valid_from <= settled THEN
            IF (to_jsonb(OLD) {keep}) <> (to_jsonb(NEW) {keep}) OR ({end_moves}) THEN
                {refuse};
            END IF;
        ELSIF NEW.valid_from <= settled THEN
            {refuse};
        END IF;
        RETURN NEW;
    """
    added = f"""
        settled := {of("NEW")};
        IF NEW.valid_from <= settled AND {holes or "true"} THEN
            {refuse};
        END IF;
        RETURN NEW;
    """
    declare = [("settled", "date")]
    return (
        pgtrigger.Trigger(
            name="settled_is_kept",
            when=pgtrigger.Before,
            operation=pgtrigger.Update | pgtrigger.Delete,
            declare=declare,
            func=altered,
        ),
        pgtrigger.Trigger(
            name="settled_is_not_overruled",
            when=pgtrigger.Before,
            operation=pgtrigger.Insert,
            declare=declare,
            func=added,
        ),
    )


def of_tariff(*, ends: bool) -> tuple[pgtrigger.Trigger, ...]:
    """For rows of a tariff: kept for every site at which somebody was on it."""
    return _kept("tariff", ends=ends, holes=None)


def of_site(held: str | None) -> tuple[pgtrigger.Trigger, ...]:
    """For rows of a site. `held`: SQL, whether a row was in force where NEW begins; None: there always is one."""
    return _kept("site", ends=False, holes=held)


def of_everywhere(held: str) -> tuple[pgtrigger.Trigger, ...]:
    """For rows of a country, kept from the first site that was settled."""
    return _kept("anywhere", ends=True, holes=held)
