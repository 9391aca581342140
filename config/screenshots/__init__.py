"""The pictures of the pages: one table for the command that takes them and for the list in docs/portal.md.

A shot is a page of the demo, seen by one of its logins. `values` names what stands in the address; `world.py` finds it
in the demo's data. A new page gets a line here, then `./run screenshots --docs` writes the list anew.
"""

from dataclasses import dataclass
from itertools import product

STRANGER = ""
MARKET, SEAT = ("code",), ("code", "who")
MEMBER, TENANT, ADMINISTRATOR, SECOND, AUDITOR = "prosumer", "tenant", "administrator", "second", "auditor"
WIDE, PHONE = 1440, 390


@dataclass(frozen=True)
class Shot:
    """One page: the name of its files, who looks, its address by name, and what is to be seen."""

    name: str
    who: str
    page: str
    shows: str
    values: tuple[str, ...] = ()
    query: str = ""
    open_all: bool = False


SHOTS = (
    Shot("login", STRANGER, "portal:login", "the door: name and password, passkey, the demo's logins"),
    Shot("forgotten", STRANGER, "accounts:forgotten", "a letter for who forgot the password"),
    Shot("wall", STRANGER, "portal:wall", "the lobby: price, local energy, carbon, the next gate", MARKET),
    Shot("offline", STRANGER, "portal:offline", "no connection: nothing old is shown"),
    Shot("home", MEMBER, "portal:home", "a household: now, today, the switch, the battery, orders, month", SEAT),
    Shot("home-limits", MEMBER, "portal:home", "the same with limits and table opened", SEAT, open_all=True),
    Shot("welcome", MEMBER, "portal:welcome", "the door to the first steps"),
    Shot("start", MEMBER, "portal:start", "the first steps: meter, devices, sell", SEAT),
    Shot("account", MEMBER, "accounts:account", "one's own login: passkeys, devices, password, data"),
    Shot("notices", MEMBER, "portal:notices", "what happened, newest first"),
    Shot("notices-settings", MEMBER, "portal:notices_settings", "which notices, and by which way"),
    Shot("bills", MEMBER, "portal:bills_documents", "what is owed, this month so far, documents, account", SEAT),
    Shot("bill", MEMBER, "portal:bills_document", "a bill as on paper, with VietQR", (*SEAT, "invoice")),
    Shot("bill-why", MEMBER, "portal:bills_why", "why this amount, down to readings", (*SEAT, "invoice", "line")),
    Shot("energy", MEMBER, "portal:bills_energy", "energy and cost against the tariff, power, green share", SEAT),
    Shot("intervals", MEMBER, "portal:bills_intervals", "the settled intervals of a day", SEAT),
    Shot("green", MEMBER, "portal:bills_green", "green by the hour, emissions, certificates", SEAT, "?month={month}"),
    Shot("compare", MEMBER, "portal:bills_compare", "the month under two rulebooks", SEAT),
    Shot("own-disputes", MEMBER, "portal:bills_disputes", "one's own disputes", SEAT),
    Shot("own-details", MEMBER, "portal:bills_details", "name, address, bank, language of documents", SEAT),
    Shot("market", TENANT, "portal:market_of", "the trading desk, live", MARKET),
    Shot("ticket", TENANT, "portal:ticket", "an order with its preview, also without scripts", MARKET),
    Shot("bulk", TENANT, "portal:bulk", "a whole day's orders at once", MARKET),
    Shot("blotter", TENANT, "portal:blotter", "all orders and trades, to be filtered", MARKET),
    Shot("tenant-energy", TENANT, "portal:bills_energy", "a company's energy, cost and power", SEAT),
    Shot("people", TENANT, "accounts:members_of", "who acts for a member, with which role", ("who",)),
    Shot("office", ADMINISTRATOR, "portal:office_overview", "the morning: what needs a person", MARKET),
    Shot("members", ADMINISTRATOR, "portal:office_members", "all members", MARKET),
    Shot("member", ADMINISTRATOR, "portal:office_member", "one member with points, meters, devices", SEAT),
    Shot("member-add", ADMINISTRATOR, "portal:office_member_add", "a new member", MARKET),
    Shot("sheets", ADMINISTRATOR, "portal:office_sheets", "members by spreadsheet", MARKET),
    Shot("readings", ADMINISTRATOR, "portal:office_readings", "readings that need a person", MARKET),
    Shot("closes", ADMINISTRATOR, "portal:office_closes", "the months", MARKET),
    Shot("close", SECOND, "portal:office_close", "a month that waits for a second person", (*MARKET, "waiting")),
    Shot("close-issued", ADMINISTRATOR, "portal:office_close", "a month that is issued", (*MARKET, "issued")),
    Shot("documents", ADMINISTRATOR, "portal:office_documents", "all documents, to be filtered", MARKET),
    Shot("document", ADMINISTRATOR, "portal:office_document", "one document with its payments", (*MARKET, "invoice")),
    Shot("money", ADMINISTRATOR, "portal:office_money", "who owes what, by age", MARKET),
    Shot("bank", ADMINISTRATOR, "portal:office_bank", "bank files and movements to be matched", MARKET),
    Shot("payments", ADMINISTRATOR, "portal:office_payments", "payments, by hand and by file", MARKET),
    Shot("payouts", ADMINISTRATOR, "portal:office_payouts", "what net sellers are to be paid", MARKET),
    Shot("reminders", ADMINISTRATOR, "portal:office_reminders", "reminders, word for word", MARKET),
    Shot("details", ADMINISTRATOR, "portal:office_details", "who sells, and how each member is billed", MARKET),
    Shot("rulebook", ADMINISTRATOR, "portal:office_rulebook", "what holds, since when, by which source", MARKET),
    Shot("changes", ADMINISTRATOR, "portal:office_proposals", "changes of rules and whom they touch", MARKET),
    Shot("disputes", ADMINISTRATOR, "portal:office_disputes", "disputes, open and decided", MARKET),
    Shot("control", ADMINISTRATOR, "portal:office_control", "laws checked, certificates, what is stuck", MARKET),
    Shot("market-control", ADMINISTRATOR, "portal:office_market_control", "halt, freeze, calendar", MARKET),
    Shot("jobs", ADMINISTRATOR, "portal:office_jobs", "jobs and how far they are", MARKET),
    Shot("health", ADMINISTRATOR, "portal:office_health", "workers, brokers, devices", MARKET),
    Shot("sites", ADMINISTRATOR, "portal:office_sites", "sites and markets of this installation", MARKET),
    Shot("audit", AUDITOR, "portal:office_audit", "every action in a sentence", MARKET),
    Shot("logins", ADMINISTRATOR, "accounts:members", "people and invitations"),
    Shot("styleguide", ADMINISTRATOR, "portal:styleguide", "every part in all its states"),
    Shot("styleguide-desk", ADMINISTRATOR, "portal:styleguide", "the same, dense", query="?density=desk"),
)  # fmt: skip
# Width, theme, language of the pictures taken unless all are asked for: each once wide and once on a phone.
FEW = ((WIDE, "light", "en"), (WIDE, "dark", "vi"), (PHONE, "light", "vi"), (PHONE, "dark", "en"))
ALL = tuple(product((WIDE, PHONE), ("light", "dark"), ("en", "vi")))


def listed() -> str:
    """The list as docs/portal.md has it."""
    rows = [f"| `{shot.name}` | {shot.who or 'nobody'} | {shot.shows} |" for shot in SHOTS]
    return "\n".join(["| picture | seen by | shows |", "|---|---|---|", *rows]) + "\n"
