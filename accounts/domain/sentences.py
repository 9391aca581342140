"""The audit trail as people read it: each action as a sentence, in the reader's language and number format.

An entry holds who, what (`terms.set`), on what (`site campus`) and the figures. Its sentence is a template for the
action, filled in from there: 'Lan Trần set the network fee from zone A to zone B at campus to ₫150/kWh from 1 December
2026.' An action without a template is still told, plainly; a test fails until it has one.

In a template `{who}` is the person, `{name}` what follows the first word of the target, all else stands in the detail.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from babel.dates import format_date
from babel.dates import format_datetime as format_moment

from units.energy import format_energy
from units.money import format_money, format_price
from units.numbers import Language, grouped

Translate = Callable[[str], str]
ON_DAYS = ("installed_on", "removed_on", "valid_from", "valid_to", "from", "issue_on", "effective_on")
MOMENTS = ("expires_at", "interval", "period_start", "period_end")
PRICES = ("price", "surplus_price", "network_fee", "platform_fee_price")
CODED = ("kind", "role", "was", "format", "means", "method", "cause")  # told in words
MONEY = ("credit_limit_dong", "amount_dong", "open_dong", "price_per_kw", "total_dong")


def sentence_of(
    *, who: str, action: str, target: str, detail: Mapping[str, Any], language: Language, _: Translate
) -> str:
    """One entry of the trail in words. `_` translates into `language`; an empty `who` is the installation itself."""
    template = templates(_).get(action)
    known = {"name": target.partition(" ")[2] or target, **values_of(detail, language, _)}
    known |= {"who": who or _("The system"), "target": target}
    if template is None:
        return _("{who} did “{action}” on {target}.").format(action=action, **known)
    return template.format_map(_Missing(known))


class _Missing(dict[str, Any]):
    """An entry of an earlier release may lack a figure; its sentence shows a dash there."""

    def __missing__(self, key: str) -> str:
        return "–"


def values_of(detail: Mapping[str, Any], language: Language, _: Translate) -> dict[str, Any]:
    """The figures of an entry as people read them: by the unit in their names."""
    return {name: _told(name, value, language, _) for name, value in detail.items()}


def _told(name: str, value: Any, language: Language, _: Translate) -> Any:
    if value in (None, ""):
        return "–"
    if name == "fields" and isinstance(value, list):
        return ", ".join(words(_).get(f"field.{each}", str(each)) for each in value) or "–"
    if isinstance(value, list | dict):
        return ", ".join(str(each) for each in value) or "–"
    if isinstance(value, str):
        return _text(name, value, language, _)
    if isinstance(value, bool) or not isinstance(value, int):
        return value
    if name in PRICES:
        return format_price(value, language)
    if name in MONEY:
        return format_money(value, language)
    if name == "wh" or name.endswith("_wh"):
        return format_energy(value, language)
    if name == "rate_bp":
        return f"{grouped(value, language, decimals=2)} %"
    return grouped(value, language) if name not in ("year", "close", "market", "participant") else str(value)


def _text(name: str, value: str, language: Language, _: Translate) -> str:
    try:
        if name in ON_DAYS:
            return format_date(date.fromisoformat(value), "d MMMM y" if language == "en" else "long", locale=language)
        if name in MOMENTS:
            pattern = "dd/MM/y HH:mm 'UTC'" if language == "vi" else "d MMMM y HH:mm 'UTC'"
            return format_moment(datetime.fromisoformat(value), pattern, locale=language)
    except ValueError:
        return value
    return words(_).get(value, value) if name in CODED else value


def words(_: Translate) -> dict[str, str]:
    """What stands in a detail as a word of the program, as people say it."""
    return {
        "owner": _("owner"),
        "trader": _("trader"),
        "viewer": _("viewer"),
        "administrator": _("administrator"),
        "auditor": _("auditor"),
        "password": _("a password"),
        "passkey": _("a passkey"),
        "totp": _("a password and an authenticator app"),
        "recovery": _("a password and a recovery code"),
        "invitation": _("an invitation"),
        "tariff": _("retail prices"),
        "terms": _("terms of a site"),
        "network_fee": _("network fees"),
        "vat": _("value-added tax"),
        "emission_factor": _("emission factors"),
        "assignment": _("who is on which tariff"),
        "rulebook": _("a whole rulebook"),
        "field.legal_name": _("name"),
        "field.tax_code": _("tax code"),
        "field.address": _("address"),
        "field.email": _("e-mail address"),
        "field.phone": _("telephone"),
        "field.bank_name": _("bank"),
        "field.bank_bin": _("bank number"),
        "field.bank_account": _("bank account"),
        "field.vat_registered": _("VAT registration"),
        "field.invoice_per": _("invoice per meter"),
        "field.language": _("language"),
        "cause:gap": _("no reading"),
        "cause:estimated": _("an estimate"),
        "cause:over_power": _("more than the connection carries"),
        "cause:no_generation": _("export without generation"),
        "cause:spike": _("a value that stands out"),
        "cause:stuck": _("a value that does not move"),
        "cause:shifted": _("a clock that looks wrong"),
        "method:": "–",
        "method:similar_sun": _("like the other roofs"),
        "method:linear": _("straight line"),
        "method:same_weekday": _("mean of the same weekday"),
        "method:day_mean": _("mean of the days before"),
        "method:nothing": _("nothing known: 0"),
        "method:as_it_is": _("as it is"),
        "method:own": _("own figures"),
    }


def templates(_: Translate) -> dict[str, str]:
    """Every action there is, with its sentence."""
    return {
        "user.created": _("{who} created the user {target}."),
        "participant.created": _("{who} created the participant {target} ({name})."),
        "participant.changed": _("{who} changed the participant {target}: {name_now}."),
        "membership.added": _("{who} let {user} act for {target} as {role}."),
        "membership.changed": _("{who} changed the role of {user} for {target} from {was} to {role}."),
        "membership.removed": _("{who} ended the right of {user} to act for {target}."),
        "invitation.sent": _("{who} invited {email} as {role} ({participant})."),
        "invitation.withdrawn": _("{who} withdrew the invitation of {email}."),
        "invitation.accepted": _("{who} accepted {target}."),
        "login.opened": _("{who} signed in with {means} ({device})."),
        "login.closed": _("{who} signed out a device ({device})."),
        "password.changed": _("{who} changed the password of the login."),
        "password.reset": _("{who} set another password by a link that was sent to the e-mail address."),
        "second_step.added": _("{who} set up an authenticator app."),
        "second_step.removed": _("{who} removed the authenticator app."),
        "second_step.codes_made": _("{who} made new recovery codes."),
        "second_step.code_used": _("{who} signed in with a recovery code; {left} are left."),
        "passkey.added": _("{who} added the passkey “{passkey}”."),
        "passkey.removed": _("{who} removed the passkey “{passkey}”."),
        "notices.chosen": _("{who} chose how notices come."),
        "push_device.added": _("{who} lets the device {device} show notices."),
        "push_device.removed": _("{who} lets the device {device} show no more notices."),
        "email.change_asked": _("{who} asked to change the e-mail address to {email}."),
        "email.changed": _("{who} changed the e-mail address from {was} to {email}."),
        "user.exported": _("{who} downloaded all data held about {target}."),
        "user.erased": _("{who} had the login erased; it is called {target} now."),
        "billing.set": _("{who} changed the billing details of {target}: {fields}."),
        "billing.imported": _("{who} loaded billing details from a spreadsheet: {new} new, {changed} changed."),
        "issuer.set": _(
            "{who} set who sells at {name}: {legal_name}, tax code {tax_code}, bank account {bank_account}, letters"
            " {symbol} and {self_bill_symbol}."
        ),
        "token.created": _("{who} made the access token {target}…, which holds until {expires_at}."),
        "token.revoked": _("{who} revoked the access token {target}…."),
        "readings.recorded": _(
            "{who} loaded readings at {name} from {source}: {new} new, {corrected} corrected, {unchanged} unchanged."
        ),
        "reading.approved": _(
            "{who} approved an estimate for {count} intervals of {name} from {interval} ({cause}): {import_wh} taken,"
            " {export_wh} given, {method}. {reason}"
        ),
        "reading.proposed": _(
            "{who} proposed figures for {count} intervals of {name} from {interval} ({cause}): {import_wh} taken,"
            " {export_wh} given, {method}. {reason}"
        ),
        "reading.confirmed": _(
            "{who} confirmed the figures for {count} intervals of {name} from {interval}: {import_wh} taken,"
            " {export_wh} given, {method}. {reason}"
        ),
        "reading.dropped": _(
            "{who} ended the proposal for {count} intervals of {name} from {interval}; nothing was written. {reason}"
        ),
        "reading.left": _("{who} left {count} intervals of {name} from {interval} as they are ({cause}): {reason}"),
        "reading.settled_again": _(
            "{who} had {count} intervals from {interval} settled again, as {name} was read or corrected late."
        ),
        "market.halted": _("{who} halted trading in {name}: “{reason}”"),
        "market.frozen": _("{who} froze the book of {name}: “{reason}”"),
        "market.resumed": _("{who} let trading in {name} go on: “{reason}”"),
        "interval.halted": _("{who} halted trading for the interval of {interval} in {name}: “{reason}”"),
        "interval.frozen": _("{who} froze the book for the interval of {interval} in {name}: “{reason}”"),
        "interval.resumed": _("{who} let trading for the interval of {interval} in {name} go on: “{reason}”"),
        "market.stop_planned": _(
            "{who} planned that trading in {name} stops from {period_start} to {period_end}: “{reason}”"
        ),
        "market.stop_cancelled": _(
            "{who} took back the stop of trading in {name} from {period_start} to {period_end}: “{reason}”"
        ),
        "device.soc_set": _("{who} set the charge of device {name} from {from_wh} to {to_wh}."),
        "device.reserve_set": _("{who} set what {name} of {participant} keeps from {from_pct}% to {to_pct}%."),
        "instruction.switched_on": _("{who} let the platform trade for {name}."),
        "instruction.switched_off": _("{who} stopped the platform from trading for {name}."),
        "instruction.limits_set": _(
            "{who} set the limits of {name}: selling {sell_far_price} to {sell_near_price}, buying {buy_far_price} to"
            " {buy_near_price} ₫/kWh."
        ),
        "peak_limit.set": _(
            "{who} set the power limit of {name} to {limit_w} W, with a warning from {warn_pct} % of it on."
        ),
        "peak_limit.removed": _("{who} removed the power limit of {name} ({limit_w} W)."),
        "tariff.rows_replaced": _("{who} gave the tariff {name} new prices."),
        "tariff.assigned": _("{who} put {name} at {site} on the tariff {tariff} from {valid_from}."),
        "terms.set": _(
            "{who} set the terms of {name} from {valid_from}: surplus price {surplus_price}, network fee {network_fee},"
            " dead-band {deadband_pct} % but at least {deadband_wh}."
        ),
        "network_fee.set": _(
            "{who} set the network fee at {name} between zones ({from} → {to}) to {price} from {valid_from}."
        ),
        "vat.set": _("{who} set the value-added tax of {name} to {rate_bp} from {valid_from}."),
        "emission_factor.set": _(
            "{who} set the emission factor of {target} for {year} to {mg_per_kwh} mg CO₂ per kWh from {valid_from}."
        ),
        "capacity_price.set": _(
            "{who} set the capacity price of the tariff {name} to {price_per_kw} per kW from {valid_from}."
        ),
        "rules.proposed": _("{who} proposed a change of {kind} from {from}."),
        "rules.approved": _("{who} approved a change of {kind} ({target}). Note: {note}"),
        "rules.rejected": _("{who} rejected a change of {kind} ({target}). Note: {note}"),
        "rules.withdrawn": _("{who} withdrew the proposed change of {kind} ({target}). Note: {note}"),
        "dispute.opened": _("{who} disputed the interval of {interval} for {participant} in {market}: “{reason}”"),
        "dispute.withdrawn": _(
            "{who} withdrew the dispute of {participant} about the interval of {interval} in {market}."
        ),
        "dispute.waived": _(
            "{who} waived the compensation of the interval of {interval} in {market}, which {participant} had disputed:"
            " “{decision}”"
        ),
        "dispute.kept": _(
            "{who} kept the compensation of the interval of {interval} in {market}, which {participant} had disputed:"
            " “{decision}”"
        ),
        "close.started": _("{who} began to close the month of {name} (close {close})."),
        "close.approved": _(
            "{who} approved the close of {name} (close {close}), to be issued on {issue_on}. Accepted warnings:"
            " {accepted}"
        ),
        "close.discarded": _("{who} discarded the close of {name} (close {close})."),
        "close.issued": _("{who} issued the documents of {name} (close {close}): {documents}."),
        "invoice.replaced": _("{who} replaced the document {target} by {by}: “{reason}”"),
        "bank_file.imported": _("{who} took in the bank file {name}: {new} new movements, {known} known ones."),
        "bank_line.ignored": _("{who} set aside {target} of {amount_dong}: “{note}”"),
        "reminder.sent": _("{who} sent reminder {level} for {target} to {to}: {open_dong} are still open."),
        "payment.matched": _("{who} matched a bank movement to {participant}: {amount_dong} ({target})."),
        "payment.recorded": _("{who} recorded that {participant} moved {amount_dong} ({target})."),
        "payment.refunded": _("{who} refunded {participant}: {amount_dong} ({target})."),
        "payment.from_prepaid": _(
            "{who} paid documents of {participant} from its prepayment: {amount_dong} ({target})."
        ),
        "payment.undone": _("{who} undid a payment of {participant}: {amount_dong} ({target})."),
        "certificates.retired": _("{who} retired certificates of {wh} held by {target}: “{purpose}”"),
        "site.created": _("{who} created the site {name} ({site_name})."),
        "market.opened": _("{who} opened the market {name} at {site} ({market_name})."),
        "admission.granted": _("{who} admitted {name} to {market}: zone {zone}, credit limit {credit_limit_dong}."),
        "admission.changed": _(
            "{who} changed on what terms {name} is in {market}: zone {zone}, credit limit {credit_limit_dong}."
        ),
        "admission.ended": _("{who} let {name} leave {market}."),
        "point.added": _("{who} added the metering point {name} of {participant} at {site}."),
        "point.changed": _("{who} changed what the metering point {name} can carry."),
        "meter.installed": _("{who} hung up the meter {name} at {point} on {installed_on}."),
        "meter.removed": _(
            "{who} took down the meter {name} at {point} on {removed_on}: import {end_import_wh}, "
            "export {end_export_wh}."
        ),
        "device.set": _("{who} registered the device {name} of {participant}."),
        "device.removed": _("{who} removed the device {name} of {participant}."),
        "members.loaded": _("{who} applied a spreadsheet of members in {name}: {members} members, {refused} refused."),
        "claim.made": _("{who} reported equipment of {participant} ({market})."),
        "claim.accepted": _("{who} confirmed the equipment that {participant} had reported ({market})."),
        "claim.refused": _("{who} refused the equipment that {participant} had reported ({market}): “{note}”"),
        "certificates.locked": _(
            "{who} locked certificates of {wh} held by {target}, registered at {registry} as {reference}."
        ),
    }
