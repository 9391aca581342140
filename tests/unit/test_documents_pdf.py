"""The page: what it says, that it holds whatever comes, and that the same document gives the same bytes."""

import io
import itertools
from dataclasses import replace
from datetime import date

import pytest
import typst
from pypdf import PdfReader

from settlement.documents import pdf as setting
from settlement.documents.pdf import FONT, render_many, render_pdf, render_png
from settlement.documents.reading import GROUPS, amount_due, payment_code
from settlement.documents.texts import LANGUAGES, TEXTS, UnknownLanguage, days
from settlement.documents.view import ZERO_WIDTH_SPACE, breakable, view
from settlement.domain.document import DOCUMENT_KINDS, LINE_KINDS, RELATIONS
from tests.documents import LINES, OPERATOR, TENANT, adjustment, invoice, line, long_one, self_bill, statement, tiers

VIETNAMESE = "aàảãáạăằẳẵắặâầẩẫấậeèẻẽéẹêềểễếệiìỉĩíịoòỏõóọôồổỗốộơờởỡớợuùủũúụưừửữứựyỳỷỹýỵđ"


def pages(document, language=None):
    """The text of each page, its line ends as spaces."""
    reader = PdfReader(io.BytesIO(render_pdf(document, language)))
    return [" ".join(page.extract_text().split()) for page in reader.pages]


class TestWhatItSays:
    def test_an_invoice_in_vietnamese(self):
        (page,) = pages(invoice())
        for expected in (
            "HÓA ĐƠN GIÁ TRỊ GIA TĂNG",
            "1C26TWB",
            "00000128",
            "06/11/2026",
            "3701234567",
            "3702345678",
            "417.938.509 ₫",
            "EMH-2026-778812",
            "× 200",
            "1.352.096,178",
            "giờ bình thường, 01/10–14/10",
            "12.345,678",
            "Thuế GTGT 8% của 389.484.905",
            "31.158.792",
            "Bốn trăm mười bảy triệu chín trăm ba mươi tám nghìn năm trăm lẻ chín đồng",
            "WB1C26TWB128",
            "0281000123456",
            "Trang 1 / 1",
        ):
            assert expected in page

    def test_an_invoice_in_english(self):
        (page,) = pages(invoice(), "en")
        for expected in (
            "VAT invoice",
            "6 Nov 2026",
            "₫417,938,509",
            "12,345.678",
            "1–14 Oct",
            "VAT 8% on 389,484,905",
            "Against the grid alone this month was better by ₫4,310,220",
            "thousand five hundred nine Vietnamese dong",
        ):
            assert expected in page

    def test_both_languages_stand_together(self):
        text = " ".join(pages(invoice(), "vi-en"))
        assert "Mua từ quỹ chung" in text
        assert "Bought in the pool" in text
        assert "Bốn trăm mười bảy triệu" in text
        assert "Four hundred seventeen million" in text

    def test_a_self_billing_invoice_is_seen_from_the_seller(self):
        (page,) = pages(self_bill())
        assert "theo ủy nhiệm của bên bán" in page
        assert "84.250.000" in page
        assert "−3.256.000" in page
        assert "Tám mươi tám triệu năm trăm ba mươi hai nghìn hai trăm đồng" in page
        assert "65010001234567" in page  # where the operator pays

    def test_an_adjustment_names_what_it_corrects_and_why(self):
        (page,) = pages(adjustment())
        assert "Điều chỉnh cho hóa đơn ký hiệu 1C26TWB số 00000128 ngày 06/11/2026." in page
        assert "Lý do: Chỉ số công tơ EMH-2026-778812 được hiệu chỉnh" in page
        assert "−5.504.760 ₫" in page
        assert "Số tiền được ghi có" in page
        assert "Thông tin thanh toán" not in page

    def test_a_replacement_says_so(self):
        (page,) = pages(adjustment(relation="replacement"))
        assert "Thay thế cho hóa đơn ký hiệu 1C26TWB số 00000128" in page

    def test_a_statement_is_no_invoice_and_must_not_be_paid(self):
        (page,) = pages(statement())
        assert "BẢNG KÊ – không phải hóa đơn" in page
        assert page.count("Không phải thanh toán") == 2  # above the figures and at the foot
        assert "Số tiền lẽ ra tiết kiệm được 4.310.220 ₫" in page
        assert "0281000123456" not in page

    def test_a_corrected_statement_refers_to_a_statement(self):
        assert "Điều chỉnh cho bảng kê ký hiệu" in pages(adjustment(kind="statement", payable=False))[0]

    def test_a_loss_against_the_grid_is_told_too(self):
        assert "was worse by ₫900" in pages(invoice(saved_dong=-900), "en")[0]
        assert "What you would have paid more ₫900" in pages(statement(saved_dong=-900), "en")[0]

    def test_a_draft_says_so_and_cannot_be_paid(self):
        draft = invoice(number=0, issued_on=None, series="")
        (page,) = pages(draft)
        assert "BẢN NHÁP" in page
        assert "0281000123456" not in page
        assert payment_code(draft) is None

    def test_tiers_have_their_bounds(self):
        page = pages(invoice(tiers(5), registers=()), "en")[0]
        assert "tier 0–100 kWh, 1 Oct" in page
        assert "tier above 701 kWh, 1 Oct" in page

    def test_odd_rates_are_written_out(self):
        page = pages(invoice((line(1, "grid_import", 1_000, 1_000, 1_000, vat_bp=350),)), "en")[0]
        assert "VAT 3.5% on 1,000" in page


