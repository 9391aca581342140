"""The parts of the office and of a participant's pages, in the order in which the navigation shows them."""

from django.utils.translation import gettext_lazy as _

# Groups of (name, address, word): the address is that of the section's first page. A group without a word stands first.
SECTIONS = (
    ("", (("overview", "overview", _("Today")),)),
    (
        _("Members and trading"),
        (
            ("members", "members", _("Members")),
            ("market", "market_control", _("Market control")),
            ("readings", "readings", _("Readings")),
            ("disputes", "disputes", _("Disputes")),
        ),
    ),
    (
        _("Month and money"),
        (
            ("closes", "closes", _("Month close")),
            ("documents", "documents", _("Documents")),
            ("money", "money", _("Money")),
        ),
    ),
    (
        _("Set-up"),
        (
            ("rulebook", "rulebook", _("Rulebook")),
            ("details", "details", _("Billing details")),
            ("sites", "sites", _("Sites")),
        ),
    ),
    (
        _("Watching over it"),
        (
            ("control", "control", _("Control")),
            ("audit", "audit", _("Audit trail")),
            ("jobs", "jobs", _("Jobs")),
            ("health", "health", _("Health")),
        ),
    ),
)
SEAT_SECTIONS = (
    (
        "",
        (
            ("bills", "documents", _("Bills")),
            ("energy", "energy", _("Energy and cost")),
            ("intervals", "intervals", _("Intervals")),
            ("disputes", "disputes", _("Disputes")),
            ("green", "green", _("Green energy")),
            ("compare", "compare", _("What if")),
            ("details", "details", _("Billing details")),
        ),
    ),
)
