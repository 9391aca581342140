"""What the meters' registers stood at when the month ended, kept for the next month's documents."""

from settlement.domain.calendar import month_after
from settlement.models import MonthClose, RegisterReading
from settlement.operations.month.parties import meters_of, points
from settlement.operations.month.rules import days_of


def keep_registers(close: MonthClose, participant_ids: list[int]) -> None:
    """Keep the closing registers of these participants' meters; a later close of the month overwrites them.

    They are written in the order of meters, so that two closes with meters in common wait for each other at worst.
    """
    last, next_month = days_of(close.month)[-1], month_after(close.month, 1)
    shown: dict[str, dict[str, int]] = {}
    for at in points(close, participant_ids, last).values():
        for point in at:
            for register in point.registers:
                if register.until == last:
                    shown.setdefault(register.serial, {})[register.direction] = register.new_wh
    RegisterReading.objects.bulk_create(
        [
            RegisterReading(meter_id=pk, on=next_month, import_wh=wh["import"], export_wh=wh.get("export", 0))
            for pk, serial in sorted((pk, serial) for serial, pk in meters_of(list(shown)).items())
            if (wh := shown[serial])
        ],
        update_conflicts=True,
        unique_fields=("meter", "on"),
        update_fields=("import_wh", "export_wh"),
    )
