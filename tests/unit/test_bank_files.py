"""Bank files in three formats: what is taken, and what is refused with which sentence."""

from datetime import date

import pytest

from settlement.domain.bank import BankFileError, StatementLine, movement_keys, parse_bank_file

VIETNAMESE = """\ufeffNGÂN HÀNG TMCP VÍ DỤ
Số tài khoản: 0123 456 789
Số dư đầu kỳ;1.000.000
Ngày giao dịch;Số tham chiếu;Ghi nợ;Ghi có;Số dư;Diễn giải;Tên người chuyển
05/11/2026 10:12:33;FT1;;250.000;1.250.000;WBPARK0000000017 tien dien;NGUYEN VAN A
05/11/2026 11:00:00;FT2;40.000;;1.210.000;Phí;
Số dư cuối kỳ;1.210.000
"""
ENGLISH = """Date,Description,Amount,Reference,Counterparty
2026-11-05,"Invoice 7, thanks","250,000.00",A1,Lan
2026-11-06,Fee,"-1,000",A2,Bank
"""
MT940 = """{1:F01BFTVVNVXAXXX0000000000}{2:I940X}{4:
:20:STARTUMS
:25:BFTVVNVX/0123456789
:28C:00001/001
:60F:C261104VND1000000,00
:61:2611051105C250000,00NTRFNONREF//FT1
:86:WBPARK0000000017 tien dien
:61:2611051105D40000,00NCHGNONREF//FT2
:86:Phi
:62F:C261105VND1210000,00
-}
"""
CAMT = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>
<GrpHdr><MsgId>M</MsgId><CreDtTm>2026-11-05T18:00:00</CreDtTm></GrpHdr>
<Stmt><Id>1</Id><Acct><Id><Othr><Id>0123456789</Id></Othr></Id></Acct>
<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="VND">1000000</Amt><CdtDbtInd>CRDT</CdtDbtInd></Bal>
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="VND">1210000.00</Amt><CdtDbtInd>CRDT</CdtDbtInd></Bal>
<Ntry><Amt Ccy="VND">250000</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>
<BookgDt><Dt>2026-11-05</Dt></BookgDt><AcctSvcrRef>FT1</AcctSvcrRef>
<NtryDtls><TxDtls><RltdPties><Dbtr><Pty><Nm>NGUYEN VAN A</Nm></Pty></Dbtr></RltdPties>
<RmtInf><Ustrd>WBPARK0000000017 tien dien</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>
<Ntry><Amt Ccy="VND">40000</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts>BOOK</Sts>
<BookgDt><DtTm>2026-11-05T11:00:00</DtTm></BookgDt><AcctSvcrRef>FT2</AcctSvcrRef><AddtlNtryInf>Phi</AddtlNtryInf></Ntry>
<Ntry><Amt Ccy="VND">99</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>PDNG</Cd></Sts></Ntry>
</Stmt></BkToCstmrStmt></Document>
"""


def codes(text: str | bytes) -> list[str]:
    data = text.encode() if isinstance(text, str) else text
    with pytest.raises(BankFileError) as caught:
        parse_bank_file(data, "file")
    assert all(problem.message.endswith(".") for problem in caught.value.problems)
    assert caught.value.code == caught.value.problems[0].code
    return [problem.code for problem in caught.value.problems]


@pytest.mark.parametrize(("text", "kind"), [(VIETNAMESE, "csv"), (MT940, "mt940"), (CAMT, "camt053")])
def test_the_same_two_movements_in_three_formats(text: str, kind: str) -> None:
    statement = parse_bank_file(text.encode(), "november")
    assert (statement.format, statement.currency) == (kind, "VND")
    assert statement.account.endswith("0123456789")
    assert (statement.opening_dong, statement.closing_dong) == (1_000_000, 1_210_000)
    assert [(line.booked_on, line.amount_dong, line.reference) for line in statement.lines] == [
        (date(2026, 11, 5), 250_000, "FT1"),
        (date(2026, 11, 5), -40_000, "FT2"),
    ]
    assert "WBPARK0000000017" in statement.lines[0].text
    assert kind == "mt940" or statement.lines[0].counterparty == "NGUYEN VAN A"


def test_an_english_file_without_balances() -> None:
    statement = parse_bank_file(ENGLISH.encode(), "x")
    assert [line.amount_dong for line in statement.lines] == [250_000, -1_000]
    assert statement.lines[0].text == "Invoice 7, thanks"
    assert (statement.opening_dong, statement.closing_dong) == (None, None)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("separator", [";", "\t", ","])
def test_separators_and_encodings(separator: str, encoding: str) -> None:
    rows = [["Ngày", "Số tiền", "Nội dung"], ["2026-11-05", "250000", "điện"]]
    text = "\r\n".join(separator.join(row) for row in rows)
    line = parse_bank_file(text.encode(encoding), "x").lines[0]
    assert (line.amount_dong, line.text) == (250_000, "điện")


def test_balances_of_a_column_with_the_newest_row_first() -> None:
    text = "Date;Amount;Balance\n2026-11-06;-5000;1000\n2026-11-05;2000;6000\n"
    statement = parse_bank_file(text.encode(), "x")
    assert (statement.opening_dong, statement.closing_dong) == (4_000, 1_000)
    assert codes(text.replace("1000\n", "1001\n")) == ["balance_differs"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty_file"),
        ("  \n", "empty_file"),
        ("a;b\n1;2\n", "no_heading"),
        ("Date;Amount\n", "no_lines"),
        ("Date;Amount\n2026-11-05;12,5\n", "not_whole_dong"),
        ("Date;Amount\n2026-11-05;1.2.3\n", "bad_amount"),
        ("Date;Amount\n2026-11-05;\n", "bad_amount"),
        ("Date;Amount\n2026-11-05;0\n", "zero_amount"),
        ("Date;Amount\n2026-11-05;١٢٣\n", "bad_amount"),
        ("Date;Amount\n2026-11-05;5.000\n2026-11-05;12.00\n", "mixed_numbers"),
        ("Date;Amount\n2026-11-31;5\n", "bad_date"),
        ("Date;Amount\n05/11/2026;5\n", "ambiguous_date"),
        ("Date;Amount\n05/21/2026;5\n", "ambiguous_date"),
        ("Date,Amount,Text\n2026-11-05,1,000,rent\n", "wrong_number_of_cells"),
        ("Date,Amount,Text\n2026-11-05,1,000\n", "split_amount"),
        ("Date;Credit;Debit\n2026-11-05;5;5\n", "both_credit_and_debit"),
        ("Date;Credit;Debit\n2026-11-05;-5;\n", "negative_credit"),
        ("Date;Amount;Currency\n2026-11-05;5;USD\n", "wrong_currency"),
        ('Date;Amount;Text\n2026-11-05;5;"open\n', "bad_csv"),
        ("Opening balance;0\nClosing balance;6\nDate;Amount\n2026-11-05;5\n", "balance_differs"),
        ("Date;Amount\n2026-11-05;999999999999999999\n", "amount_too_large"),
        (MT940.replace("C250000,00", "C250001,00"), "balance_differs"),
        (MT940.replace("C250000,00", "C250000,50"), "not_whole_dong"),
        (MT940.replace("C250000,00", "C1234567890123456789,00"), "unreadable_movement"),
        (MT940.replace("VND", "EUR"), "wrong_currency"),
        (MT940.replace(":62F:C261105VND1210000,00\n", ""), "no_balance"),
        (MT940.replace(":61:2611051105C", ":61:2613051105C"), "unreadable_movement"),
        (CAMT.replace(">250000<", ">250001<"), "balance_differs"),
        (CAMT.replace(">250000<", ">250000.5<"), "not_whole_dong"),
        (CAMT.replace('Ccy="VND">40000', 'Ccy="USD">40000'), "wrong_currency"),
        (CAMT.replace("CLBD", "ITBD"), "no_balance"),
        (CAMT.replace("<Sts>BOOK</Sts>", ""), "bad_status"),
        (CAMT.replace("<Dt>2026-11-05</Dt>", "<Dt>soon</Dt>"), "bad_date"),
        ("<html><body>Please sign in</body></html>", "no_statement"),
        ("<Document>", "bad_xml"),
        ("<?xml version='1.0' encoding='nonsense'?><Document/>", "bad_xml"),
        ("Date;Amount\n2026-11-05;5\0\n", "not_a_text"),
    ],
)
def test_refusals(text: str, code: str) -> None:
    assert code in codes(text)


def test_every_row_that_is_wrong_is_named() -> None:
    with pytest.raises(BankFileError) as caught:
        parse_bank_file(b"Date;Amount\n2026-11-05;x\nsoon;5\n2026-11-05;y\n", "x")
    assert [(problem.code, problem.place) for problem in caught.value.problems] == [
        ("bad_amount", "line 2"),
        ("bad_amount", "line 4"),
    ]
    assert codes("Date;Amount\nsoon;5\n2026-11-05;0\n") == ["bad_date", "zero_amount"]


def test_hostile_xml_is_refused_before_it_is_expanded() -> None:
    bomb = '<!DOCTYPE b [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
    elsewhere = '<!DOCTYPE b [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    for head in (bomb, elsewhere):
        body = CAMT.replace("<Document", head + "<Document", 1).replace("NGUYEN VAN A", "&a;")
        assert codes(body) == ["forbidden_xml"]
    assert codes("<Document>" + "<a>" * 200_000 + "</a>" * 200_000 + "</Document>") == ["no_statement"]


def test_a_file_that_names_a_path_is_not_followed() -> None:
    assert codes(__file__) == ["no_heading"]


def test_latin_text_is_refused() -> None:
    assert codes("Date;Amount;Text\n2026-11-05;5;café\n".encode("latin-1")) == ["wrong_encoding"]


def test_an_entry_of_several_transfers_is_several_movements() -> None:
    one = '<TxDtls><Amt Ccy="VND">{}</Amt><RmtInf><Ustrd>{}</Ustrd></RmtInf></TxDtls>'
    start, end = CAMT.index("<NtryDtls>"), CAMT.index("</NtryDtls>")
    both = CAMT[:start] + "<NtryDtls>" + one.format(100_000, "first") + one.format(150_000, "second") + CAMT[end:]
    lines = parse_bank_file(both.encode(), "x").lines
    assert [(line.amount_dong, line.text, line.reference) for line in lines[:2]] == [
        (100_000, "first", "FT1/1"),
        (150_000, "second", "FT1/2"),
    ]
    wrong = both.replace(">150000<", ">150001<")
    assert [line.amount_dong for line in parse_bank_file(wrong.encode(), "x").lines] == [250_000, -40_000]


def test_statements_of_one_file_follow_on_one_another() -> None:
    second = MT940.replace("C261104VND1000000,00", "C261105VND1210000,00").replace(
        "C261105VND1210000,00\n-}", "C261105VND1420000,00\n-}"
    )
    statement = parse_bank_file((MT940 + second).encode(), "x")
    assert (statement.opening_dong, statement.closing_dong, len(statement.lines)) == (1_000_000, 1_420_000, 4)
    assert codes(MT940 + MT940) == ["statements_apart"]
    assert codes(MT940 + second.replace("0123456789", "99")) == ["several_accounts"]


def test_a_reversal_of_a_credit_takes_money_away() -> None:
    text = MT940.replace("D40000,00NCHG", "RC40000,00NCHG")
    assert [line.amount_dong for line in parse_bank_file(text.encode(), "x").lines] == [250_000, -40_000]


def test_keys_meet_over_files_and_never_join_two_movements() -> None:
    day = date(2026, 11, 5)
    fee = StatementLine(day, -1_000, "fee", "", "FT1")
    transfer = StatementLine(day, 50_000, "rent", "", "FT1")
    nameless = StatementLine(day, 50_000, "rent", "", "")
    keys = movement_keys([transfer, fee, nameless, nameless])
    assert len(set(keys)) == 4
    assert movement_keys([fee, nameless]) == [keys[1], keys[2]]
    assert all(len(key) <= 80 for key in movement_keys([StatementLine(day, 1, "", "", "x" * 300)] * 3))
