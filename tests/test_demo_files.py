"""Files as people have them: how `python -m sklearn_ftr --data FILE` reads each, and what it says of it."""

import codecs
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_ftr.demo import main
from sklearn_ftr.demo._cells import MISSING_MARKS
from sklearn_ftr.demo._dates import as_date, read_dates
from sklearn_ftr.demo._numbers import Evidence, read_number
from sklearn_ftr.demo._user_file import Request, UserFileError, read_user_file

N_ROWS = 60
LABELS = [str(1 + i % 5) if i % 2 else "" for i in range(N_ROWS)]
PAGE = Path(__file__).parents[1] / "docs" / "command_line.md"


def quoted(cell):
    return '"' + cell.replace('"', '""') + '"'


def table(**columns):
    """The text of a CSV file; short columns are repeated, and every cell is in quotes."""
    full = [[cells[i % len(cells)] for i in range(N_ROWS)] for cells in columns.values()]
    lines = [columns, *zip(*full, strict=True)]
    return "\n".join(",".join(map(quoted, line)) for line in lines)


@pytest.fixture
def answer(capsys, tmp_path):
    """Run the command line on a file's text or bytes; status, standard output, standard error."""

    def run(content, *arguments):
        path = tmp_path / "f.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        status = main(["--data", str(path), *arguments])
        return status, *capsys.readouterr()

    return run


@pytest.fixture
def read(tmp_path):
    """Read a file's text or bytes; `UserData`."""

    def run(content, label="y", **what):
        path = tmp_path / "f.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_user_file(Request(str(path), label, **({"features": ["x"]} | what)))

    return run


def refused(result):
    status, out, err = result
    assert status == 2
    assert "estimate" not in out
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    return err


# --- missing marks ---


@pytest.mark.parametrize("mark", sorted(MISSING_MARKS))
def test_one_missing_mark_leaves_numbers_and_labels_what_they_are(read, mark):
    numbers = [f"{i}.5" for i in range(N_ROWS - 1)]
    data = read(table(y=[f" {mark.upper()} ", *"12345"], x=[*numbers, f" {mark} "]))
    assert "x: numbers, 1 missing, from 0.5 to 58.5" in data.report
    assert "y: labels, numbers, 10 missing, from 1 to 5" in data.report
    assert np.isnan(data.y[::6]).all()
    assert np.isfinite(data.X).all()


@pytest.mark.parametrize("mark", sorted(MISSING_MARKS - {""}))
def test_every_mark_is_in_the_help_and_on_the_page(capsys, mark):
    with pytest.raises(SystemExit):
        main(["--help"])
    assert f'"{mark}"' in " ".join(capsys.readouterr().out.split())
    assert f"`{mark}`" in PAGE.read_text()


def test_marks_of_ones_own(read):
    cells = ["1", "2", "refused", "-999", "4"]
    data = read(table(y=LABELS, x=cells), missing=["Refused", "-999"])
    assert "x: numbers, 24 missing, from 1 to 4" in data.report


def test_texts_may_say_none(read):
    texts = ["None", "?", "...", "n/a", "", "good", "[deleted]"]
    arguments = {"features": (), "text": "x"}
    assert read(table(y=LABELS, x=texts), **arguments).report[-1] == "x: text, 8 missing"
    more = read(table(y=LABELS, x=texts), **arguments, missing=["[deleted]"])
    assert more.report[-1] == "x: text, 16 missing"


def test_a_missing_category_is_one_of_them(read):
    data = read(table(y=LABELS, x=["a", "b", "NA", "b", ""]))
    assert data.report[-1] == "x: 2 categories, 24 missing"
    assert data.X.shape == (N_ROWS, 3)


# --- numbers ---

