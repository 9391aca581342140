"""Every write of the rulebook: one transaction each, an audit row in the same one, settled days left as they are."""

from tariffs.operations.apply import Applied, apply_rulebook
from tariffs.operations.changes import (
    approve_change,
    impact,
    preview_change,
    propose_change,
    reject_change,
    withdraw_change,
)
from tariffs.operations.errors import ChangeRefused, RulesSettled, TariffRejected, TermsRejected
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
    "Applied",
    "ChangeRefused",
    "RulesSettled",
    "TariffRejected",
    "TermsRejected",
    "apply_rulebook",
    "approve_change",
    "assign_tariff",
    "impact",
    "lock_rules",
    "preview_change",
    "propose_change",
    "reject_change",
    "replace_rows",
    "set_capacity_price",
    "set_emission_factor",
    "set_network_fee",
    "set_terms",
    "set_vat_rate",
    "withdraw_change",
]
