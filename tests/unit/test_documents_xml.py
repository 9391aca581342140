"""The invoice as XML: its structure against a schema written from the decision's tables, and its figures."""

import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from lxml import etree

from settlement.documents.xml import NoInvoiceXml, form_and_series, rate, render_xml
from tests.documents import TENANT, adjustment, invoice, line, long_one, self_bill, statement, tiers

SCHEMA = """
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
 <xs:simpleType name="money"><xs:restriction base="xs:integer"><xs:totalDigits value="19"/></xs:restriction></xs:simpleType>
 <xs:simpleType name="text"><xs:restriction base="xs:string"><xs:minLength value="1"/></xs:restriction></xs:simpleType>
 <xs:simpleType name="rate"><xs:restriction base="xs:string">
  <xs:pattern value="0%|5%|8%|10%|KCT|KKKNT|KHAC:[0-9]{2}\\.[0-9]{2}%"/></xs:restriction></xs:simpleType>
 <xs:simpleType name="series"><xs:restriction base="xs:string">
  <xs:pattern value="[CK][0-9]{2}[A-Z][A-Z0-9]{2}"/></xs:restriction></xs:simpleType>
 <xs:simpleType name="number"><xs:restriction base="xs:positiveInteger"><xs:totalDigits value="8"/></xs:restriction></xs:simpleType>
 <xs:simpleType name="form"><xs:restriction base="xs:string"><xs:pattern value="[12]"/></xs:restriction></xs:simpleType>
 <xs:complexType name="party"><xs:sequence>
  <xs:element name="Ten" type="text"/>
  <xs:element name="MST" type="text" minOccurs="0"/>
  <xs:element name="DChi" type="text" minOccurs="0"/>
  <xs:element name="MKHang" type="text" minOccurs="0"/>
  <xs:element name="SDThoai" type="text" minOccurs="0"/>
  <xs:element name="DCTDTu" type="text" minOccurs="0"/>
  <xs:element name="STKNHang" type="text" minOccurs="0"/>
  <xs:element name="TNHang" type="text" minOccurs="0"/>
 </xs:sequence></xs:complexType>
 <xs:complexType name="related"><xs:sequence>
  <xs:element name="TCHDon"><xs:simpleType><xs:restriction base="xs:string"><xs:pattern value="[12]"/></xs:restriction></xs:simpleType></xs:element>
  <xs:element name="LHDCLQuan" type="text"/>
  <xs:element name="KHMSHDCLQuan" type="form"/>
  <xs:element name="KHHDCLQuan" type="series"/>
  <xs:element name="SHDCLQuan" type="number"/>
  <xs:element name="NLHDCLQuan" type="xs:date"/>
  <xs:element name="GChu" type="text" minOccurs="0"/>
 </xs:sequence></xs:complexType>
 <xs:complexType name="general"><xs:sequence>
  <xs:element name="PBan" type="xs:string" fixed="2.1.0"/>
  <xs:element name="THDon" type="text"/>
  <xs:element name="KHMSHDon" type="form"/>
  <xs:element name="KHHDon" type="series"/>
  <xs:element name="SHDon" type="number"/>
  <xs:element name="NLap" type="xs:date"/>
  <xs:element name="DVTTe" type="xs:string" fixed="VND"/>
  <xs:element name="TGia" type="xs:decimal" fixed="1"/>
  <xs:element name="HTTToan" type="text"/>
  <xs:sequence minOccurs="0">
   <xs:element name="MSTDVNUNLHDon" type="text"/>
   <xs:element name="TDVNUNLHDon" type="text"/>
   <xs:element name="DCDVNUNLHDon" type="text"/>
  </xs:sequence>
  <xs:element name="TTHDLQuan" type="related" minOccurs="0"/>
 </xs:sequence></xs:complexType>
 <xs:complexType name="line"><xs:sequence>
  <xs:element name="TChat" type="xs:string" fixed="1"/>
  <xs:element name="STT" type="xs:positiveInteger"/>
  <xs:element name="MHHDVu" type="text"/>
  <xs:element name="THHDVu" type="text"/>
  <xs:sequence minOccurs="0">
   <xs:element name="DVTinh" type="text"/>
   <xs:element name="SLuong" type="xs:decimal"/>
   <xs:element name="DGia" type="xs:decimal"/>
  </xs:sequence>
  <xs:element name="TLCKhau" type="xs:decimal"/>
  <xs:element name="STCKhau" type="xs:decimal"/>
  <xs:element name="ThTien" type="money"/>
  <xs:element name="TSuat" type="rate"/>
 </xs:sequence></xs:complexType>
 <xs:complexType name="totals"><xs:sequence>
  <xs:element name="THTTLTSuat"><xs:complexType><xs:sequence>
   <xs:element name="LTSuat" minOccurs="0" maxOccurs="unbounded"><xs:complexType><xs:sequence>
    <xs:element name="TSuat" type="rate"/>
    <xs:element name="ThTien" type="money"/>
    <xs:element name="TThue" type="money"/>
   </xs:sequence></xs:complexType></xs:element>
  </xs:sequence></xs:complexType></xs:element>
  <xs:element name="TgTCThue" type="money"/>
  <xs:element name="TgTThue" type="money"/>
  <xs:element name="TgTTTBSo" type="money"/>
  <xs:element name="TgTTTBChu" type="text"/>
 </xs:sequence></xs:complexType>
 <xs:complexType name="others"><xs:sequence>
  <xs:element name="TTin" maxOccurs="unbounded"><xs:complexType><xs:sequence>
   <xs:element name="TTruong" type="text"/>
   <xs:element name="KDLieu" type="xs:string" fixed="string"/>
   <xs:element name="DLieu" type="text"/>
  </xs:sequence></xs:complexType></xs:element>
 </xs:sequence></xs:complexType>
 <xs:element name="HDon"><xs:complexType><xs:sequence>
  <xs:element name="DLHDon"><xs:complexType><xs:sequence>
   <xs:element name="TTChung" type="general"/>
   <xs:element name="NDHDon"><xs:complexType><xs:sequence>
    <xs:element name="NBan" type="party"/>
    <xs:element name="NMua" type="party"/>
    <xs:element name="DSHHDVu"><xs:complexType><xs:sequence>
     <xs:element name="HHDVu" type="line" minOccurs="0" maxOccurs="unbounded"/>
    </xs:sequence></xs:complexType></xs:element>
    <xs:element name="TToan" type="totals"/>
   </xs:sequence></xs:complexType></xs:element>
   <xs:element name="TTKhac" type="others"/>
  </xs:sequence><xs:attribute name="Id" type="xs:ID" use="required"/></xs:complexType></xs:element>
  <xs:element name="DSCKS"><xs:complexType/></xs:element>
 </xs:sequence></xs:complexType></xs:element>
</xs:schema>
"""  # noqa: E501 - a schema is easier to compare with the decision's tables when a rule is one line
PAGE = Path(__file__).parents[2] / "docs/formats/invoice-xml.md"
VALIDATOR = etree.XMLSchema(etree.fromstring(SCHEMA))


