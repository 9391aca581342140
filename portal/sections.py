"""The parts of the office and of a participant's pages, in the order in which the navigation shows them."""

from django.utils.translation import gettext_lazy as _

# (name, address, word): the address is that of the section's first page.
SECTIONS = (
    ("overview", "overview", _("Today")),
    ("members", "members", _("Members")),
    ("market", "market_control", _("Market control")),
    ("readings", "readings", _("Readings")),
    ("closes", "closes", _("Month close")),
    ("documents", "documents", _("Documents")),
    ("money", "money", _("Money")),
    ("details", "details", _("Billing details")),
    ("rulebook", "rulebook", _("Rulebook")),
    ("disputes", "disputes", _("Disputes")),
    ("jobs", "jobs", _("Jobs")),
    ("health", "health", _("Health")),
    ("control", "control", _("Control")),
    ("sites", "sites", _("Sites")),
    ("audit", "audit", _("Audit trail")),
)
SEAT_SECTIONS = (
    ("bills", "documents", _("Bills")),
    ("energy", "energy", _("Energy and cost")),
    ("intervals", "intervals", _("Intervals")),
    ("disputes", "disputes", _("Disputes")),
    ("green", "green", _("Green energy")),
    ("compare", "compare", _("What if")),
    ("details", "details", _("Billing details")),
)
