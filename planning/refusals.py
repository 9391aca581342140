"""What standing instructions and the peak guard refuse or note, listed for the catalogue; accounts/words.py says it."""

from django.utils.translation import gettext_noop as N_  # noqa: N812 - the name that the catalogue is made by

SENTENCES = (
    N_("Prices here are from {least} to {most} ₫/kWh; choose one."),
    N_("Give a power above 0 and up to 1,000,000 kW."),
    N_("Warn from 50 % to 100 % of the limit."),
    N_("Say first from which price you sell: open the limits below the switch."),
    N_("Sell at a high price at first and at a lower one at last, not the other way."),
    N_("Buy at a low price at first and at a higher one at last, not the other way."),
    # Why an order was placed, as its note has it (planning/notes.py).
    N_("forecast surplus {energy} at {at}, limit {price}"),
    N_("forecast surplus {energy} at {at}, limit {price} falling to {least}"),
    N_("forecast surplus {energy} at {at} and energy in storage, limit {price}"),
    N_("forecast surplus {energy} at {at} and energy in storage, limit {price} falling to {least}"),
    N_("forecast need {energy} at {at} and energy in storage, limit {price}"),
    N_("forecast need {energy} at {at} and energy in storage, limit {price} falling to {least}"),
    N_("forecast need {energy} at {at}, limit {price}"),
    N_("forecast need {energy} at {at}, limit {price} rising to {most}"),
    N_("forecast surplus {energy} at {at}, limit {price} rising to {most}"),
)
