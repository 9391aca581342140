"""Documents to render: a tenant's invoice, a campus's self-billing invoice, and what the hard cases need."""

from dataclasses import replace
from datetime import date

from settlement.domain.document import DocumentLine, InvoiceDocument, Party, Reference, RegisterLine, VatSum

MONTH = date(2026, 10, 1)
OPERATOR = Party(
    code="OP",
    name="Trường Đại học Quốc tế Miền Đông",
    tax_code="3701234567",
    address="Đường Nam Kỳ Khởi Nghĩa, phường Bình Dương, Thành phố Hồ Chí Minh",
    email="dien@eiu.example.vn",
    phone="0274 222 0341",
    bank_name="Vietcombank",
    bank_bin="970436",
    bank_account="0281000123456",
)
TENANT = Party(
    code="T1",
    name="Công ty TNHH Cơ khí Chính xác Mỹ Phước",
    tax_code="3702345678",
    address="Lô B-3, khu công nghiệp Mỹ Phước 3, phường Thới Hòa, Thành phố Hồ Chí Minh",
    email="ketoan@myphuoc.example.vn",
    phone="0274 355 8899",
    bank_name="BIDV",
    bank_bin="970418",
    bank_account="65010001234567",
)


def line(position, kind, quantity, price, amount, *, vat_bp=800, period="", tier=(None, None), since=1, until=31):
    return DocumentLine(
        position, kind, period, *tier, date(2026, 10, since), date(2026, 10, until), quantity, price, amount, vat_bp
    )


LINES = (
    line(1, "local_bought", 12_345_678, None, 20_987_653),
    line(2, "pool_bought", 1_000_000, 2_050, 2_050_000),
    line(3, "grid_import", 20_000_000, 3_398, 67_960_000, period="peak"),
    line(4, "grid_import", 45_000_000, 1_833, 82_485_000, period="normal", until=14),
    line(5, "grid_import", 41_000_500, 1_902, 77_982_951, period="normal", since=15),
    line(6, "grid_import", 30_250_000, 1_190, 35_997_500, period="offpeak"),
    line(7, "capacity", 480_000, 209_459, 100_540_320),
    line(8, "network_fee", 12_345_678, 120, 1_481_481),
    line(9, "compensation_received", 2_000_000, None, -3_256_000, vat_bp=None),
    line(10, "platform_month", 1, None, 500_000, vat_bp=1_000),
    line(11, "carried", 1, None, 812, vat_bp=None),
)
REGISTERS = (
    RegisterLine(
        "MP-T1-01",
        "EMH-2026-778812",
        200,
        "import",
        MONTH,
        date(2026, 10, 31),
        1_204_500_000,
        1_352_096_178,
        147_596_178,
    ),
    RegisterLine("MP-T1-01", "EMH-2026-778812", 200, "export", MONTH, date(2026, 10, 31), 800_000, 800_000, 0),
)


def summed(lines):
    """VAT by rate and the totals of these lines, the tax rounded once a rate, half away from zero."""
    rates = sorted({row.vat_bp for row in lines}, key=lambda rate: -1 if rate is None else rate)
    parts = []
    for rate in rates:
        net = sum(row.amount_dong for row in lines if row.vat_bp == rate)
        vat = (abs(net) * (rate or 0) + 5_000) // 10_000
        parts.append(VatSum(rate, net, vat if net >= 0 else -vat))
    net, vat = sum(part.net_dong for part in parts), sum(part.vat_dong for part in parts)
    return {"lines": tuple(lines), "vat": tuple(parts), "net_dong": net, "vat_dong": vat, "total_dong": net + vat}


def invoice(lines=LINES, **changes):
    values = {
        "market_code": "EIU",
        "market_name": "Campus EIU & Mỹ Phước",
        "kind": "invoice",
        "relation": "original",
        "refers_to": None,
        "reason": "",
        "series": "1C26TWB",
        "number": 128,
        "issued_on": date(2026, 11, 6),
        "due_on": date(2026, 11, 21),
        "month": MONTH,
        "timezone": "Asia/Ho_Chi_Minh",
        "language": "vi",
        "seller": OPERATOR,
        "buyer": TENANT,
        "metering_point": "",
        "registers": REGISTERS,
        "saved_dong": 4_310_220,
        "payable": True,
        "payment_reference": "WB1C26TWB128",
        **summed(lines),
    }
    return InvoiceDocument(**values | changes)


SOLD = (
    line(1, "local_sold", 50_000_000, None, -84_250_000, vat_bp=None),
    line(2, "pool_sold", 1_000_000, 2_050, -2_050_000, vat_bp=None),
    line(3, "grid_export", 9_000_000, 671, -6_039_000, vat_bp=None),
    line(4, "grid_spill", 1_200_000, 0, 0, vat_bp=None),
    line(5, "compensation_paid", 2_000_000, None, 3_256_000, vat_bp=None),
    line(6, "platform_fee", 51_000_000, 10, 510_000),
)


def self_bill(**changes):
    return invoice(SOLD, kind="self_bill", seller=TENANT, buyer=OPERATOR, number=7, registers=(), **changes)


def statement(**changes):
    changes = {"kind": "statement", "payable": False, "payment_reference": "", "due_on": None} | changes
    return invoice(series="BK26", **changes)


def adjustment(**changes):
    lines = (line(1, "grid_import", -1_500_000, 3_398, -5_097_000, period="peak"),)
    values = {
        "relation": "adjustment",
        "refers_to": Reference("1C26TWB", 128, date(2026, 11, 6)),
        "reason": "Chỉ số công tơ EMH-2026-778812 được hiệu chỉnh sau kiểm định",
        "number": 301,
        "registers": (),
        "saved_dong": 0,
    }
    return invoice(lines, **values | changes)


def tiers(count):
    """Lines of a household on the tiered tariff, more than a page holds."""
    bounds = ((0, 100), (101, 200), (201, 400), (401, 700), (701, None))
    rows = []
    for position in range(1, count + 1):
        day = (position - 1) // 5 + 1
        tier = bounds[(position - 1) % 5]
        found = {"period": "tier", "tier": tier, "since": day, "until": day}
        rows.append(line(position, "tier_import", 100_000, 1_984, 198_400, **found))
    return tuple(rows)


def long_one(**changes):
    registers = tuple(replace(REGISTERS[0], metering_point=f"MP-T1-{number:02}") for number in range(1, 13))
    name = "Công ty Cổ phần Đầu tư Phát triển Hạ tầng Kỹ thuật và Năng lượng Tái tạo Bình Dương – Chi nhánh Mỹ Phước"
    return invoice(LINES + tiers(70), registers=registers, buyer=replace(TENANT, name=name), **changes)
