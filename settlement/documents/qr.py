"""The VietQR code on an invoice: what a banking app reads to fill in account, amount and reference.

The payload is EMVCo's merchant-presented QR ("EMV QR Code Specification for Payment Systems: Merchant-Presented Mode",
v1.1) with the merchant account of NAPAS ("VietQR format, fast fund transfer 24/7", v1.0): fields of a two-digit id, a
two-digit length and a value, nested in 38 and 62, closed by a CRC-16.

| id | what | value |
|---|---|---|
| 00 | format | `01` |
| 01 | initiation | `12` for one payment, `11` for any |
| 38 | account | 00 `A000000727`, 01 (00 bank's number, 01 account), 02 `QRIBFTTA` |
| 53, 58 | currency, country | `704`, `VN` |
| 54 | amount | whole đồng, with `12` only |
| 62 | reference | 08, at most 25 characters |
| 63 | check | CRC-16/CCITT, start FFFF, over all before it and `6304` |
"""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

import segno

NAPAS = "A000000727"
TRANSFER_TO_ACCOUNT = "QRIBFTTA"
DONG = "704"
COUNTRY = "VN"
_BIN = re.compile(r"[0-9]{6}")
_ACCOUNT = re.compile(r"[0-9A-Za-z]{1,19}")
_REFERENCE = re.compile(r"[0-9A-Za-z ._/-]{0,25}")
_LARGEST_AMOUNT = 10**13 - 1


class VietQRError(ValueError):
    """A payment cannot be put into a code, or a text is no such code. `code` says why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class VietQR:
    """A transfer to `account` at the bank with NAPAS number `bank_bin`: `amount_dong` None is left to the payer."""

    bank_bin: str
    account: str
    amount_dong: int | None = None
    reference: str = ""

    def __post_init__(self) -> None:
        if not _BIN.fullmatch(self.bank_bin):
            raise VietQRError("invalid_bank_bin", f"“{self.bank_bin}” is not a bank's six-digit number of NAPAS.")
        if not _ACCOUNT.fullmatch(self.account):
            raise VietQRError("invalid_account", f"“{self.account}” is not an account of 1 to 19 letters and digits.")
        if self.amount_dong is not None and not 0 < self.amount_dong <= _LARGEST_AMOUNT:
            raise VietQRError("invalid_amount", f"{self.amount_dong} đồng cannot be asked for; give 1 to 13 digits.")
        if not _REFERENCE.fullmatch(self.reference):
            raise VietQRError("invalid_reference", f"“{self.reference}” must be at most 25 plain letters and digits.")

    def payload(self) -> str:
        """The text inside the code."""
        beneficiary = _field("00", self.bank_bin) + _field("01", self.account)
        account = _field("00", NAPAS) + _field("01", beneficiary) + _field("02", TRANSFER_TO_ACCOUNT)
        text = _field("00", "01") + _field("01", "11" if self.amount_dong is None else "12") + _field("38", account)
        text += _field("53", DONG)
        text += _field("54", str(self.amount_dong)) if self.amount_dong is not None else ""
        text += _field("58", COUNTRY)
        text += _field("62", _field("08", self.reference)) if self.reference else ""
        return _checked(text + "6304")

    def svg(self) -> bytes:
        """The code as one SVG path, 1 unit a module, with the quiet zone of 4 that scanners want."""
        out = io.BytesIO()
        segno.make(self.payload(), error="m", micro=False).save(out, kind="svg", xmldecl=False, svgclass=None)
        return out.getvalue()


def parse(text: str) -> VietQR:
    """The transfer that a VietQR payload asks for. Raises VietQRError (`not_vietqr`, `wrong_checksum`, or as above)."""
    if len(text) < 8 or text[-8:-4] != "6304":
        raise VietQRError("not_vietqr", "The text does not end with the check sum of a payment code.")
    if _checked(text[:-4])[-4:] != text[-4:].upper():
        raise VietQRError("wrong_checksum", "The check sum of the payment code is wrong; scan it again.")
    fields = dict(_fields(text[:-8]))
    account = dict(_fields(fields.get("38", "")))
    if account.get("00") != NAPAS or account.get("02") != TRANSFER_TO_ACCOUNT or fields.get("53") != DONG:
        raise VietQRError("not_vietqr", "The payment code is not for a transfer in đồng to a bank account.")
    beneficiary = dict(_fields(account.get("01", "")))
    reference = dict(_fields(fields.get("62", ""))).get("08", "")
    return VietQR(beneficiary.get("00", ""), beneficiary.get("01", ""), _amount(fields.get("54")), reference)


def crc16(data: bytes) -> int:
    """CRC-16/CCITT-FALSE: polynomial 1021 (hex), start FFFF, nothing reflected. `b"123456789"` gives 29B1."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1
        crc &= 0xFFFF
    return crc


def _checked(text: str) -> str:
    return f"{text}{crc16(text.encode()):04X}"


def _field(number: str, value: str) -> str:
    return f"{number}{len(value):02}{value}"


def _fields(text: str) -> Iterator[tuple[str, str]]:
    while text:
        number, length = text[:2], text[2:4]
        if not (length.isascii() and length.isdigit()) or len(text) < 4 + int(length):
            raise VietQRError("not_vietqr", "The payment code breaks off in the middle of a field.")
        yield number, text[4 : 4 + int(length)]
        text = text[4 + int(length) :]


def _amount(text: str | None) -> int | None:
    """Whole đồng; some banks write `12000.00`."""
    if text is None:
        return None
    found = re.fullmatch(r"([0-9]{1,13})(?:\.0{0,2})?", text)
    if found is None:
        raise VietQRError("invalid_amount", f"“{text}” is not an amount in whole đồng.")
    return int(found[1])
