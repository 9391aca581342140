"""`manage.py send_reminders MARKET`: remind those whose invoices are overdue; with `--preview` only show the mails."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from settlement.operations.dunning import Mail, preview_reminders, send_reminders, today
from trading.models import Market


class Command(BaseCommand):
    help = "Send the reminders that are due today; each level of each invoice goes out once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("market", help="code of the market")
        parser.add_argument("--preview", action="store_true", help="show the mails and send nothing")

    def handle(self, *args: Any, market: str, preview: bool, **options: Any) -> None:
        found = Market.objects.filter(code=market).first()
        if found is None:
            raise CommandError(f"There is no market {market}.")
        at = timezone.now()
        on = today(found.pk, at)
        if preview:
            for mail in preview_reminders(found.pk, on):
                self.stdout.write(_shown(mail))
            return
        done = send_reminders(market_id=found.pk, on=on, by=None, at=at)
        for mail in done.held_back:
            self.stdout.write(f"held back ({mail.held_back}): {mail.subject}")
        for mail in done.failed:
            self.stderr.write(f"the mail server refused {mail.to}: {mail.subject}")
        self.stdout.write(f"{len(done.sent)} sent, {len(done.held_back)} held back, {len(done.failed)} failed.")
        if done.failed:
            raise CommandError("Some reminders were not sent; they are due again the next time.")


def _shown(mail: Mail) -> str:
    held = f"HELD BACK ({mail.held_back})\n" if mail.held_back else ""
    return f"{held}To: {mail.to or '?'}\nSubject: {mail.subject}\n\n{mail.body}{'-' * 72}"
