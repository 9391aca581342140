"""Which column of a bank's CSV file is which, by its heading in Vietnamese or English.

Banks write a few lines about the account above the table, sometimes balances below it; those are told by their first
cell. Headings are compared without capitals, accents and punctuation.
"""

import re
import unicodedata
from collections.abc import Sequence

# column → headings as `folded` gives them
HEADINGS = {
    "date": "date|booking date|transaction date|posting date|value date|ngay|ngay giao dich|ngay gd|ngay hach toan"
    "|ngay hieu luc|thoi gian|thoi gian giao dich",
    "amount": "amount|amount vnd|so tien|so tien vnd|so tien gd|so tien giao dich",
    "credit": "credit|credit amount|money in|paid in|co|ghi co|phat sinh co|ps co|so tien ghi co|tien vao",
    "debit": "debit|debit amount|money out|paid out|no|ghi no|phat sinh no|ps no|so tien ghi no|tien ra",
    "text": "description|details|content|narrative|remarks|memo|text|dien giai|noi dung|mo ta|noi dung giao dich"
    "|chi tiet|noi dung chuyen khoan",
    "counterparty": "counterparty|name|payer|payer payee|doi tac|ten doi tac|nguoi chuyen|ten nguoi chuyen"
    "|tai khoan doi ung|ten tai khoan doi ung|doi ung",
    "reference": "reference|reference no|ref|ref no|transaction id|transaction no|ma giao dich|ma gd|so tham chieu"
    "|so but toan|so ct|so giao dich",
    "balance": "balance|running balance|so du|so du cuoi|so du sau giao dich",
    "currency": "currency|loai tien|loai tien te|don vi tien te",
}
COLUMN_OF = {heading: column for column, headings in HEADINGS.items() for heading in headings.split("|")}

# fact above or below the table → how its first cell begins
_FACTS = {
    "account": "account|account no|account number|so tai khoan|so tk|tai khoan",
    "opening": "opening balance|so du dau ky|so du dau",
    "closing": "closing balance|so du cuoi ky",
    "currency": "currency|loai tien|loai tien te|don vi tien te",
}
FACT_OF = {heading: fact for fact, headings in _FACTS.items() for heading in headings.split("|")}

_VIETNAMESE = re.compile(r"\b(ngay|so|tien|co|no|noi|dien|ma|thoi)\b")


def folded(text: str) -> str:
    """`Số dư (đầu kỳ)` → `so du dau ky`."""
    letters = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return " ".join(re.sub("[^a-z0-9]+", " ", plain.lower()).split())


def columns_in(row: Sequence[str]) -> dict[str, int] | None:
    """Column → position, where the row is a heading with a date and an amount; None where it is not."""
    columns: dict[str, int] = {}
    for position, cell in enumerate(row):
        column = COLUMN_OF.get(folded(cell))
        if column is not None:
            if column in columns:
                return None
            columns[column] = position
    has_amount = ("amount" in columns) != ("credit" in columns and "debit" in columns)
    return columns if "date" in columns and has_amount else None


def fact_in(row: Sequence[str]) -> tuple[str, str] | None:
    """What a row beside the table says: `Số tài khoản: 0123` or `Opening balance | 1,000`."""
    cells = [cell.strip() for cell in row if cell.strip()]
    if len(cells) == 1:
        cells = [part.strip() for part in cells[0].split(":", 1)]
    if len(cells) != 2:
        return None
    fact = FACT_OF.get(folded(cells[0]))
    return (fact, cells[1]) if fact else None


def is_vietnamese(row: Sequence[str]) -> bool:
    """Whether the headings are Vietnamese, accents or not."""
    return any(_VIETNAMESE.search(folded(cell)) for cell in row)
