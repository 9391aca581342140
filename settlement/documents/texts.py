"""What stands on the paper, in the document's language: English, Vietnamese, or both beside each other.

A document speaks its own language, whoever opens it, so these texts are a small table here and not the portal's
catalogue. `vi-en` is Vietnamese, which the law asks for, with English behind it; its numbers and dates are Vietnamese.
"""

from datetime import date
from typing import Literal

from units.numbers import Language

PaperLanguage = Literal["en", "vi", "vi-en"]
LANGUAGES: tuple[PaperLanguage, ...] = ("en", "vi", "vi-en")


class UnknownLanguage(ValueError):
    """A document was asked for in a language that it cannot be written in."""

    code = "unknown_document_language"


def paper_language(name: str) -> PaperLanguage:
    """`name` as a language of documents. Raises UnknownLanguage."""
    if name not in LANGUAGES:
        raise UnknownLanguage(f"Documents are written in {', '.join(LANGUAGES)}, not in “{name}”.")
    return name


def number_language(language: PaperLanguage) -> Language:
    """Whose decimal marks and dates a document has."""
    return "en" if language == "en" else "vi"


def text(key: str, language: PaperLanguage, **values: object) -> str:
    """The text of `key`, its `{places}` filled with `values`."""
    english, vietnamese = TEXTS[key]
    chosen = {"en": english, "vi": vietnamese, "vi-en": f"{vietnamese} / {english}"}[language]
    return chosen.format(**values) if values else chosen


def day(on: date, language: PaperLanguage) -> str:
    """`31 Oct 2026`, in Vietnamese `31/10/2026`."""
    return f"{on.day} {_MONTHS[on.month - 1][:3]} {on.year}" if language == "en" else f"{on:%d/%m/%Y}"


def days(since: date, until: date, language: PaperLanguage) -> str:
    """`1–14 Oct`, in Vietnamese `01/10–14/10`; the years are left to the document's month. One day stands alone."""
    if language != "en":
        return f"{since:%d/%m}" if since == until else f"{since:%d/%m}–{until:%d/%m}"
    end = f"{until.day} {_MONTHS[until.month - 1][:3]}"
    if since == until:
        return end
    start = str(since.day) if since.month == until.month else f"{since.day} {_MONTHS[since.month - 1][:3]}"
    return f"{start}–{end}"


def month(on: date, language: PaperLanguage) -> str:
    """`October 2026`, in Vietnamese `tháng 10/2026`."""
    return f"{_MONTHS[on.month - 1]} {on.year}" if language == "en" else f"tháng {on:%m/%Y}"


_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]

