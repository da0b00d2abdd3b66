"""What a file of members may say: every fault is found, and named so that it can be mended."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import csv_rows
from app.csv_rows import Fault, UnreadableFile
from app.members import row_checks
from app.members.row_checks import Row

HEADER = "member_no,name,phone,id_number,opening_balance"
GOOD = "M1,Wanjiru Kamau,0712345678,12345678,50000.00"


def checked(*lines: str, header: str = HEADER) -> tuple[list[Row], list[Fault]]:
    records, faults = csv_rows.read("\n".join([header, *lines]).encode(), row_checks.COLUMNS)
    rows, wrong = row_checks.check(records)
    return rows, sorted([*faults, *wrong])


def with_cell(column: str, cell: str) -> tuple[list[Row], list[Fault]]:
    """A good row with one cell replaced, which may be any text at all."""
    cells = dict(zip(HEADER.split(","), GOOD.split(","), strict=True)) | {column: cell}
    quoted = ['"' + text.replace('"', '""') + '"' for text in cells.values()]
    return checked(",".join(quoted), header=",".join(cells))


def test_a_row_with_the_needed_columns_only() -> None:
    rows, faults = checked(GOOD)
    assert faults == []
    row, person = rows[0], rows[0].person
    assert (row.line, row.account, row.withdrawable, row.opening_cents) == (
        2,
        "Savings",
        True,
        50_000_00,
    )
    assert (person.member_no, person.name, person.phone) == ("M1", "Wanjiru Kamau", "+254712345678")
    assert (person.language, person.status, person.mandate) == ("en", "active", "sole")
    assert person.receipts


def test_of_an_id_number_only_the_last_digits_are_kept() -> None:
    rows, _ = checked(GOOD)
    assert rows[0].person.id_number == "5678"
    assert "12345678" not in repr(rows).replace("+254712345678", "")


def test_columns_may_stand_in_any_order_and_case_after_a_byte_order_mark() -> None:
    text = "\ufeffPhone,Opening_Balance,name,ID_NUMBER,member_no\r\n0712345678,1.50,W,1234,M1\r\n"
    records, _ = csv_rows.read(text.encode(), row_checks.COLUMNS)
    rows, faults = row_checks.check(records)
    assert faults == []
    assert (rows[0].person.member_no, rows[0].opening_cents) == ("M1", 1_50)


def test_several_accounts_are_several_rows() -> None:
    rows, faults = checked(
        GOOD + ",Savings,yes", GOOD + ",Holiday,no", header=HEADER + ",account,withdrawable"
    )
    assert faults == []
    assert [(row.account, row.withdrawable) for row in rows] == [
        ("Savings", True),
        ("Holiday", False),
    ]


@pytest.mark.parametrize("phone", ["0712345678", "712345678", "254712345678", "+254 712-345 678"])
def test_phones_as_people_write_them(phone: str) -> None:
    rows, faults = with_cell("phone", phone)
    assert faults == []
    assert rows[0].person.phone == "+254712345678"


@pytest.mark.parametrize(
    ("column", "cell", "problem"),
    [
        ("member_no", "", "no member number"),
        ("member_no", "=M1", "no member number"),
        ("member_no", "M" * 21, "no member number"),
        ("member_no", "0712345678", "phone number"),
        ("name", "", "empty"),
        ("name", "N" * 300, "300 letters"),
        ("name", "=cmd|'/c calc'!A0", "formula"),
        ("name", "@SUM(A1)", "formula"),
        ("name", "-2+3", "formula"),
        ("name", "Wan\x00jiru", "cannot be seen"),
        ("name", "Wan\x1b[31mjiru", "cannot be seen"),
        ("name", "Wanjiru\nKamau", "cannot be seen"),
        ("name", "Wanjiru\u202eKamau", "cannot be seen"),
        ("phone", "", "no Kenyan mobile"),
        ("phone", "0412345678", "no Kenyan mobile"),
        ("phone", "+15551234567", "no Kenyan mobile"),
        ("phone", "7.12E+08", "no Kenyan mobile"),
        ("phone", "٠٧١٢٣٤٥٦٧٨", "no Kenyan mobile"),
        ("id_number", "", "no ID number"),
        ("id_number", "123", "no ID number"),
        ("id_number", "1.23457E+07", "no ID number"),
        ("id_number", "12345678.0", "no ID number"),
        ("opening_balance", "", "no amount"),
        ("opening_balance", "1,234.50", "no amount"),
        ("opening_balance", "KES 5", "no amount"),
        ("opening_balance", "-5", "no amount"),
        ("opening_balance", "5.5", "no amount"),
        ("opening_balance", "1e3", "no amount"),
        ("opening_balance", "\u0665", "no amount"),
        ("opening_balance", "9999999999", "too large"),
        ("language", "fr", "known"),
        ("status", "asleep", "known"),
        ("mandate", "both", "known"),
        ("withdrawable", "maybe", "known"),
        ("receipts", "always", "known"),
        ("account", "A name far too long", "takes 19"),
        ("account", "€€€€€€€€€", "takes 18"),
        ("account", "貯金", "phones cannot show"),
        ("account", "+Savings", "formula"),
    ],
)
def test_a_bad_cell_is_named_with_its_cure_and_never_repeated(
    column: str, cell: str, problem: str
) -> None:
    """A list of faults is passed around; nobody's phone or ID is in it, and no formula either."""
    rows, faults = with_cell(column, cell)
    assert rows == []
    assert [(fault.line, fault.column) for fault in faults] == [(2, column)]
    assert problem in faults[0].problem
    assert faults[0].cure
    assert not cell or cell not in faults[0].problem + faults[0].cure


