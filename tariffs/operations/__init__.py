"""Every write of the rulebook: one transaction each, an audit row in the same one, settled days left as they are."""

from tariffs.operations.errors import RulesSettled, TariffRejected, TermsRejected
from tariffs.operations.locks import lock_rules
from tariffs.operations.rules import (
    assign_tariff,
    replace_rows,
    set_capacity_price,
    set_emission_factor,
    set_network_fee,
    set_terms,
    set_vat_rate,
)

__all__ = [
    "RulesSettled",
    "TariffRejected",
    "TermsRejected",
    "assign_tariff",
    "lock_rules",
    "replace_rows",
    "set_capacity_price",
    "set_emission_factor",
    "set_network_fee",
    "set_terms",
    "set_vat_rate",
]
