"""Django's handle on the app: the web pages."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "portal"
