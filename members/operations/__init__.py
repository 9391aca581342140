"""Every write about members: one by one, by spreadsheet, what they report, how far their first steps are."""

from members.operations.adding import Applied, MemberRefused, apply_member, retire_member
from members.operations.claims import (
    ClaimRefused,
    accept_devices,
    accept_meter,
    claim_devices,
    claim_meter,
    refuse_claim,
)
from members.operations.sheets import SheetError, begin_sheet, check_sheet, discard_sheet, load_some
from members.operations.steps import note_step

__all__ = [
    "Applied",
    "ClaimRefused",
    "MemberRefused",
    "SheetError",
    "accept_devices",
    "accept_meter",
    "apply_member",
    "begin_sheet",
    "check_sheet",
    "claim_devices",
    "claim_meter",
    "discard_sheet",
    "load_some",
    "note_step",
    "refuse_claim",
    "retire_member",
]
