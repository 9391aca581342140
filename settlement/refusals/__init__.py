"""What settlement may refuse, listed for the catalogue; accounts/words.py tells it to the reader."""

from settlement.refusals.bank import BANK
from settlement.refusals.money import MONEY
from settlement.refusals.month import MONTH

SENTENCES = (*BANK, *MONEY, *MONTH)
