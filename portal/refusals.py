"""What an operation refuses, as sentences for the page, in the reader's language where the sentence is a fixed one.

Operations say what is wrong themselves, in English, each with a stable code; `in_words` tells such a sentence in the
reader's language.
"""

from django.utils.translation import gettext_noop as N_  # noqa: N812 - the name that the catalogue is made by

from accounts.operations import AccountError
from accounts.words import in_words
from meters.operations import ReserveRejected
from planning.wishes import WishRefused
from portal.desk import Refused
from settlement.documents.sheets import SheetError
from settlement.documents.texts import UnknownLanguage
from settlement.documents.xml import NoInvoiceXml
from settlement.domain.bank import BankFileError
from settlement.domain.month import MonthError
from settlement.operations.booking import PaymentError
from settlement.operations.disputes import DisputeError
from settlement.operations.errors import SettlementError
from settlement.operations.issuers import IssuerRejected
from settlement.operations.month import CloseError
from settlement.queries.carbon import CarbonError
from settlement.queries.what_if import WhatIfError
from tariffs.domain.fields import RulebookRejected
from tariffs.operations import ChangeRefused, RulesSettled, TariffRejected, TermsRejected

__all__ = ["MOST", "REFUSALS", "in_words", "sentences"]

REFUSALS = (
    Refused,
    AccountError,
    BankFileError,
    CarbonError,
    ChangeRefused,
    CloseError,
    DisputeError,
    IssuerRejected,
    MonthError,
    NoInvoiceXml,
    PaymentError,
    ReserveRejected,
    RulebookRejected,
    RulesSettled,
    SettlementError,
    SheetError,
    TariffRejected,
    TermsRejected,
    UnknownLanguage,
    WhatIfError,
    WishRefused,
)


def sentences(error: Exception) -> list[str]:
    """What to show for a refusal, one thing that is wrong after another, the first ones of very many."""
    problems = getattr(error, "problems", None) or getattr(error, "mistakes", None)
    if not problems:
        return [in_words(str(error))]
    return [_problem(problem) for problem in problems[:MOST]]


MOST = 12


def _problem(problem: object) -> str:
    told = str(getattr(problem, "sentence", "") or getattr(problem, "message", ""))
    where = getattr(problem, "place", "")
    return f"{where}: {in_words(told)}" if where else in_words(told)


# Sentences of the operations that carry no figures: translated as they are.
SENTENCES = (
    N_("The month is being closed already; go on with that close."),
    N_("The site has no issuer; say whose name, tax code and bank stand on invoices."),
    N_("Only a computed close can be approved."),
    N_("Whoever computed the close cannot approve it; ask somebody else."),
    N_("A document is dated after the month that it bills."),
    N_("The close is approved; correct it by a later close."),
    N_("Say why the document is replaced; the reason stands on it."),
    N_("Names and addresses are what the document says already."),
    N_("Only an issued document with a number can be replaced."),
    N_("The document has been replaced; replace its replacement."),
    N_("Something was paid on the document already; it can no longer be replaced."),
    N_("A statement is no invoice, so the tax authority has no XML for it."),
    N_("A draft has no number yet; issue the invoice first."),
    N_("Say what is wrong with the interval; the administrator decides by it."),
    N_("This interval is in dispute already; wait for the decision."),
    N_("Give the reason for the decision; the participant reads it."),
    N_("You act for this participant yourself; let another administrator decide."),
    N_("Only an owner or trader of the participant may dispute an interval of its."),
    N_("This interval has not been settled yet; look at it again once it has."),
    N_("A payment needs an amount that is not 0."),
    N_("A refund needs an amount above 0."),
    N_("The participant has not paid so much in advance; refund at most that."),
    N_("Say why the payment is taken back."),
    N_("Say why the movement is not a payment of a participant."),
    N_("Somebody has matched or ignored this bank line already; reload."),
    N_("Name the documents that were paid, or the participant who paid in advance."),
    N_("Give the name that stands on documents."),
    N_("Leave out the characters that cannot be seen."),
    N_("The name has at most 200 letters."),
    N_("The address has at most 300 letters."),
    N_("The telephone number has at most 30 letters."),
    N_("The bank's name has at most 120 letters."),
    N_("A tax code has 10 digits like 0123456789, or 13 like 0123456789-001. Spreadsheets drop a first 0."),
    N_("A tax code has 10, 12 or 13 digits, like 0123456789-001; spreadsheets drop a first 0."),
    N_("This is no e-mail address; look for a typing mistake."),
    N_("A bank's number at NAPAS has six digits, like 970436."),
    N_("An account has 1 to 19 letters and digits, without accents."),
    N_("Give the account at the bank, or leave the bank's number out."),
    N_("Give the tax code; no invoice is valid without that of the seller."),
    N_("Give the country as two capital letters, like VN."),
    N_("Documents fall due after 0 to 90 days; give a whole number."),
    N_("Give the smallest amount as a whole number of đồng, 0 or more."),
    N_("The letters of a series are two capital letters from A to Z, like WB."),
    N_("Invoices and self-billing invoices need different letters."),
    N_("Documents of this year carry the letters of the series; change them when the year is over."),
    N_("Another site uses these letters; choose others."),
    N_("Invoices are per participant or per meter."),
    N_("Documents are written in vi (Vietnamese) or en (English)."),
    N_("Only an administrator says who is registered for value-added tax."),
    N_("The file is larger than 8 MB; load it in parts."),
    N_("The file is not in UTF-8; save it as “CSV UTF-8”."),
    N_("The file is no CSV; save the spreadsheet as “CSV UTF-8”."),
    N_("The file needs a line that names the columns and a line for each participant."),
    N_("The first line names no column “participant”."),
    N_("Give the participant's code."),
    N_("Write yes or no under vat_registered."),
    N_("Whoever proposed a change cannot approve it; ask a second person."),
    N_("These rules hold already; there is nothing to approve."),
    N_("Nothing of yours was settled in this month; choose another one."),
    N_("This rulebook is not offered any more; choose another one."),
    N_("There is no two-part pilot for the voltage of this tariff; choose another rulebook."),
    N_("Say first from which price you sell: open the limits below the switch."),
    N_("Sell at a high price at first and at a lower one at last, not the other way."),
    N_("Buy at a low price at first and at a higher one at last, not the other way."),
)
