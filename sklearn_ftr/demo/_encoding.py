"""From the bytes of a file to its text: UTF-8, UTF-16 and Windows-1252 are recognized, others can be given."""

from __future__ import annotations

import codecs

from sklearn_ftr.demo._cells import UserFileError

# UTF-32 comes first: its mark begins with that of UTF-16.
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NAMES = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "utf-32": "UTF-32",
    "cp1252": "Windows-1252, since it is not UTF-8",
}
_TRIED = {
    "utf-16": "UTF-8 text, nor UTF-16, as its first bytes say",
    "utf-32": "UTF-8 text, nor UTF-32, as its first bytes say",
    "cp1252": "UTF-8 text, nor Windows-1252",
}
_OTHER_FILES = (
    (b"PK\x03\x04", "an Excel workbook or a zip archive"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"\x1f\x8b", "compressed by gzip"),
    (b"PAR1", "a Parquet file"),
)


def decode(data: bytes, encoding: str | None, path: str) -> tuple[str, str]:
    """The text, and what its encoding is called in the report."""
    for magic, kind in _OTHER_FILES:
        if data.startswith(magic):
            raise UserFileError(f"{path} is {kind}; export or unpack it as delimited text (CSV).")
    found = encoding or _recognized(data, path)
    try:
        text = data.decode(found)
    except UnicodeError as error:
        tried = f"{encoding} text" if encoding else _TRIED.get(found, "UTF-8 text")
        raise UserFileError(_undecodable(path, tried, data, error)) from error
    _refuse_nul(text, path)
    name = _NAMES.get(found, found) if encoding is None else encoding
    return text.removeprefix("\ufeff"), name


def _recognized(data: bytes, path: str) -> str:
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return encoding
    if b"\0" in data and (wide := _utf_16_without_mark(data)):
        return wide
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        _refuse_broken_utf_8(data, error, path)
        return "cp1252"
    return "utf-8"


def _utf_16_without_mark(data: bytes) -> str | None:
    """UTF-16 shows in commas and digits, where every other byte is NUL, and in line ends, which come out whole."""
    first, second = data[::2].count(0), data[1::2].count(0)
    if min(first, second) or 20 * max(first, second) < len(data):
        return None
    encoding = "utf-16-be" if first else "utf-16-le"
    line_ends = data.decode(encoding, errors="replace").count("\n")
    return encoding if 2 * line_ends > data.count(b"\n") else None


def _refuse_broken_utf_8(data: bytes, error: UnicodeDecodeError, path: str) -> None:
    """Raise if most characters beyond ASCII are UTF-8, so that the others are damage and not another encoding."""
    text = data.decode("utf-8", errors="replace")
    n_broken = text.count("\ufffd")
    n_good = sum(character > "\x7f" for character in text) - n_broken
    if n_good > n_broken:
        raise UserFileError(
            f"{path} is UTF-8 but for line {_line(data, error.start)}; repair that line, or pass --encoding."
        )


def _undecodable(path: str, tried: str, data: bytes, error: UnicodeError) -> str:
    where = f" (line {_line(data, error.start)})" if isinstance(error, UnicodeDecodeError) else ""
    return f"{path} is not {tried}{where}; name its encoding with --encoding, or save it in UTF-8."


def _refuse_nul(text: str, path: str) -> None:
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise UserFileError(
            f"{path}, line {line}: a NUL byte, which no delimited text holds; save it again as CSV in UTF-8, or name its "
            "encoding with --encoding."
        )


def _line(data: bytes, position: int) -> int:
    return data.count(b"\n", 0, position) + 1
