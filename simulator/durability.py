"""A scratch market that is lost in a power cut is played again: its commits need not wait for the disk."""

from django.db import connection


def relax_durability() -> None:
    """Commits of this connection are answered before they are on disk."""
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")


def restore_durability() -> None:
    """Gives the connection back as it was."""
    with connection.cursor() as cursor:
        cursor.execute("RESET synchronous_commit")
    connection.close()