NUMBERS = {
    "plain": (["5", "+3", "-2", "\u22122", " 7 "], [5, 3, -2, -2, 7]),
    "exponents": (["1e3", "1.5E-2", "2e+1"], [1000, 0.015, 20]),
    "no digit on one side": ([".5", "5.", "-.5"], [0.5, 5, -0.5]),
    "thousands": (["1,234.50", "12,345,678", "999"], [1234.5, 12345678, 999]),
    "thousands resolved by another cell": (["1,234", "0.5"], [1234, 0.5]),
    "decimals resolved by another cell": (["1,234", "0,5"], [1.234, 0.5]),
    "decimals resolved by a leading zero": (["1,234", "0,234"], [1.234, 0.234]),
    "points resolved by another cell": (["1.234", "1.234.567"], [1234, 1234567]),
    "points between commas": (["1.234", "5.678"], [1.234, 5.678]),
    "decimal comma": (["1.234,50", "3,5", "-0,25"], [1234.5, 3.5, -0.25]),
    "decimal comma, exponent": (["1,5E+03", "2,25"], [1500, 2.25]),
    "blank": (["1 234", "12 345 678", "5"], [1234, 12345678, 5]),
    "blank and decimal comma": (["1 234,5", "0,5"], [1234.5, 0.5]),
    "no-break space": (["1\u00a0234.5", "2\u00a0000.25"], [1234.5, 2000.25]),
    "narrow no-break space": (["1\u202f234,5", "2\u202f000,25"], [1234.5, 2000.25]),
    "thin space": (["1\u2009234", "5"], [1234, 5]),
    "apostrophe": (["1'234.5", "2\u2019000.25"], [1234.5, 2000.25]),
    "India": (["12,34,567.5", "5.5"], [1234567.5, 5.5]),
    "percent": (["12 %", "5.5%", "100 %"], [12, 5.5, 100]),
    "dollars": (["$ 1,200.00", "$5", "-$3.5", "$-4"], [1200, 5, -3.5, -4]),
    "euros": (["1.200,00 \u20ac", "5,5 \u20ac"], [1200, 5.5]),
    "invisible signs": (["\ufeff5", "6\u200b"], [5, 6]),
}


@pytest.mark.parametrize("case", NUMBERS)
def test_numbers(read, case):
    cells, values = NUMBERS[case]
    data = read(table(y=[*cells, ""], x=["1", "2", "3"]))
    expected = np.resize([*values, np.nan], N_ROWS)
    np.testing.assert_allclose(data.y, expected, rtol=1e-14)
    as_feature = read(table(y=LABELS, x=cells))
    assert "x: numbers" in as_feature.report[-1]
    scaled = np.resize(values, N_ROWS)
    np.testing.assert_allclose(as_feature.X[:, 0], (scaled - scaled.mean()) / scaled.std(), atol=1e-12)


@given(
    st.floats(-1e12, 1e12, allow_nan=False).map(lambda value: round(value, 2)),
    st.sampled_from([",", " ", "\u00a0", "\u202f", "'", ""]),
)
def test_a_number_written_either_way_is_read_back(value, mark):
    written = f"{value:,.2f}".replace(",", mark)
    assert read_number(written).value(".") == value
    swapped = written.translate(str.maketrans(".,", ",."))
    assert read_number(swapped).value(",") == value
    assert Evidence.of([read_number(written)]).clear == "."
    assert Evidence.of([read_number(swapped)]).clear == ","


@pytest.mark.parametrize(
    "cell",
    [
        "1,23,4",
        "1.2.3",
        "12,34.5,6",
        "1_000",
        "0x1F",
        "5-6",
        "5$%",
        "$5%",
        "+-5",
        "1e",
        "1.10.123",
        "192.168.0.1",
        "01.02.2024",
        "4/5",
        "12:30",
        "e5",
        "1'23",
        ",",
        "",
        "1 23",
        "1 ,5",
        "5 stars",
        "(5)",
        "1,234 567",
    ],
)
def test_what_is_no_number(cell):
    assert read_number(cell) is None


def test_a_number_is_not_always_one_in_both_ways():
    assert read_number("1,234.5").comma is None
    assert read_number("1.234,5").point is None
    assert read_number("0,123").point is None
    assert read_number("1234,567").point is None


AMBIGUOUS = {
    "feature": ("y,x", LABELS, ["1,234", "5,678"], "Column 'x': '1,234' in row 2 may be 1234 or 1.234"),
    "label": (
        "y,x",
        ["4.500", "3.250", ""],
        ["1", "2"],
        "Column 'y': '4.500' in row 2 may be 4.5 or 4500",
    ),
}