def test_every_fault_of_every_row_is_listed() -> None:
    rows, faults = checked("M 1,,12,x,much", GOOD, "M2,W,0712345679,1234", "M3,W,0,1234,1")
    assert [row.line for row in rows] == [3]
    assert [(fault.line, fault.column) for fault in faults] == [
        (2, "id_number"),
        (2, "member_no"),
        (2, "name"),
        (2, "opening_balance"),
        (2, "phone"),
        (4, "(row)"),
        (5, "phone"),
    ]


def test_rows_of_one_member_must_agree() -> None:
    _, faults = checked(
        GOOD + ",Savings", "M1,Wanjiru K,0712345679,12340000,1,Holiday", header=HEADER + ",account"
    )
    assert [fault.column for fault in faults] == ["id_number", "name", "phone"]
    assert all("line 2" in fault.problem for fault in faults)


def test_a_phone_or_an_account_twice_names_the_line_of_the_first() -> None:
    _, faults = checked(
        GOOD + ",Savings",
        "M2,Juma,+254712345678,1234,1,Savings",
        GOOD + ",savings",
        header=HEADER + ",account",
    )
    assert [(fault.line, fault.column) for fault in faults] == [(3, "phone"), (4, "account")]
    assert all("line 2" in fault.problem for fault in faults)


def test_a_row_with_a_fault_is_still_one_that_others_may_not_repeat() -> None:
    """Else mending the first list of faults would only bring up a second one."""
    _, faults = checked("M1,,0712345678,1234,1", "M2,Juma,0712345678,1234,1", "M1,Wanjiru,0,1235,1")
    assert [(fault.line, fault.column) for fault in faults] == [
        (2, "name"),
        (3, "phone"),
        (4, "account"),
        (4, "id_number"),
        (4, "phone"),
    ]


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("member_no,name,phone,id_number", "missing columns: 'opening_balance'"),
        (HEADER + ",pin", "unknown columns: 'pin'"),
        (HEADER + ",phone", "columns given twice: 'phone'"),
        (HEADER.replace(",", ";"), "separated by commas"),
        (HEADER + ",\x1b[2Jx", r"'\x1b[2jx'"),
    ],
)
def test_a_header_is_refused_by_the_names_in_it(header: str, says: str) -> None:
    with pytest.raises(UnreadableFile) as refused:
        checked(GOOD, header=header)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf", "missing columns"),
        (b" \r\n\r\n ", "empty"),
        (HEADER.encode(), "no rows"),
        (f"{HEADER}\n\n,,,,\n".encode(), "no rows"),
        (f"{HEADER}\nM1,Wanjir\xfa,0712345678,1234,1".encode("latin-1"), "first on line 2"),
        (f"{HEADER}\n{GOOD}".encode("utf-16"), "not UTF-8"),
        (f'{HEADER}\n{GOOD}\nM2,"W,0712,1\nM3,x'.encode(), "line 3"),
        (f'{HEADER}\nM2,"W"x,0712,1,1'.encode(), "stray or unclosed quote"),
        (f"{HEADER}\nM2,{'x' * 200_000},0712,1,1".encode(), "line 2"),
    ],
)
def test_a_file_that_cannot_be_read_says_where(data: bytes, says: str) -> None:
    with pytest.raises(UnreadableFile) as refused:
        csv_rows.read(data, row_checks.COLUMNS)
    assert says in str(refused.value)


def test_files_have_a_largest_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_rows, "ROWS_MAX", 2)
    assert len(checked(GOOD, "M2,J,0712345679,1234,0")[0]) == 2
    with pytest.raises(UnreadableFile, match="more than 2 rows"):
        checked(GOOD, GOOD, GOOD)
    monkeypatch.setattr(csv_rows, "BYTES_MAX", 10)
    with pytest.raises(UnreadableFile, match="larger than"):
        checked(GOOD)


def test_lines_are_counted_as_an_editor_does_whatever_ends_them() -> None:
    data = f"{HEADER}\r\n\r\n{GOOD}\rM2,J,0,1234,0\n\nM3,K,0,1234,0".encode()
    records, _ = csv_rows.read(data, row_checks.COLUMNS)
    assert [record.line for record in records] == [3, 4, 6]
    _, faults = row_checks.check(records)
    assert [fault.line for fault in faults] == [4, 6]


def test_quotes_carry_commas_and_quotes() -> None:
    rows, faults = checked('M1,"Kamau, ""Shiro"" Wanjiru",0712345678,1234,1')
    assert faults == []
    assert rows[0].person.name == 'Kamau, "Shiro" Wanjiru'


@given(st.binary(max_size=400))
def test_no_bytes_break_the_reader(junk: bytes) -> None:
    """Whatever the file holds, it is rows and faults, or one sentence."""
    for data in (junk, f"{HEADER}\n{GOOD}\n".encode() + junk):
        try:
            records, _ = csv_rows.read(data, row_checks.COLUMNS)
        except UnreadableFile as refused:
            assert str(refused).isprintable()  # noqa: PT017 - it is an answer, not a failure
            continue
        row_checks.check(records)


@given(st.lists(st.text(max_size=30), min_size=5, max_size=5))
def test_whatever_passes_is_safe_to_show(cells: list[str]) -> None:
    quoted = ",".join('"' + cell.replace('"', '""') + '"' for cell in cells)
    rows, _ = checked(quoted) if any(cell.strip() for cell in cells) else ([], [])
    for row in rows:
        assert row.person.name.isprintable()
        assert row.person.name[0] not in "=+-@"
        assert row.opening_cents >= 0
