"""Django's handle on the app: who owes whom."""

from django.apps import AppConfig


class SettlementConfig(AppConfig):
    name = "settlement"