@pytest.mark.parametrize("case", AMBIGUOUS)
def test_what_may_be_two_numbers_is_refused(answer, case):
    _, y, x, message = AMBIGUOUS[case]
    content = table(y=y, x=x).replace('","', '";"')
    err = refused(answer(content, "--label", "y", "--features", "x"))
    assert message in err
    assert "--decimal ." in err


@pytest.mark.parametrize(("decimal", "value"), [(".", 1234), (",", 1.234)])
def test_the_decimal_sign_can_be_given(read, decimal, value):
    data = read(table(y=["1,234", "5,678", ""], x=["1", "2"]), decimal=decimal)
    assert data.y[0] == value


@pytest.mark.parametrize(("other", "value"), [("0.5", 1234), ("0,5", 1.234)])
def test_other_columns_tell_the_decimal_sign(read, other, value):
    data = read(table(y=["1,234", "5,678", ""], x=["1", "2"], another=[other, "7"]))
    assert data.y[0] == value


def test_other_columns_that_disagree_tell_nothing(read):
    content = table(y=["1,234", "5,678", ""], x=["1", "2"], one=["0.5"], other=["0,5"])
    with pytest.raises(UserFileError, match="does not tell which"):
        read(content)


NEARLY_NUMBERS = {
    "a word": ("call us", "59 cells can be read as numbers"),
    "another decimal sign": ("1,5", "59 cells can be read as numbers with a decimal point"),
    "a unit": ("12 %", "59 cells can be read as numbers"),
    "a date": ("2024-12-31", "59 cells can be read as numbers"),
    "two numbers": ("3-4", "59 cells can be read as numbers"),
}


@pytest.mark.parametrize("case", NEARLY_NUMBERS)
def test_a_column_of_numbers_with_something_else_is_refused(answer, case):
    cell, message = NEARLY_NUMBERS[case]
    numbers = [f"{i}.25" for i in range(N_ROWS)]
    numbers[7] = cell
    err = refused(answer(table(y=LABELS, x=numbers), "--label", "y", "--features", "x"))
    assert message in err
    assert f"1 is not; the first is {cell!r} in row 9" in err


def test_with_the_wrong_decimal_sign_nothing_becomes_categories(answer):
    content = table(y=LABELS, x=[f"{i}.25" for i in range(N_ROWS)])
    err = refused(answer(content, "--label", "y", "--features", "x", "--decimal", ","))
    assert "0 cells can be read as numbers with a decimal comma, 60 are not" in err


def test_such_a_column_can_be_read_in_two_other_ways(answer):
    content = table(y=LABELS, x=["1", "2", "3", "3+"])
    refused(answer(content, "--label", "y", "--features", "x"))
    status, out, _ = answer(content, "--label", "y", "--features", "x", "--missing", "3+")
    assert status == 0
    assert "x: numbers, 15 missing, from 1 to 3" in out
    status, out, _ = answer(content, "--label", "y", "--categories", "x")
    assert status == 0
    assert "x: 4 categories" in out


def test_a_few_numbers_among_categories_are_told(read):
    assert (
        read(table(y=LABELS, x=["S", "M", "38"])).report[-1] == "x: 3 categories, numbers in 20 cells"
    )


@pytest.mark.parametrize("cell", ["inf", "-Infinity", "\u221e", "1e999", "1e200"])
def test_infinity_is_missing_in_features_and_refused_as_label(read, cell):
    data = read(table(y=LABELS, x=["1", "2", cell]))
    assert data.report[-1] == "x: numbers, 20 infinite, taken as missing, from 1 to 2"
    assert np.isfinite(data.X).all()
    with pytest.raises(UserFileError, match=r"row 4: the label .* is not a number"):
        read(table(y=["1", "2", cell], x=["1", "2"]))