def tree(document):
    root = etree.fromstring(render_xml(document))
    VALIDATOR.assertValid(root)
    return root


def texts(root, path):
    return [element.text for element in root.findall(f".//{path}")]


@pytest.mark.parametrize(
    "document",
    [
        invoice(),
        self_bill(),
        adjustment(),
        adjustment(relation="replacement"),
        long_one(),
        invoice((), registers=()),
        invoice(buyer=replace(TENANT, tax_code="", address="", email="", phone="", bank_account="", bank_name="")),
        invoice(buyer=replace(TENANT, name="A\x00 & <B>\ud7ff\uffff")),
        invoice(series="C26TWB"),
    ],
)
def test_every_invoice_has_the_structure_and_its_own_sums(document):
    root = tree(document)
    turn = -1 if document.kind == "self_bill" else 1
    amounts = [int(text) for text in texts(root, "HHDVu/ThTien")]
    assert sum(amounts) == turn * document.net_dong == int(root.findtext(".//TgTCThue"))
    assert sum(int(text) for text in texts(root, "LTSuat/ThTien")) == turn * document.net_dong
    assert sum(int(text) for text in texts(root, "LTSuat/TThue")) == turn * document.vat_dong
    assert int(root.findtext(".//TgTTTBSo")) == turn * document.total_dong
    assert [int(text) for text in texts(root, "STT")] == list(range(1, len(document.lines) + 1))


@pytest.mark.parametrize("document", [invoice(), self_bill(), adjustment(), invoice(tiers(7))])
def test_quantity_times_price_is_the_amount_on_every_line(document):
    for row in tree(document).findall(".//HHDVu"):
        if (quantity := row.findtext("SLuong")) is not None:
            value = Decimal(quantity) * Decimal(row.findtext("DGia"))
            assert abs(value - int(row.findtext("ThTien"))) < Decimal("0.6")
            assert not row.findtext("DGia").startswith("-")


