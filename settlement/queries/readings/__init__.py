"""Readings that need a person: the queue (`findings`), and what is known around one of them (`around`)."""

from settlement.queries.readings.around import DayAround, around
from settlement.queries.readings.findings import Finding, finding, findings

__all__ = ["DayAround", "Finding", "around", "finding", "findings"]