def test_the_unit_of_a_feature_does_not_matter(read):
    numbers = np.arange(1, 8) ** 2
    one, other = (
        read(table(y=LABELS, x=[repr(float(n * scale)) for n in numbers])).X for scale in (1e-9, 1e9)
    )
    np.testing.assert_allclose(one, other, atol=1e-12)


# --- other columns ---

COLUMNS = {
    "one category": (["a"], "x: left out, every cell is 'a'"),
    "one number": (["5"], "x: left out, every cell is '5'"),
    "nothing": (["", "NA"], "x: left out, all 60 cells are missing"),
    "nothing finite": (["inf", "-inf"], "x: left out, no cell is a finite number"),
    "identifiers": (
        [f"u{i}" for i in range(N_ROWS)],
        "x: left out, 60 different values in 60 cells, so that nothing recurs (texts are read with --text)",
    ),
}


@pytest.mark.parametrize("case", COLUMNS)
def test_columns_of_which_nothing_can_be_learned(answer, case):
    cells, message = COLUMNS[case]
    content = table(y=LABELS, x=cells, z=["1", "2", "4"])
    status, out, _ = answer(content, "--label", "y", "--features", "x,z")
    assert status == 0
    assert f"  {message}\n  z: numbers, from 1 to 4\n" in out
    err = refused(answer(content, "--label", "y", "--features", "x"))
    assert message in err


def test_thousands_of_categories():
    from sklearn_ftr.demo._columns import Column, read_categories

    many = read_categories(Column("x", [f"u{i % 1000}" for i in range(3_000)]))
    assert many.description == "x: 1,000 categories, the 49 most frequent kept apart"
    too_many = read_categories(Column("x", [f"u{i % 2000}" for i in range(3_000)]))
    assert too_many.description.startswith("x: left out, 2,000 different values in 3,000 cells")


DATES = {
    "ISO": (
        ["2024-01-31", "2023-12-01"],
        "dates, written year-month-day, from 2023-12-01 to 2024-01-31",
    ),
    "ISO with times": (
        ["2024-01-31T07:30:00Z", "2023-12-01 23:59:59.5"],
        "dates, written year-month-day, from 2023-12-01 to 2024-01-31",
    ),
    "Europe": (
        ["31.01.2024", "01.12.2023"],
        "dates, written day-month-year, from 2023-12-01 to 2024-01-31",
    ),
    "America": (
        ["1/31/2024", "12/1/2023 7:30"],
        "dates, written month-day-year, from 2023-12-01 to 2024-01-31",
    ),
    "with gaps": (
        ["2024-01-31", "", "2023-12-01"],
        "dates, 20 missing, written year-month-day, from 2023-12-01 to 2024-01-31",
    ),
    "the same either way": (
        ["05/05/2024", "06/06/2024"],
        "dates, written day-month-year, from 2024-05-05 to 2024-06-06",
    ),
    "two digits of a year": (["05/05/24", "06/06/24"], "2 categories"),
    "no dates": (["2024-13-01", "2024-02-30"], "2 categories"),
}


@pytest.mark.parametrize("case", DATES)
def test_dates(read, case):
    cells, description = DATES[case]
    data = read(table(y=LABELS, x=cells))
    assert data.report[-1] == f"x: {description}"
    assert np.isfinite(data.X).all()


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (
            ["03/04/2024", "05/06/2024"],
            "'03/04/2024' in row 2, in which day and month cannot be told apart",
        ),
        (
            ["2024-01-31", "2024-02-01", "soon"],
            "40 cells can be read as dates, 20 cannot; the first is 'soon' in row 4",
        ),
    ],
)
def test_dates_that_cannot_be_read(answer, cells, message):
    assert message in refused(answer(table(y=LABELS, x=cells), "--label", "y", "--features", "x"))


def test_days_are_counted_from_1970():
    assert read_dates(["1970-01-02", "1970-01-01T12:00:00+12:00", "x"], "year-month-day") == [
        1,
        0,
        None,
    ]
    for cell in ("0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00", "1969-12-31"):
        (days,) = read_dates([cell], "year-month-day")
        assert as_date(days) == cell[:10]


# --- labels ---

