"""Django's handle on the app: the dated rulebook."""

from django.apps import AppConfig


class TariffsConfig(AppConfig):
    name = "tariffs"