class TestWhoPays:
    def test_the_buyer_pays_an_invoice(self):
        code = payment_code(invoice())
        assert (code.bank_bin, code.account, code.amount_dong) == ("970436", "0281000123456", 417_938_509)

    def test_nothing_is_due_where_the_money_runs_the_other_way_or_not_at_all(self):
        assert amount_due(adjustment()) == 0
        assert amount_due(statement()) == 0
        assert amount_due(self_bill()) == 88_532_200

    @pytest.mark.parametrize("change", [{"bank_bin": ""}, {"bank_bin": "12"}, {"bank_account": "1 2"}])
    def test_a_bank_without_code_still_stands_on_the_paper(self, change):
        document = invoice(seller=replace(OPERATOR, **change))
        assert payment_code(document) is None
        assert "Vietcombank" in pages(document)[0]

    def test_a_reference_too_long_for_the_code_is_printed(self):
        document = invoice(payment_reference="X" * 26)
        assert payment_code(document) is None
        assert "X" * 26 in pages(document)[0]


class TestItHolds:
    def test_many_lines_go_over_pages_with_their_heads(self):
        all_pages = pages(long_one(), "en")
        assert len(all_pages) == 3
        assert all("Quantity Unit Price, đồng Amount, đồng VAT" in page for page in all_pages)
        assert [f"Page {number} / 3" in page for number, page in enumerate(all_pages, start=1)] == [True] * 3

    def test_nothing_at_all(self):
        page = pages(invoice((), registers=(), saved_dong=0), "en")[0]
        assert "Nothing was used or traded in this month." in page
        assert "Nothing to pay ₫0" in page
        assert "Zero Vietnamese dong" in page

    def test_huge_sums(self):
        huge = 10**17
        page = pages(invoice((line(1, "grid_import", huge, 10**6, huge),)), "en")[0]
        assert "₫108,000,000,000,000,000" in page

    @pytest.mark.parametrize(
        "name", ['#panic("x")', 'a\\ " $x$ *b* _c_ <d> @e', "\x00\x07\n", "株式会社", "x" * 900, ""]
    )
    def test_a_name_is_only_ever_a_name(self, name):
        assert render_pdf(invoice(buyer=replace(TENANT, name=name)))
        shown = view(invoice(buyer=replace(TENANT, name=name)), "vi")["parties"][1]["name"]
        assert shown.replace(ZERO_WIDTH_SPACE, "") == name

    def test_a_word_longer_than_its_column_is_broken(self):
        assert breakable("ab abcdefg", 3) == f"ab abc{ZERO_WIDTH_SPACE}def{ZERO_WIDTH_SPACE}g"
        assert breakable("", 3) == ""

    def test_markup_in_a_name_is_printed_as_it_is(self):
        assert '#panic("x") *b*' in pages(invoice(buyer=replace(TENANT, name='#panic("x") *b*')))[0]

    @pytest.mark.parametrize(("style", "weight"), [("normal", 400), ("normal", 700), ("italic", 400)])
    def test_the_font_has_every_letter_and_they_can_be_copied_out(self, style, weight):
        # Without fallback a missing letter is an empty box, which the text of a PDF does not show: compare pictures.
        letters = VIETNAMESE + VIETNAMESE.upper() + "₫−–×·/"
        cut = f'#set text(font: "{FONT}", fallback: false, style: "{style}", weight: {weight})\n'
        missing = _typeset(cut + "#box[\ue000]", "svg")
        for letter in letters:
            assert _typeset(f"{cut}#box[{letter}]", "svg") != missing, letter
        words = " ".join(f"{a}{b}ng" for a, b in itertools.pairwise(letters) if a.isalpha() and b.isalpha())
        text = PdfReader(io.BytesIO(_typeset(cut + words, "pdf"))).pages[0].extract_text()
        assert text.split() == words.split()

    def test_an_unknown_language_is_refused(self):
        with pytest.raises(UnknownLanguage) as refused:
            render_pdf(invoice(), "zh")
        assert refused.value.code == "unknown_document_language"


