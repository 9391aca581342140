"""Django's handle on the app: how members come in."""

from django.apps import AppConfig


class MembersConfig(AppConfig):
    name = "members"
