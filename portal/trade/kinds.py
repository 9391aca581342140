"""The kinds of orders that the ticket offers, and the time in force that each means."""

from django.utils.translation import gettext_lazy as _

from trading.api.shapes import Tif

TIF: dict[str, Tif] = {"gate": "GTC", "gtd": "GTD", "ioc": "IOC", "fok": "FOK", "market": "IOC"}
KINDS = (
    ("gate", _("Limit, until the gate closes")),
    ("gtd", _("Limit, until a time")),
    ("ioc", _("Limit, only what trades at once (IOC)")),
    ("fok", _("Limit, all at once or nothing (FOK)")),
    ("market", _("At the market, only what trades at once")),
)