LABEL_WORDS = {
    "yes/no": (["yes", "no", ""], "y: labels, 0/1 from yes/no (yes = 1, no = 0), 20 missing"),
    "True/False": (
        ["True", "FALSE", "NaN"],
        "y: labels, 0/1 from true/false (true = 1, false = 0), 20 missing",
    ),
    "y/n": (["Y", "n", "?"], "y: labels, 0/1 from y/n (y = 1, n = 0), 20 missing"),
    "t/f": (["t", "f", "None"], "y: labels, 0/1 from t/f (t = 1, f = 0), 20 missing"),
    "on/off": (["on", "off", "-"], "y: labels, 0/1 from on/off (on = 1, off = 0), 20 missing"),
    "Excel in German": (["WAHR", "FALSCH", "#NV"], None),
    "two ways to say it": (["Yes", "n", ""], "y: labels, 0/1 from yes/n (yes = 1, n = 0), 20 missing"),
}


@pytest.mark.parametrize("case", LABEL_WORDS)
def test_labels_in_words(read, case):
    cells, description = LABEL_WORDS[case]
    data = read(table(y=cells, x=["1", "2"]), missing=["#NV"])
    assert description is None or description in data.report
    np.testing.assert_array_equal(data.y[:3], [1, 0, np.nan])


BAD_LABELS = {
    "a number among words": (
        ["yes", "no", "3"],
        "label '3' in row 4 is neither yes nor no, as 40 other labels are",
    ),
    "1 among words": (["yes", "no", "1"], "label '1' in row 4 is neither yes nor no"),
    "a word among numbers": (
        ["4", "5", "yes"],
        "row 4: the label 'yes' in column 'y' is not a number (nor are 19 others)",
    ),
    "half and half": (["4", "yes"], "row 3: the label 'yes' in column 'y' is not a number"),
    "another word": (["yes", "no", "perhaps"], "label 'perhaps' in row 4 is neither yes nor no"),
    "categories": (["good", "bad"], "row 2: the label 'good' in column 'y' is not a number"),
    "words after numbers": (
        ["4 stars", "5 stars"],
        "row 2: the label '4 stars' in column 'y' is not a number",
    ),
    "fractions": (["4/5", "3/5"], "row 2: the label '4/5'"),
    "two decimal signs": (
        ["1.5", "2.5", "3,5"],
        "row 4: the label '3,5' in column 'y' is not a number with a decimal point",
    ),
    "two units": (["12 %", "14 %", "0.13"], "row 4: the label '0.13' in column 'y' is not a number"),
    "constant": (["3", ""], "all 30 labels are 3; labels that do not vary give no interval"),
    "constant words": (["yes", ""], "all 30 labels are 1"),
    "a long one": (["1", "2", "x" * 500 + "\n" + "y"], "xxx...' in column 'y'"),
}


@pytest.mark.parametrize("case", BAD_LABELS)
def test_labels_that_are_refused(answer, case):
    cells, message = BAD_LABELS[case]
    assert message in refused(answer(table(y=cells, x=["1", "2"]), "--label", "y", "--features", "x"))


# --- the file ---

PLAIN = "y;x;\u00e4 b\n" + "\n".join(f"{y};{i % 7},5;\u00e9" for i, y in enumerate(LABELS))
AS_BYTES = {
    "UTF-8": (PLAIN.encode(), "UTF-8"),
    "UTF-8 with mark": (PLAIN.encode("utf-8-sig"), "UTF-8"),
    "UTF-16": (PLAIN.encode("utf-16"), "UTF-16"),
    "UTF-16, big end first": (codecs.BOM_UTF16_BE + PLAIN.encode("utf-16-be"), "UTF-16"),
    "UTF-16 without mark": (PLAIN.encode("utf-16-le"), "UTF-16"),
    "UTF-16 without mark, big end first": (PLAIN.encode("utf-16-be"), "UTF-16"),
    "UTF-32": (PLAIN.encode("utf-32"), "UTF-32"),
    "Windows-1252": (PLAIN.encode("cp1252"), "Windows-1252, since it is not UTF-8"),
    "Windows line ends": (PLAIN.replace("\n", "\r\n").encode(), "UTF-8"),
    "old Mac line ends": (PLAIN.replace("\n", "\r").encode(), "UTF-8"),
}