TEXTS = {
    # What the document is
    "invoice": ("VAT invoice", "HÓA ĐƠN GIÁ TRỊ GIA TĂNG"),
    "self_bill": ("Self-billing invoice", "HÓA ĐƠN GIÁ TRỊ GIA TĂNG"),
    "statement": ("Statement – not an invoice", "BẢNG KÊ – không phải hóa đơn"),
    "self_bill_note": (
        "Issued by the buyer on the seller's behalf",
        "Bên mua lập hóa đơn theo ủy nhiệm của bên bán",
    ),
    "electricity": ("Electricity", "Điện năng"),
    "draft": ("DRAFT", "BẢN NHÁP"),
    "adjustment": (
        "Adjusts the invoice of series {series}, number {number}, of {on}.",
        "Điều chỉnh cho hóa đơn ký hiệu {series} số {number} ngày {on}.",
    ),
    "replacement": (
        "Replaces the invoice of series {series}, number {number}, of {on}.",
        "Thay thế cho hóa đơn ký hiệu {series} số {number} ngày {on}.",
    ),
    "statement_adjustment": (
        "Adjusts the statement of series {series}, number {number}, of {on}.",
        "Điều chỉnh cho bảng kê ký hiệu {series} số {number} ngày {on}.",
    ),
    "statement_replacement": (
        "Replaces the statement of series {series}, number {number}, of {on}.",
        "Thay thế cho bảng kê ký hiệu {series} số {number} ngày {on}.",
    ),
    "reason": ("Reason", "Lý do"),
    "series": ("Series", "Ký hiệu"),
    "number": ("Number", "Số"),
    "issued_on": ("Date", "Ngày lập"),
    "month": ("Month", "Kỳ"),
    "due_on": ("Pay by", "Hạn thanh toán"),
    "market": ("Market", "Thị trường"),
    "metering_point": ("Metering point", "Điểm đo"),
    # Parties
    "seller": ("Seller", "Đơn vị bán"),
    "buyer": ("Buyer", "Đơn vị mua"),
    "operator": ("Operator", "Đơn vị vận hành"),
    "participant": ("Participant", "Thành viên"),
    "tax_code": ("Tax code", "Mã số thuế"),
    "code": ("Customer code", "Mã khách hàng"),
    "address": ("Address", "Địa chỉ"),
    "contact": ("Contact", "Liên hệ"),
    # Meters
    "meters": ("Meter readings", "Chỉ số công tơ"),
    "meter": ("Meter", "Công tơ"),
    "multiplier": ("Multiplier", "Hệ số nhân"),
    "direction": ("Direction", "Chiều"),
    "import": ("in", "nhận"),
    "export": ("out", "phát"),
    "dates": ("Dates", "Thời gian"),
    "old_register": ("Old reading, kWh", "Chỉ số cũ, kWh"),
    "new_register": ("New reading, kWh", "Chỉ số mới, kWh"),
    "energy": ("Energy, kWh", "Điện năng, kWh"),
    # Lines
    "lines": ("What it is for", "Nội dung"),
    "quantity": ("Quantity", "Số lượng"),
    "unit": ("Unit", "Đơn vị"),
    "price": ("Price, đồng", "Đơn giá, đồng"),
    "amount": ("Amount, đồng", "Thành tiền, đồng"),
    "vat_rate": ("VAT", "Thuế suất"),
    "unit_month": ("month", "tháng"),
    "no_lines": ("Nothing was used or traded in this month.", "Trong kỳ không phát sinh điện năng và giao dịch."),
    "group_neighbours": ("Traded with neighbours", "Giao dịch với các hộ lân cận"),
    "group_pool": ("Pool", "Quỹ chung"),
    "group_grid": ("Grid", "Lưới điện"),
    "group_fees": ("Fees", "Các loại phí"),
    "group_compensation": ("Deviation compensation", "Bồi thường sai lệch"),
    "group_carried": ("Earlier months", "Các kỳ trước"),
    "local_bought": ("Bought from neighbours", "Mua của các hộ lân cận"),
    "local_sold": ("Sold to neighbours", "Bán cho các hộ lân cận"),
    "pool_bought": ("Bought in the pool", "Mua từ quỹ chung"),
    "pool_sold": ("Sold in the pool", "Bán vào quỹ chung"),
    "grid_import": ("From the grid", "Mua từ lưới điện"),
    "tier_import": ("From the grid", "Mua từ lưới điện"),
    "grid_export": ("Surplus sold to the grid", "Điện dư bán cho lưới"),
    "grid_spill": ("Surplus beyond the cap, unpaid", "Điện dư vượt mức, không được trả tiền"),
    "capacity": ("Capacity, highest demand", "Giá công suất, theo công suất cực đại"),
    "network_fee": ("Network fee", "Phí lưới nội bộ"),
    "platform_fee": ("Platform fee, by energy", "Phí nền tảng theo điện năng"),
    "platform_month": ("Platform fee, monthly", "Phí nền tảng hằng tháng"),
    "compensation_received": ("Compensation received", "Bồi thường được nhận"),
    "compensation_paid": ("Compensation paid", "Bồi thường phải trả"),
    "carried": ("Carried over, too small to bill then", "Số tiền nhỏ chuyển từ kỳ trước"),
    "peak": ("peak hours", "giờ cao điểm"),
    "normal": ("normal hours", "giờ bình thường"),
    "offpeak": ("off-peak hours", "giờ thấp điểm"),
    "flat": ("all hours", "mọi giờ"),
    "tier": ("tier {low}–{high} kWh", "bậc {low}–{high} kWh"),
    "tier_open": ("tier above {low} kWh", "bậc trên {low} kWh"),
    # Totals
    "net": ("Total before VAT", "Cộng tiền hàng"),
    "vat_at": ("VAT {rate} on {net}", "Thuế GTGT {rate} của {net}"),
    "vat_none": ("Not subject to VAT: {net}", "Không chịu thuế GTGT: {net}"),
    "vat": ("VAT", "Tiền thuế GTGT"),
    "total": ("Total", "Tổng cộng tiền thanh toán"),
    "total_statement": ("Total, for information", "Tổng cộng (tham khảo)"),
    "not_taxed": ("none", "KCT"),
    "in_words": ("In words", "Số tiền viết bằng chữ"),
    "saved": (
        "Against the grid alone this month was better by",
        "So với chỉ dùng lưới điện, kỳ này lợi hơn",
    ),
    "lost": (
        "Against the grid alone this month was worse by",
        "So với chỉ dùng lưới điện, kỳ này thiệt hơn",
    ),
    "would_have_saved": ("What you would have saved", "Số tiền lẽ ra tiết kiệm được"),
    "would_have_lost": ("What you would have paid more", "Số tiền lẽ ra phải trả thêm"),
    # Payment
    "to_pay": ("To pay", "Số tiền phải thanh toán"),
    "to_receive": ("To be paid to you", "Số tiền được nhận"),
    "to_credit": ("In your favour", "Số tiền được ghi có"),
    "nothing_to_pay": ("Nothing to pay", "Không phải thanh toán"),
    "payment": ("How to pay", "Thông tin thanh toán"),
    "payout": ("Where we pay", "Tài khoản nhận tiền"),
    "beneficiary": ("Account holder", "Chủ tài khoản"),
    "bank": ("Bank", "Ngân hàng"),
    "account": ("Account", "Số tài khoản"),
    "reference": ("Write in the transfer", "Nội dung chuyển khoản"),
    "scan": ("Scan with any banking app (VietQR)", "Quét bằng ứng dụng ngân hàng (VietQR)"),
    "not_payable": (
        "Not payable. This market only computes: the statement shows what would have been, nobody owes anything by it.",
        "Không phải thanh toán. Thị trường này chỉ tính toán mô phỏng: bảng kê cho biết kết quả lẽ ra có được, "
        "không làm phát sinh nghĩa vụ trả tiền của bất kỳ ai.",
    ),
    "not_payable_short": ("Not payable", "Không phải thanh toán"),
    "unsigned": (
        "Printed form, without a digital signature. The signed XML, where there is one, is the original.",
        "Bản thể hiện, không có chữ ký số. Bản gốc là tệp XML đã ký số (nếu có).",
    ),
    "check": ("Check sum", "Mã kiểm tra"),
    "page": ("Page", "Trang"),
}
