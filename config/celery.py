"""Celery: workers that tick the markets and run long jobs. A message is only a hint; the database row is the truth."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("wattbourse")
app.config_from_object("config.schedule")
app.autodiscover_tasks()
