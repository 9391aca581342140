"""The dated rulebook: what the grid charges, what it pays for surplus, what the local wires cost, who changed it when.

Every row has a day from which it holds and a source; a settled interval always uses the rows of its own day. The
database keeps that: what held on a day that has been settled at a site can neither be altered nor deleted nor
overruled (`tariffs.models.guards`).
"""

from tariffs.models.change import RuleChange
from tariffs.models.guards import RulesLock
from tariffs.models.levies import EmissionFactor, VatRate
from tariffs.models.tariff import CapacityPrice, Tariff, TariffAssignment, TariffRow
from tariffs.models.terms import NetworkFee, SiteTerms

__all__ = [
    "CapacityPrice",
    "EmissionFactor",
    "NetworkFee",
    "RuleChange",
    "RulesLock",
    "SiteTerms",
    "Tariff",
    "TariffAssignment",
    "TariffRow",
    "VatRate",
]
