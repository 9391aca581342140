"""A spreadsheet of members: read from XLSX or CSV, checked cell by cell, and written again.

One row is one metering point with its meter. A member with several points has several rows with the same code; what is
said of the member itself stands on the first of them, and on the others is empty or the same.

| code | name | kind | tariff | point | serial |
|---|---|---|---|---|---|
| nha-b1 | Nhà B1 | household | vn-residential | B1 | EM-1001 |
| det | Dệt Bình Minh | tenant | vn-production-22kv | DET-1 | EM-2001 |
| det | | | | DET-2 | EM-2002 |

docs/onboarding.md lists the columns. An empty cell leaves what is there; a new member gets the usual value.
"""

from members.domain.sheet.cells import Formula, SheetRefused, read_cells
from members.domain.sheet.columns import COLUMNS, MEMBER_COLUMNS, POINT_COLUMNS, REQUIRED
from members.domain.sheet.rows import Group, Mistake, Row, group_rows, parse_cells, read_sheet
from members.domain.sheet.writing import csv_file, texts_of

__all__ = [
    "COLUMNS",
    "MEMBER_COLUMNS",
    "POINT_COLUMNS",
    "REQUIRED",
    "Formula",
    "Group",
    "Mistake",
    "Row",
    "SheetRefused",
    "csv_file",
    "group_rows",
    "parse_cells",
    "read_cells",
    "read_sheet",
    "texts_of",
]
