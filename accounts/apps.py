"""Django's handle on the app: who may do what."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
