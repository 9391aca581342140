"""Celery: workers that tick the markets and run long jobs. A message is only a hint; the database row is the truth."""

import os

from celery import Celery
from celery.signals import worker_process_init

from config import pulse
from config.collector import settle_down

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("wattbourse")
app.config_from_object("config.schedule")
app.autodiscover_tasks()

pulse.connect({entry["task"] for entry in app.conf.beat_schedule.values()})
worker_process_init.connect(lambda **_: settle_down(), weak=False)