@pytest.mark.parametrize("case", AS_BYTES)
def test_encodings_are_recognized(read, case):
    content, name = AS_BYTES[case]
    data = read(content, features=["x", "\u00e4 b"])
    assert (
        f"60 rows, 30 with a label in 'y' ({name}; columns separated by semicolons)" in data.report[0]
    )
    assert data.report[2:] == [
        "x: numbers, decimal comma, from 0.5 to 6.5",
        "\u00e4 b: left out, every cell is '\u00e9'",
    ]


def test_an_encoding_can_be_given(answer):
    content = PLAIN.replace("\u00e9", "\u0434").encode("cp1251", errors="replace")
    status, out, _ = answer(content, "--label", "y", "--features", "x", "--encoding", "cp1251")
    assert status == 0
    assert "(cp1251; columns" in out
    assert "is not ascii text (line 2)" in refused(
        answer(content, "--label", "y", "--features", "x", "--encoding", "ascii")
    )


NO_TEXT = {
    "NUL": (b"y,x\n1,2\n\0,3\n", "line 3: a NUL byte"),
    "workbook": (b"PK\x03\x04 something", "is an Excel workbook or a zip archive; export"),
    "gzip": (b"\x1f\x8b\x08 something", "is compressed by gzip"),
    "damaged UTF-8": ("y,x\né,ü\né,".encode() + b"\xff\n", "is UTF-8 but for line 3"),
    "no encoding at all": (b"y,x\n\x81\x8d,\x90\n", "is not UTF-8 text, nor Windows-1252 (line 2)"),
    "blank": (b" \n\r\n\t ", "is empty or not a CSV file"),
    "a mark only": (codecs.BOM_UTF8, "is empty or not a CSV file"),
    "delimiters only": (b",,\n,,\n", "is empty or not a CSV file"),
    "open quote": (b'y,x\n1,2\n3,"4\n5,6\n', "line 3: a cell begins with a quote that is not closed"),
}


@pytest.mark.parametrize("case", NO_TEXT)
def test_files_that_are_no_delimited_text(answer, case):
    content, message = NO_TEXT[case]
    assert message in refused(answer(content, "--label", "y", "--features", "x"))


@pytest.mark.parametrize("name", ["", "nothing.csv", "\0"])
def test_files_that_are_not_there(read, name):
    with pytest.raises(UserFileError, match=r"cannot be opened: .*\."):
        read_user_file(Request(name, "y", features=["x"]))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize(
    "header", ["y,x,z", "z,x,y", ' y ,"x",', "y,x,", ",y,x", "\ufeffy,x,z", '"y","x","p;q|r\tt"']
)
def test_delimiters_and_headers(read, delimiter, header):
    lines = [header, *(f"{y or 3 + i % 2},{i % 7},{y or 3 + i % 2}" for i, y in enumerate(LABELS))]
    data = read("\n".join(lines).replace(",", delimiter), label=" y ")
    assert data.X.shape == (N_ROWS, 1)
    assert np.ptp(data.y) > 0


@pytest.mark.parametrize(("sign", "name", "shown"), [(":", ":", "':'"), (" ", "space", "' '")])
def test_a_delimiter_can_be_given(answer, sign, name, shown):
    content = "\n".join(["y:x", *(f"{y}:{i % 7}" for i, y in enumerate(LABELS))]).replace(":", sign)
    columns = ("--label", "y", "--features", "x")
    assert "Is another --delimiter needed?" in refused(answer(content, *columns))
    status, out, _ = answer(content, *columns, "--delimiter", name)
    assert status == 0
    assert f"columns separated by {shown}" in out


def test_the_hint_of_excel(read):
    lines = ["sep=;", "y;x", *(f"{y};{i % 7},5" for i, y in enumerate(LABELS))]
    assert "separated by semicolons" in read("\r\n".join(lines)).report[0]