def test_the_example_of_the_docstring():
    root = tree(invoice((line(1, "local_bought", 12_345_678, None, 20_987_653),)))
    assert root.findtext(".//SLuong") == "12345.678"
    assert root.findtext(".//DGia") == "1700.000032"


def test_a_negative_price_stays_negative():
    # Surplus that had to be got rid of: 10 kWh bought at −50 đồng, so the buyer gets 500 đồng.
    root = tree(invoice((line(1, "pool_bought", 10_000, -50, -500),)))
    assert (root.findtext(".//SLuong"), root.findtext(".//DGia")) == ("10", "-50")


def test_names_and_numbers_of_the_general_part():
    root = tree(invoice())
    found = {child.tag: child.text for child in root.find("DLHDon/TTChung")}
    assert found == {
        "PBan": "2.1.0",
        "THDon": "Hóa đơn giá trị gia tăng",
        "KHMSHDon": "1",
        "KHHDon": "C26TWB",
        "SHDon": "128",
        "NLap": "2026-11-06",
        "DVTTe": "VND",
        "TGia": "1",
        "HTTToan": "Chuyển khoản",
    }


def test_an_adjustment_names_the_original():
    related = tree(adjustment()).find(".//TTHDLQuan")
    assert [(child.tag, child.text) for child in related][:6] == [
        ("TCHDon", "2"),
        ("LHDCLQuan", "1"),
        ("KHMSHDCLQuan", "1"),
        ("KHHDCLQuan", "C26TWB"),
        ("SHDCLQuan", "128"),
        ("NLHDCLQuan", "2026-11-06"),
    ]
    assert tree(adjustment()).findtext(".//TgTTTBChu").startswith("Âm năm triệu")
    assert tree(adjustment(relation="replacement")).findtext(".//TCHDon") == "1"


def test_a_self_billing_invoice_names_who_issued_it():
    root = tree(self_bill())
    assert root.findtext(".//NBan/MST") == TENANT.tax_code
    assert root.findtext(".//MSTDVNUNLHDon") == "3701234567"
    assert root.findtext(".//TgTTTBSo") == "88532200"


def test_meters_and_digest_go_along():
    document = invoice()
    entries = dict(zip(texts(tree(document), "TTruong"), texts(tree(document), "DLieu"), strict=True))
    assert entries["SHA256"] == document.digest()
    assert entries["ChiSo1"] == (
        "MP-T1-01; EMH-2026-778812; x200; import; 2026-10-01..2026-10-31; 1204500; 1352096.178; 147596.178"
    )


def test_the_same_document_gives_the_same_bytes_and_no_signature():
    assert render_xml(long_one()) == render_xml(long_one())
    assert b"<DSCKS/>" in render_xml(invoice())


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (statement(), "statement_has_no_xml"),
        (invoice(payable=False), "statement_has_no_xml"),
        (invoice(number=0), "draft_has_no_xml"),
        (invoice(issued_on=None), "draft_has_no_xml"),
        (invoice(series="WB-2026"), "invalid_series"),
    ],
)
def test_what_is_no_invoice_has_no_xml(document, code):
    with pytest.raises(NoInvoiceXml) as refused:
        render_xml(document)
    assert refused.value.code == code


def test_forms_and_rates():
    assert form_and_series("2K26TAB") == ("2", "K26TAB")
    assert [rate(value) for value in (None, 0, 500, 800, 1_000, 350, 1_050)] == [
        "KCT",
        "0%",
        "5%",
        "8%",
        "10%",
        "KHAC:03.50%",
        "KHAC:10.50%",
    ]


def test_the_page_names_every_element_and_code():
    page = PAGE.read_text(encoding="utf-8")
    names = set(re.findall(r'element name="(\w+)"', SCHEMA)) - {"HDon", "DLHDon", "TTruong", "KDLieu", "DLieu"}
    assert [name for name in sorted(names) if not re.search(rf"\b{name}\b", page)] == []
    assert all(code in page for code in ("statement_has_no_xml", "draft_has_no_xml", "invalid_series", "number_taken"))


def test_a_tier_is_named_by_its_bounds_alone():
    names = [row.findtext("THHDVu") for row in tree(invoice(tiers(5))).findall(".//HHDVu")]
    assert names[0].startswith("Mua từ lưới điện, bậc 0–100 kWh, ") and not any("{" in name for name in names)
