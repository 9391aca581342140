"""Which zone everybody of an interval is in, and what the wires cost between the zones on its day.

A site without fees by zone pair has nothing of this: one fee for all. Like pool limits, the zones are those of the
first run: who moves after delivery is not charged anew.
"""

from typing import NamedTuple

import numpy as np

from meters.columns import IntArray
from settlement.models import ParticipantResult, SettlementRun
from trading.models import Admission

NOWHERE = ""  # the zone of who was never admitted: every pair with it costs the terms' fee


class Zones(NamedTuple):
    """Names (z), each participant's zone by its place there (n), and the fee from zone to zone (z, z) in đồng/kWh."""

    names: tuple[str, ...]
    place: IntArray
    fees: IntArray


def zones_of(
    market_id: int, by_pair: dict[tuple[str, str], int], network_fee: int, ids: IntArray, previous: SettlementRun | None
) -> Zones | None:
    """The zones of these participants (n, ids), with the fees `by_pair` (`tariffs.queries.zone_fees`) and `network_fee`
    for all other pairs; None where there are no fees by pair."""
    if not by_pair:
        return None
    known = _now(market_id) | _then(previous)
    of = [known.get(participant, NOWHERE) for participant in ids.tolist()]
    names = tuple(sorted(set(of)))
    index = np.searchsorted(np.array(names), np.array(of)) if of else np.zeros(0, dtype=np.int64)
    fees = [[by_pair.get((seller, buyer), network_fee) for buyer in names] for seller in names]
    return Zones(names, index.astype(np.int64), np.array(fees, dtype=np.int64).reshape(len(names), len(names)))


def _now(market_id: int) -> dict[int, str]:
    return dict(Admission.objects.filter(market_id=market_id).values_list("participant_id", "zone"))


def _then(previous: SettlementRun | None) -> dict[int, str]:
    """The zones that the run before found."""
    if previous is None or previous.zone_fees is None:
        return {}
    names = previous.zone_fees["zones"]
    found = ParticipantResult.objects.filter(run_id=previous.results_of_id or previous.pk, zone_index__isnull=False)
    return {participant: names[zone] for participant, zone in found.values_list("participant_id", "zone_index")}
