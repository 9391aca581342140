"""Every write of meters: readings with their versions, charge and reserve of storage, and the equipment of a site."""

from meters.operations.readings import (
    NewReading,
    ReadingLike,
    ReadingRejected,
    Recorded,
    ReserveRejected,
    StateOfChargeRejected,
    import_csv,
    record_readings,
    record_state_of_charge,
    set_reserve,
)

__all__ = [
    "NewReading",
    "ReadingLike",
    "ReadingRejected",
    "Recorded",
    "ReserveRejected",
    "StateOfChargeRejected",
    "import_csv",
    "record_readings",
    "record_state_of_charge",
    "set_reserve",
]
