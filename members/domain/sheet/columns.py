"""The columns of the sheet: what each holds, whether of the member or of its metering point."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    """`kind`: text, code, choice, kilo (kW or kWh, kept as W or Wh), whole, day, yesno, email."""

    name: str
    kind: str
    of_point: bool = False
    choices: tuple[str, ...] = ()
    longest: int = 120


KINDS = ("household", "dorm", "faculty", "tenant", "storage", "station")
ROLES = ("boundary", "generation", "storage", "grid")
_ALL = (
    Column("code", "code", longest=40),
    Column("name", "text"),
    Column("kind", "choice", choices=KINDS),
    Column("zone", "text", longest=20),
    Column("tariff", "code", longest=60),
    Column("expected_month_kwh", "kilo"),
    Column("credit_limit_dong", "whole"),
    Column("renter", "yesno"),
    Column("point", "code", of_point=True, longest=40),
    Column("role", "choice", of_point=True, choices=ROLES),
    Column("max_import_kw", "kilo", of_point=True),
    Column("max_export_kw", "kilo", of_point=True),
    Column("serial", "text", of_point=True, longest=40),
    Column("multiplier", "whole", of_point=True),
    Column("digits", "whole", of_point=True),
    Column("start_import_kwh", "kilo", of_point=True),
    Column("start_export_kwh", "kilo", of_point=True),
    Column("installed_on", "day", of_point=True),
    Column("pv_kwp", "kilo"),
    Column("battery_kwh", "kilo"),
    Column("battery_kw", "kilo"),
    Column("ev_kwh", "kilo"),
    Column("ev_kw", "kilo"),
    Column("email", "email", longest=254),
)
COLUMNS = {column.name: column for column in _ALL}
MEMBER_COLUMNS = tuple(column.name for column in _ALL if not column.of_point and column.name != "code")
POINT_COLUMNS = tuple(column.name for column in _ALL if column.of_point)
REQUIRED = ("code",)
