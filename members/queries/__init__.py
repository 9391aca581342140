"""Every read about members: the list, what is there to compare a sheet with, the export, first steps."""

from members.queries.listing import STATES, MemberFilter, MemberRow, described, member_count, member_rows
from members.queries.standing import Standing, StandingMember, StandingPoint, sheet_rows, standing_of
from members.queries.steps import STEPS, MeterView, StepsView, first_steps, meter_of

__all__ = [
    "STATES",
    "STEPS",
    "MemberFilter",
    "MemberRow",
    "MeterView",
    "Standing",
    "StandingMember",
    "StandingPoint",
    "StepsView",
    "described",
    "first_steps",
    "member_count",
    "member_rows",
    "meter_of",
    "sheet_rows",
    "standing_of",
]