WAYS_TO_QUOTE = {
    "twice": ('"a ""quoted"", word"', ",", 'a "quoted", word'),
    "backslash": ('"a \\"quoted\\", word"', ",", 'a "quoted", word'),
    "between tabs none": ('"a quoted word', "\t", '"a quoted word'),
    "after a blank": (' "one, two"', ",", "one, two"),
    "over two lines": ('"one\ntwo"', ",", "one\ntwo"),
    "within": ('5" pipe', ",", '5" pipe'),
}


@pytest.mark.parametrize("case", WAYS_TO_QUOTE)
def test_quotes(read, case):
    cell, delimiter, value = WAYS_TO_QUOTE[case]
    lines = [("y", "x"), *((y, cell if i else "other") for i, y in enumerate(LABELS))]
    data = read("\n".join(map(delimiter.join, lines)))
    assert data.report[-1] == "x: 2 categories"
    constant = read(
        "\n".join(
            [
                delimiter.join("yxz"),
                *(delimiter.join((y, cell, f"{i % 3}")) for i, y in enumerate(LABELS)),
            ]
        ),
        features=["x,z"],
    )
    assert constant.report[2] == f"x: left out, every cell is {value!r}"


def test_long_cells(read):
    content = table(y=LABELS, x=["long text " * 15_000, *["short text", "short word"] * N_ROWS])
    assert read(content, features=(), text="x").X.shape[0] == N_ROWS


ROWS = {
    "blank rows": (
        "{}\n\n,,\n , \n",
        "60 rows, 30 with a label in 'y' (UTF-8; columns separated by commas; 3 blank rows left out)",
    ),
    "blank rows first": ("\n\n{}", "60 rows, 30 with"),
    "an empty line": (
        "{}\n\n5,6",
        "61 rows, 31 with a label in 'y' (UTF-8; columns separated by commas; 1 blank row left out)",
    ),
    "blank cells between": (
        "{}\n,\n5,6",
        "62 rows, 31 with a label in 'y' (UTF-8; columns separated by commas)",
    ),
    "blank cells beyond": ("{}\n5,6,,,", "61 rows, 31 with"),
}


@pytest.mark.parametrize("case", ROWS)
def test_rows(read, case):
    frame, message = ROWS[case]
    plain = "y,x\n" + "\n".join(f"{y},{i % 7}" for i, y in enumerate(LABELS))
    assert message in read(frame.format(plain)).report[0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("y,x,z\n1,2,3\n\n1,2\n", "row 4: 2 cells under 3 columns"),
        ("y,x\n1,2\n1,2,5\n", "row 3: 3 cells under 2 columns"),
        ("y,x\n", "has no label in any of its 0 rows"),
        ("y,x,y\n1,2,3\n", "two columns of the same name, 'y'"),
        ("Y,x\n1,2\n", "has no column 'y'; its columns are: Y, x. Did you mean 'Y'?"),
        (",".join(f"column {i}" for i in range(50)), "column 19 and 30 more"),
    ],
)
def test_rows_and_headers_that_are_refused(answer, content, message):
    assert message in refused(answer(content, "--label", "y", "--features", "x"))


def test_names_twice_that_nobody_asks_for(read):
    read("y,x,z,z,,\n" + "\n".join(f"{y},{i % 7},1,2,," for i, y in enumerate(LABELS)))


NAMES = [
    ["a b,net, gross"],
    ["--features", "a b", "--features", "net, gross"],
    ["--features", "a b", "net, gross"],
    ["--features", 'a b,"net, gross"'],
    ["--features", '"net, gross", a b ,,', "a b"],
    ["--features", "a b", "--categories", "net, gross"],
]


@pytest.mark.parametrize("arguments", NAMES[1:])
def test_names_with_commas(answer, arguments):
    content = table(y=LABELS, **{"net, gross": ["1", "2", "4"], " a\n b ": ["1", "2"]})
    status, out, _ = answer(content, "--label", "y", *arguments)
    assert status == 0
    assert "  net, gross: " in out
    assert out.count("  a b: numbers") == 1


def test_names_with_accents_written_in_two_ways(read):
    read(table(y=LABELS, café=["1", "2"]), features=["caf\u00e9"])


