"""Cells that a spreadsheet may safely open, and the text of what it saved. Pure."""

from __future__ import annotations

import codecs
import re
from typing import Final

FORMULA_SIGNS: Final = "=+\\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u2212"
"""What a spreadsheet takes for the beginning of a formula, in any width, as a class of regular expressions."""

_NUMBER: Final = re.compile(r"[+-][0-9]+( [0-9]+)*")
"""A number with a sign, or groups of digits such as a telephone number's: nothing calculates that."""
_BEGINNING: Final = re.compile(
    # Where a cell begins, whatever stands between cells; spaces, quotes and invisible characters are passed over, and
    # so are the ends of empty cells: what one match has passed over, no other looks at again.
    rf"(?:^|[,;|\t\r\n])[\s\",;|\u200b-\u200f\u2060\ufeff]*+(?P<sign>[{FORMULA_SIGNS}])?"
)


_UTF_16_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_WORKBOOKS: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
"""How workbooks begin: a ZIP archive, or an older spreadsheet's compound file."""


def cell(value: str) -> str:
    """``value`` as a spreadsheet may safely open it: an apostrophe goes before what it would take for a formula.

    That is decided by what may become a cell: spreadsheets of many lands take a semicolon or a tab for the end of one,
    and some pass over quotes. ``+44 20 7946 0958`` stays as it is, ``+44-20-7946-0958`` would be a sum. Unpaired
    surrogates become ``?``.
    """
    text = value.encode("utf-8", "replace").decode()
    if _NUMBER.fullmatch(text):
        return text
    return _BEGINNING.sub(lambda found: found[0] if found["sign"] is None else f"{found[0][:-1]}'{found['sign']}", text)


def is_workbook(content: bytes) -> bool:
    """Whether it is a spreadsheet's own file rather than a table saved as text."""
    return content.startswith(_WORKBOOKS)


def text_of_file(content: bytes) -> str:
    """A spreadsheet saves its tables in UTF-8, with a byte order mark or without, or in its system's own code page.

    What it calls Unicode text is UTF-16 with a byte order mark.
    """
    if content.startswith(_UTF_16_MARKS):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")
