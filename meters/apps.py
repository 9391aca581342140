"""Django's handle on the app: what was measured."""

from django.apps import AppConfig


class MetersConfig(AppConfig):
    name = "meters"
