"""`./run make_token --user NAME [--days 365]`: a token for a program, on the operator's word.

Over the API a password alone makes no token for an administrator who has a second step or owes one, yet a metering
system needs the login of an administrator and can show no second step. Whoever starts commands here holds the database
anyway.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import User
from accounts.operations import create_token

DEFAULT_DAYS, MOST_DAYS = 90, 366


class Command(BaseCommand):
    help = "Make a token for the programs of a login; it is shown this once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--user", required=True, metavar="NAME", help="the login's user name")
        parser.add_argument("--days", type=int, default=DEFAULT_DAYS, help=f"how long it holds, at most {MOST_DAYS}")

    def handle(self, *args: Any, user: str, days: int, **options: Any) -> None:
        found = User.objects.filter(username=user, is_active=True).first()
        if found is None:
            raise CommandError(f"There is no open login named {user}.")
        if not 1 <= days <= MOST_DAYS:
            raise CommandError(f"A token holds for 1 to {MOST_DAYS} days.")
        token, secret = create_token(by=found, expires_in=timedelta(days=days), at=datetime.now(UTC))
        self.stdout.write(f"{secret}\nholds until {token.expiry:%Y-%m-%d %H:%M} UTC; revoke it as {token.token_key}")
