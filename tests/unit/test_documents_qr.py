"""VietQR: a code that is in public use, the check sum's own example, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.documents.qr import VietQR, VietQRError, crc16, parse

DIGITS = "0123456789"
PLAIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 ._/-"
CODES = st.builds(
    VietQR,
    st.text(DIGITS, min_size=6, max_size=6),
    st.text(DIGITS + "ABCDEFGH", min_size=1, max_size=19),
    st.none() | st.integers(1, 10**13 - 1),
    st.text(PLAIN, max_size=25),
)


def naive_crc(data):
    """Long division of the message by x^16 + x^12 + x^5 + 1, bit by bit over one large number."""
    bits = (int.from_bytes(data) << 16) ^ (0xFFFF << 8 * len(data))
    for place in range(8 * len(data) - 1, -1, -1):
        if bits >> (place + 16) & 1:
            bits ^= 0x11021 << place
    return bits


def test_the_check_value_of_the_standard():
    assert crc16(b"123456789") == 0x29B1
    assert crc16(b"") == 0xFFFF


@given(st.binary(min_size=2, max_size=60))
def test_the_check_sum_is_a_remainder(data):
    assert crc16(data) == naive_crc(data)


def test_a_payload_field_by_field():
    code = VietQR("970436", "0281000123456", 417_938_509, "WB1C26TWB128")
    assert code.payload()[:-4] == (
        "000201" "010212"
        "3857" "0010A000000727" "0127" "0006970436" "01130281000123456" "0208QRIBFTTA"
        "5303704" "5409417938509" "5802VN" "6216" "0812WB1C26TWB128" "6304"
    )  # fmt: skip


def test_a_payload_for_any_amount():
    assert VietQR("970436", "1").payload().startswith("000201010211")
    assert parse(VietQR("970436", "1").payload()).amount_dong is None


def test_a_code_of_another_maker_is_read():
    # A static code as shops print them, with the payee's name (59), which ours do not carry.
    text = (
        "00020101021238530010A0000007270123000697043201091290057180208QRIBFTTA53037045802VN"
        "5920NGUYEN PHAM THUY LAN62390835Thanh toan don hang cho Bean Bakery6304"
    )
    with pytest.raises(VietQRError) as refused:  # its reference has 35 characters, more than we ever write
        parse(f"{text}{crc16(text.encode()):04X}")
    assert refused.value.code == "invalid_reference"
    shorter = text.replace("62390835Thanh toan don hang cho Bean Bakery", "62180814Thanh toan don")
    code = parse(f"{shorter}{crc16(shorter.encode()):04x}")
    assert code == VietQR("970432", "129005718", None, "Thanh toan don")


@given(CODES)
def test_what_is_written_is_read(code):
    assert parse(code.payload()) == code


@given(CODES, st.data())
def test_one_wrong_letter_is_noticed(code, data):
    text = code.payload()
    place = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.sampled_from([sign for sign in PLAIN if sign.upper() != text[place].upper()]))
    with pytest.raises(VietQRError):
        parse(text[:place] + letter + text[place + 1 :])


@given(
    st.text(max_size=80)
    | st.text(DIGITS, max_size=80).map(lambda text: f"{text}6304{crc16(f'{text}6304'.encode()):04X}")
)
def test_rubbish_is_refused_with_a_sentence(text):
    with pytest.raises(VietQRError) as refused:
        parse(text)
    assert str(refused.value).endswith(".")
    assert refused.value.code.islower()


@pytest.mark.parametrize(
    ("values", "code"),
    [
        (("97043", "1"), "invalid_bank_bin"),
        (("٩٧٠٤٣٦", "1"), "invalid_bank_bin"),
        (("970436", ""), "invalid_account"),
        (("970436", "1" * 20), "invalid_account"),
        (("970436", "1", 0), "invalid_amount"),
        (("970436", "1", 10**13), "invalid_amount"),
        (("970436", "1", 5, "đồng"), "invalid_reference"),
        (("970436", "1", 5, "x" * 26), "invalid_reference"),
    ],
)
def test_what_does_not_fit_is_refused(values, code):
    with pytest.raises(VietQRError) as refused:
        VietQR(*values)
    assert refused.value.code == code


def test_the_picture_is_one_path_and_always_the_same():
    code = VietQR("970436", "0281000123456", 417_938_509, "WB1C26TWB128")
    assert code.svg() == code.svg()
    assert code.svg().count(b"<path") == 1
