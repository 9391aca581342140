"""What standing instructions and the peak guard may refuse, listed for the catalogue; accounts/words.py tells it."""

from django.utils.translation import gettext_noop as N_  # noqa: N812 - the name that the catalogue is made by

SENTENCES = (
    N_("Prices here are from {least} to {most} ₫/kWh; choose one."),
    N_("Give a power above 0 and up to 1,000,000 kW."),
    N_("Warn from 50 % to 100 % of the limit."),
    N_("Say first from which price you sell: open the limits below the switch."),
    N_("Sell at a high price at first and at a lower one at last, not the other way."),
    N_("Buy at a low price at first and at a higher one at last, not the other way."),
)
