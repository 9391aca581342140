"""The start of a process that works beside its parent. It imports no model, since Django is not set up before it."""

import os


def set_up(database: str) -> None:
    """Django, on the same database as the process that asked."""
    import django
    from django.db import connection

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    connection.settings_dict["NAME"] = database
