"""Django's handle on the app: what to do next."""

from django.apps import AppConfig


class PlanningConfig(AppConfig):
    name = "planning"
