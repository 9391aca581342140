"""Django's handle on the app: a campus and a park to trade on."""

from django.apps import AppConfig


class SimulatorConfig(AppConfig):
    name = "simulator"
