"""What a notice says, in the reader's language: what happened, what it means, what to do.

A notice keeps its kind and its figures; its words are made when it is read. `title` has the figures, `plain` says the
same without an amount of money or energy (for a locked screen that others see), `body` what it means and what to do.
Example: bill_issued with total_dong 412000, month_on 2026-10-01, due_on 2026-11-15 → 'Your bill for October 2026:
₫412,000' · 'You have a new bill' · 'Please pay it by 15 November 2026.'

`{what}` is a kind of rule in words, `{What}` the same at the beginning of a sentence.
The unit of a figure is in its name: `_dong`, `_millidong`, `_wh`, `_pct`, `_on` (a date), `month_on` (its month).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from babel.dates import format_date

from accounts.domain.notices import ENERGY, HOUSE, MARKET, MONEY, RULES, SECURITY
from accounts.domain.sentences import words
from units.energy import format_energy
from units.money import format_money, round_to_minor
from units.numbers import Language, grouped

Translate = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Said:
    """A notice in words."""

    title: str
    plain: str
    body: str


def said(kind: str, data: Mapping[str, Any], language: Language, _: Translate) -> Said:
    """One notice in words. `_` translates into `language`; a kind of a later release is told plainly."""
    title, plain, body = sentences(_).get(kind) or (_("There is news for you."), _("There is news for you."), "")
    known = _Missing({name: figure(name, value, language) for name, value in data.items()})
    known.update({name: words(_).get(str(data[name]), str(data[name])) for name in ("what", "role") if name in data})
    known["What"] = known["what"][:1].upper() + known["what"][1:]
    return Said(title.format_map(known), plain.format_map(known), body.format_map(known))


class _Missing(dict[str, str]):
    """A notice of an earlier release may lack a figure; its sentence shows a dash there."""

    def __missing__(self, key: str) -> str:
        return "–"


def figure(name: str, value: Any, language: Language) -> str:
    """A figure as people read it, by the unit in its name."""
    if value in (None, ""):
        return "–"
    if isinstance(value, str):
        return _day(name, value, language) if name.endswith("_on") else value
    if name.endswith("_millidong"):
        return _together(format_money(round_to_minor(int(value)), language))
    if name.endswith("_dong"):
        return format_money(int(value), language)
    if name.endswith("_wh"):
        return format_energy(int(value), language)
    if name.endswith("_pct"):
        return f"{value}\u00a0%"
    return grouped(value, language) if isinstance(value, int) else str(value)


def _together(money: str) -> str:
    """A minus sign stays on the line of its amount."""
    return money.replace("−", "−\u2060")


def _day(name: str, value: str, language: Language) -> str:
    on = date.fromisoformat(value)
    if name == "month_on":
        return format_date(on, "LLLL y", locale="en") if language == "en" else f"tháng {on:%-m/%Y}"
    return format_date(on, "d MMMM y" if language == "en" else "d/M/y", locale=language)


Told = dict[str, tuple[str, str, str]]


def sentences(_: Translate) -> Told:
    """Every kind: title with figures, title without, what it means and what to do."""
    return _bills(_) | _payments(_) | _disputes(_) | _energy(_) | _market(_) | _house(_) | _login(_)


def _bills(_: Translate) -> Told:
    return {
        "bill_issued": (
            _("Bill of {who} for {month_on}: {total_dong}"),
            _("{who} has a new bill"),
            _("Please pay it by {due_on}. The bill shows how each amount came about."),
        ),
        "credit_issued": (
            _("{who} earned {total_dong} in {month_on}"),
            _("{who} has a new statement of earnings"),
            _("It will be paid out by {due_on} to the bank account in your billing details."),
        ),
        "statement_issued": (
            _("Statement of {who} for {month_on} is ready"),
            _("{who} has a new statement"),
            _("It shows what the market would have cost or earned. Nothing has to be paid."),
        ),
        "bill_replaced": (
            _("A document of {who} for {month_on} was replaced"),
            _("A document of {who} was replaced"),
            _("The amount is the same; name, address or tax code were corrected. Keep the new one."),
        ),
        "reminder_due": (
            _("{open_dong} of {who} are overdue"),
            _("A bill of {who} is overdue"),
            _("It was due on {due_on}. Please pay it, or write to the administrator if you think it is wrong."),
        ),
    }


def _payments(_: Translate) -> Told:
    return {
        "payment_received": (
            _("Your payment of {amount_dong} arrived"),
            _("A payment of {who} arrived"),
            _("It was booked for {who}. You need not do anything."),
        ),
        "paid_out": (
            _("{amount_dong} were paid out to {who}"),
            _("Money was paid out to {who}"),
            _("Look for it in your bank account within a few days."),
        ),
        "refund_paid": (
            _("{amount_dong} were paid back to {who}"),
            _("Money was paid back to {who}"),
            _("It comes from what had been paid in advance. Look for it in your bank account within a few days."),
        ),
        "payment_undone": (
            _("A payment of {amount_dong} was taken back from {who}"),
            _("A payment of {who} was taken back"),
            _("The bills that it had paid are open again. Look at them; ask the administrator if you do not know why."),
        ),
    }


def _disputes(_: Translate) -> Told:
    return {
        "dispute_waived": (
            _("Your dispute about {on_on}, {interval} was decided for you"),
            _("A dispute of {who} was decided"),
            _("Nobody pays compensation for that interval. The reason: “{decision}”"),
        ),
        "dispute_kept": (
            _("Your dispute about {on_on}, {interval} was turned down"),
            _("A dispute of {who} was decided"),
            _("The compensation stays as it was. The reason: “{decision}”"),
        ),
        "reading_corrected": (
            _("Corrected readings of {on_on} change {who} by {change_millidong}"),
            _("Readings of {who} were corrected"),
            _("The difference stands on the next bill. The day's intervals show what changed."),
        ),
    }


def _energy(_: Translate) -> Told:
    return {
        "day_summary": (
            _("Yesterday {who} sold {sold_wh} and bought {bought_wh}"),
            _("The summary of yesterday for {who} is ready"),
            _("That is {saved_millidong} better than the grid alone would have been."),
        ),
        "cap_near": (
            _("{who} has used {used_pct} of the {cap_pct} that the grid pays for this month"),
            _("{who} has nearly reached the surplus limit of this month"),
            _("Beyond it the grid pays nothing. Sell to neighbours at a lower price, or use more at noon."),
        ),
        "meter_silent": (
            _("Meter {meter} of {who} has been silent for {hours} h"),
            _("A meter of {who} is silent"),
            _("Until it speaks again your energy is estimated. Check its power and its connection."),
        ),
        "claim_accepted": (
            _("What {who} reported about its equipment was confirmed"),
            _("What {who} reported about its equipment was confirmed"),
            _("It counts from now on. You need not do anything."),
        ),
        "claim_refused": (
            _("What {who} reported about its equipment was not confirmed"),
            _("What {who} reported about its equipment was not confirmed"),
            _("The reason: “{note}” Correct it and report it again."),
        ),
        "switched_off": (
            _("Selling for {who} was switched off"),
            _("Selling for {who} was switched off"),
            _("{person} did it. Open orders were taken back; surplus goes to the grid until it is switched on again."),
        ),
        "selling_begins": (
            _("Trading for {who} is on; the first offers follow"),
            _("Trading for {who} is on; the first offers follow"),
            _(
                "What to offer is estimated from your own readings of the days before. The first offers come within a "
                "day of your meter's first reading and fit better after three days. You need not do anything."
            ),
        ),
        "no_forecast": (
            _("Nothing is offered for {who}: there is no forecast"),
            _("Nothing is offered for {who}: there is no forecast"),
            _("Readings of the last days are missing, so nobody can tell what is left over. Check your meter."),
        ),
        "orders_refused": (
            _("Orders for {who} were refused today"),
            _("Orders for {who} were refused today"),
            _("A limit was reached, so part of your energy goes over the grid. Look at your limits and open bills."),
        ),
    }


def _market(_: Translate) -> Told:
    return {
        "market_halted": (
            _("Trading in {market_name} was stopped"),
            _("Trading in {market_name} was stopped"),
            _("Energy flows as ever, over the grid. No order is taken until trading goes on."),
        ),
        "market_resumed": (
            _("Trading in {market_name} goes on"),
            _("Trading in {market_name} goes on"),
            _("Orders that you left open are in the book. Check whether their prices are still right."),
        ),
        "interval_halted": (
            _("Trading for {on_on}, {interval} in {market_name} was stopped"),
            _("Trading for {on_on}, {interval} in {market_name} was stopped"),
            _("What you have bought and sold for it stays. No order for it is taken until trading goes on."),
        ),
        "interval_resumed": (
            _("Trading for {on_on}, {interval} in {market_name} goes on"),
            _("Trading for {on_on}, {interval} in {market_name} goes on"),
            _("Orders that you left open are in the book. Check whether their prices are still right."),
        ),
        "rules_changed": (
            _("{What} change for {who} from {from_on}"),
            _("Rules change for {who}"),
            _("The change was approved. Until then everything stays as it is."),
        ),
    }


def _house(_: Translate) -> Told:
    return {
        "proposal_waits": (
            _("A change of {what} waits for a second person"),
            _("A change of rules waits for a second person"),
            _("{person} proposed it, to hold from {from_on}. Look at whom it touches, then approve or reject it."),
        ),
        "reading_waits": (
            _("Figures for the meter {meter} wait for a second person"),
            _("Figures for a meter wait for a second person"),
            _("{person} proposed them. Look at the curve, then confirm or reject them."),
        ),
        "claim_waits": (
            _("{who} reported its equipment"),
            _("A member reported its equipment"),
            _("It counts once an administrator has confirmed it. Compare it with the papers, then say yes or no."),
        ),
        "close_waits": (
            _("The close of {month_on} in {market_name} waits for a second person"),
            _("A month close waits for a second person"),
            _("{documents} drafts are ready. Read the checklist, then approve it or discard it."),
        ),
        "site_meter_silent": (
            _("{count} meters of {market_name} have been silent for more than {hours} h"),
            _("Meters of {market_name} are silent"),
            _("Their members are told too. The list of meters shows which they are."),
        ),
        "invitation_accepted": (
            _("{person} accepted your invitation"),
            _("Your invitation was accepted"),
            _("They act for {who} as {role} now."),
        ),
    }


def _login(_: Translate) -> Told:
    unless = _("If it was not you: sign out all other devices and change your password now.")
    plain = _("Something changed about your login")
    return {
        "new_device": (_("New sign-in: {device}"), _("New sign-in to your login"), unless),
        "password_changed": (_("Your password was changed"), plain, unless),
        "app_added": (_("An authenticator app was set up"), plain, unless),
        "app_removed": (_("Your authenticator app was removed"), plain, unless),
        "codes_made": (_("New recovery codes were made"), plain, unless),
        "code_used": (
            _("Somebody signed in with a recovery code; {left} are left"),
            _("A recovery code was used"),
            unless,
        ),
        "passkey_added": (_("The passkey “{passkey}” was added"), plain, unless),
        "passkey_removed": (_("The passkey “{passkey}” was removed"), plain, unless),
        "device_added": (_("Notices are shown on {device} now"), _("Notices are shown on a new device"), unless),
        "email_changed": (_("Your e-mail address is {email} now"), plain, unless),
    }


def topic_names(_: Translate) -> dict[str, str]:
    """What each topic that can be chosen is called on the page of preferences."""
    return {
        "documents": _("Bills, earnings and statements"),
        "reminders": _("Overdue bills"),
        "payments": _("Payments and refunds"),
        "disputes": _("Decisions about disputes"),
        "corrections": _("Corrected readings that change money"),
        "days": _("Daily summary, only if you choose a way"),
        "cap": _("Surplus limit nearly reached"),
        "meters": _("Your meter and equipment"),
        "selling": _("Selling that stops: switched off, no forecast, a limit"),
        "stops": _("Trading stopped, and going on again"),
        "rules": _("Changes of prices and rules that touch you"),
        "proposals": _("Proposals and reports that wait for approval"),
        "closes": _("Month closes that wait for approval"),
        "site_meters": _("Silent meters of the site"),
        "invitations": _("Accepted invitations"),
    }


def group_names(_: Translate) -> dict[str, str]:
    """What the groups of kinds are called."""
    return {
        MONEY: _("Bills and money"),
        ENERGY: _("Energy and meters"),
        MARKET: _("The market"),
        RULES: _("Prices and rules"),
        HOUSE: _("Running the house"),
        SECURITY: _("Safety of your login"),
    }
