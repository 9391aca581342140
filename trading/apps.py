"""Django's handle on the app: what was agreed."""

from django.apps import AppConfig


class TradingConfig(AppConfig):
    name = "trading"