# --- the answer ---


def test_the_verdict_is_of_the_last_row(answer, rng):
    x = rng.normal(size=N_ROWS * 3)
    y = [f"{value + rng.normal() / 2:.3f}" if i % 2 else "" for i, value in enumerate(x)]
    content = "y,x,k\n" + "\n".join(
        f"{b},{a * 1e-6:.9f},{i % 3}" for i, (a, b) in enumerate(zip(x, y, strict=True))
    )
    _, out, _ = answer(content, "--label", "y", "--features", "x", "--categories", "k")
    efficiency = re.search(r"^cross-fitting .*\] +(\d+\.\d\d)$", out, re.M).group(1)
    assert float(efficiency) > 1.2
    assert f"Cross-fitting with ridge regression: Each label counts {efficiency} times" in out


def test_warnings_are_one_line(answer):
    labels = [f"{i % 5}e-200" if i % 2 else "" for i in range(N_ROWS)]
    status, _, err = answer(table(y=labels, x=["1", "2", "4"]), "--label", "y", "--features", "x")
    assert status == 0
    assert all(line.startswith("warning: ") for line in err.splitlines())


def test_names_that_the_terminal_cannot_print(answer, monkeypatch):
    import io
    import sys

    ascii_only = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", ascii_only)
    status, _, _ = answer(table(y=LABELS, ä=["1", "2"]), "--label", "y", "--features", "\u00e4")
    assert status == 0
    ascii_only.seek(0)
    assert "  \\xe4: numbers" in ascii_only.read()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seed", "-1"], "argument --seed: -1 is out of range"),
        (["--seed", "4294967296"], "argument --seed: 4294967296 is out of range"),
        (["--seed", "1.5"], "'1.5' is not a whole number"),
        (["--labels", "-5"], "--labels must be between 10"),
        (["--labels", "ten"], "'ten' is not a whole number"),
        (["--draws", "0"], "--draws at least 2"),
        (["--draws", "1000000000000"], "--draws at least 2 and at most 1,000,000"),
        (["--decimal", ";"], "';' is no decimal sign"),
        (["--delimiter", ";;"], "';;' cannot separate columns"),
        (["--delimiter", '"'], "cannot separate columns"),
        (["--encoding", "klingon"], "'klingon' is no encoding"),
        (["--encoding", "hex"], "'hex' is no encoding"),
        (["--decimal", ","], "--decimal needs --data FILE"),
        (["--data", "", "--label", "y", "--text", "x"], "expected the name of a file"),
        (["--data", "f", "--label", " ", "--text", "x"], "--data needs --label COLUMN"),
        (["--data", "f", "--label", "y", "--features", ", ,"], "--data needs --label COLUMN"),
        (
            ["--data", "f", "--label", "y", "--text", "x", "--categories", "z"],
            "--categories: not allowed",
        ),
        (
            ["--data", "f", "--label", "y", "--text", "x", "--labels", "50"],
            "--labels and --draws belong to the demo",
        ),
    ],
)
def test_arguments_out_of_range(capsys, arguments, message):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


def test_names_of_signs(read, answer):
    content = "y\tx\n" + "\n".join(f"{y}\t{i % 7},5" for i, y in enumerate(LABELS))
    status, _, _ = answer(
        content, "--label", "y", "--features", "x", "--delimiter", "tab", "--decimal", "comma"
    )
    assert status == 0


@pytest.mark.parametrize(
    ("error", "status"), [(KeyboardInterrupt, 130), (BrokenPipeError, 0), (ValueError("no\nway"), 2)]
)
def test_what_ends_the_program(answer, monkeypatch, error, status):
    import sys

    from sklearn_ftr.demo import _command_line

    def stopped(*_):
        raise error

    monkeypatch.setattr(sys, "stdout", sys.stdout)
    monkeypatch.setattr(_command_line, "compare", stopped)
    assert answer(table(y=LABELS, x=["1", "2"]), "--label", "y", "--features", "x")[0] == status
    if error is BrokenPipeError:
        sys.stdout.close()  # what took its place