def _typeset(source, form):
    return typst.compile(source.encode(), format=form, ignore_system_fonts=True)


class TestSameDocumentSameBytes:
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_twice(self, language):
        first = render_pdf(long_one(), language)
        setting._compiler.cache_clear()
        assert render_pdf(long_one(), language) == first

    def test_the_date_inside_is_that_of_issue(self):
        information = PdfReader(io.BytesIO(render_pdf(invoice()))).metadata
        assert information.creation_date.date() == date(2026, 11, 6)
        assert "1C26TWB 00000128" in information.title

    def test_several_processes_make_the_same_in_order(self):
        documents = [invoice(number=number) for number in range(1, 41)]
        made = list(render_many(iter(documents), processes=2))
        assert [document for document, _ in made] == documents
        assert [pdf for _, pdf in made[::13]] == [render_pdf(document) for document in documents[::13]]

    def test_many_takes_no_more_documents_than_it_works_on(self):
        taken = []
        source = (taken.append(number) or invoice(number=number) for number in range(1, 201))
        made = render_many(source, processes=2)
        next(made)
        assert len(taken) < 50
        made.close()

    def test_pictures_for_a_preview(self):
        assert [page[:4] for page in render_png(long_one(), ppi=30)] == [b"\x89PNG"] * 3


class TestTables:
    def test_every_kind_of_line_and_document_has_its_place_and_its_words(self):
        assert {kind for kinds in GROUPS.values() for kind in kinds} == set(LINE_KINDS)
        assert {*LINE_KINDS, *DOCUMENT_KINDS, *RELATIONS[1:], *(f"group_{group}" for group in GROUPS)} <= set(TEXTS)

    def test_both_languages_have_the_same_places_to_fill(self):
        for english, vietnamese in TEXTS.values():
            assert english
            assert vietnamese
            assert {"{" + part.split("}")[0] for part in english.split("{")[1:]} == {
                "{" + part.split("}")[0] for part in vietnamese.split("{")[1:]
            }

    def test_dates_of_a_stretch(self):
        assert days(date(2026, 10, 1), date(2026, 10, 14), "en") == "1–14 Oct"
        assert days(date(2026, 9, 28), date(2026, 10, 2), "en") == "28 Sep–2 Oct"
        assert days(date(2026, 10, 3), date(2026, 10, 3), "en") == "3 Oct"
        assert days(date(2026, 10, 1), date(2026, 10, 14), "vi") == "01/10–14/10"
        assert days(date(2026, 10, 3), date(2026, 10, 3), "vi") == "03/10"

    def test_lines_add_up_to_the_group(self):
        groups = view(invoice(), "en")["lines"]["groups"]
        assert [group["total"] for group in groups] == ["", "", "364,965,771", "1,981,481", "", ""]
        assert sum(len(group["rows"]) for group in groups) == len(LINES)
