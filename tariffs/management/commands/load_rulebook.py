"""`manage.py load_rulebook vn`: put a rulebook into force, or propose it where settled intervals rest on its rules.

What is there already is left alone, so it can be run again. `--dry-run` tells what would change and changes nothing.
Once intervals have been settled, a rulebook that alters anything in force is not loaded but proposed (`--propose-by
USER`), to be approved by a second person.
"""

from argparse import ArgumentParser
from datetime import date, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.models import User
from tariffs.domain.fields import RulebookRejected
from tariffs.domain.rulebook import Rulebook
from tariffs.domain.rulebook_file import parse
from tariffs.models import RulesLock
from tariffs.operations import (
    Applied,
    ChangeRefused,
    RulesSettled,
    TariffRejected,
    TermsRejected,
    apply_rulebook,
    propose_change,
)
from tariffs.shipped import load, shipped

REFUSED = (RulebookRejected, TariffRejected, TermsRejected, RulesSettled, ChangeRefused)


class Command(BaseCommand):
    """Loads a rulebook."""

    help = "Loads a rulebook: a shipped one by its name, or a TOML or JSON file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """A name or a file, and what to do with it."""
        parser.add_argument("rulebook", help=f"one of {', '.join(shipped())}, or a file")
        parser.add_argument("--dry-run", action="store_true", help="tell what would change, and change nothing")
        parser.add_argument("--propose-by", metavar="USER", help="propose it in this user's name")

    def handle(self, *args: Any, **options: Any) -> None:
        """Load, propose or tell; every mistake of the file on a line of its own."""
        now = timezone.now()
        try:
            tables = load(options["rulebook"])
            rulebook = parse(tables)
            changes = apply_rulebook(rulebook=rulebook, by=None, at=now, dry_run=True)
            self._tell(rulebook, changes)
            if changes and not options["dry_run"]:
                self._act(tables, rulebook, changes, options["propose_by"], now)
        except RulebookRejected as wrong:
            raise CommandError("\n".join(f"{m.place}: {m.sentence} [{m.code}]" for m in wrong.mistakes)) from wrong
        except REFUSED as refused:
            raise CommandError(f"{refused} [{refused.code}]") from refused

    def _tell(self, rulebook: Rulebook, changes: list[Applied]) -> None:
        for one in changes:
            word = "changes" if one.alters else "new"
            self.stdout.write(f"{word}: {one.what}, from {one.from_on.isoformat()}")
        for windows in rulebook.pending:
            self.stdout.write(f"pending: windows {windows.code}, law from {windows.legal_from}, not billed yet")
        self.stdout.write(f"{rulebook.name}: {len(changes)} changes.")

    def _act(
        self, tables: dict[str, Any], rulebook: Rulebook, changes: list[Applied], proposer: str | None, now: datetime
    ) -> None:
        altered = [one.from_on for one in changes if one.alters]
        settled = RulesLock.objects.filter(settled_until__gt=date.min).exists()
        if proposer is None and altered and settled:
            told = "This alters rules that settled intervals rest on. Name who proposes it with --propose-by USER."
            raise CommandError(f"{told} [needs_a_second_person]")
        if proposer is None:
            apply_rulebook(rulebook=rulebook, by=None, at=now)
            self.stdout.write("Loaded.")
            return
        user = User.objects.filter(username=proposer).first()
        if user is None:
            raise CommandError(f"There is no user {proposer}. [unknown_user]")
        first = min(altered or [one.from_on for one in changes])
        change = propose_change(by=user, kind="rulebook", payload=tables, effective_on=first, at=now)
        self.stdout.write(f"Proposed as change {change.pk}, from {first.isoformat()}; a second person approves it.")
