"""Reads forms: as UTF-8 whatever they claim, and only after their size, fields and kind are known to be bearable."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final
from urllib.parse import unquote_to_bytes

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser
from starlette.exceptions import HTTPException
from starlette.requests import Request

from leadkeeper.doors.web import MAX_BODY, read_body
from leadkeeper.problem import Problem

MOST_FIELDS: Final = 40
LONGEST_NAME: Final = 100
LONGEST_VALUE: Final = 32_768
"""Bytes of one value as it is sent, escapes and all."""
URLENCODED: Final = b"application/x-www-form-urlencoded"
_MULTIPART: Final = b"multipart/form-data"
_LONGEST_TYPE: Final = 256
_BOUNDARY: Final = re.compile(
    rb';\s*boundary=(?:"([0-9A-Za-z\'()+_,./:=? -]{1,70})"|([0-9A-Za-z\'+_.-]{1,70}))\s*(?:;|$)', re.I
)
_NAME: Final = re.compile(rb';\s*name="([^"\r\n]{0,100})"')
_FILE: Final = re.compile(rb";\s*filename")
_READ: Final = "leadkeeper.form"
_FILES: Final = "leadkeeper.form.files"


class NoForm(ValueError):
    """What came is no form, or no form of ours; ``status`` is the HTTP status that says so."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


async def sent_form(
    request: Request,
    most: int = MOST_FIELDS,
    *,
    longest: int = LONGEST_VALUE,
    body: int = MAX_BODY,
    files: Collection[str] = (),
) -> dict[str, str]:
    """The fields of the form that ``request`` carries, of several with one name the last; read once, kept with it.

    Each line of a value ends in one character, as it was counted where it was entered.
    Raises ``HTTPException``: 413 for more than ``body`` bytes, 415 for what says that it is no form, 422 for too
    many or too long fields (``most`` of ``longest`` bytes are not), and for what cannot be read. Files in the fields
    ``files`` are kept as they came, since their reader knows what they are: :func:`sent_file` has them. Others are
    passed over.
    """
    found: dict[str, str] | None = request.scope.get(_READ)
    if found is not None:
        return found
    kind = request.headers.get("content-type", "").encode("latin-1")
    try:
        length = request.headers.get("content-length", "0")
        if not (length.isdecimal() and len(length) < 10 and int(length) <= body):
            raise NoForm(413)
        sent, chosen = await read_body(request.receive, body), dict.fromkeys(files, b"")
        found = parse_form(kind, sent, most, longest, files=chosen)
    except NoForm as error:
        raise HTTPException(error.status) from None
    except Problem as problem:
        raise HTTPException(problem.status) from None
    request.scope[_READ], request.scope[_FILES] = found, chosen
    return found


def sent_file(request: Request, name: str) -> bytes:
    """The file in a field of the form that was read with its name among ``files``; empty where none was chosen."""
    found: dict[str, bytes] = request.scope.get(_FILES, {})
    return found.get(name, b"")


def parse_form(
    content_type: bytes,
    body: bytes,
    most: int = MOST_FIELDS,
    longest: int = LONGEST_VALUE,
    *,
    files: dict[str, bytes] | None = None,
) -> dict[str, str]:
    """The fields of a form. A file in a field that ``files`` names is put there.

    Raises :class:`NoForm`. Pure, and linear in the length of ``body``.
    """
    if len(content_type) > _LONGEST_TYPE:
        raise NoForm(415)
    kind = content_type.partition(b";")[0].strip().lower()
    if kind == URLENCODED:
        return parse_urlencoded(body, most, longest)
    boundary = _BOUNDARY.search(content_type) if kind == _MULTIPART else None
    if boundary is None:
        raise NoForm(415)
    return _parse_multipart(body, boundary[1] or boundary[2], most, _Parts(longest, {} if files is None else files))


def parse_urlencoded(body: bytes, most: int = MOST_FIELDS, longest: int = LONGEST_VALUE) -> dict[str, str]:
    """The fields of an urlencoded form. Raises :class:`NoForm`."""
    pairs = body.split(b"&", most)
    if len(pairs) > most:
        raise NoForm(422)
    found: dict[str, str] = {}
    for pair in pairs:
        name, _, value = pair.partition(b"=")
        if len(name) > LONGEST_NAME or len(value) > longest:
            raise NoForm(422)
        if pair:
            found[_unescaped(name)] = _entered(_unescaped(value))
    return found


def _unescaped(sent: bytes) -> str:
    return unquote_to_bytes(sent.replace(b"+", b" ")).decode("utf-8", "replace")


def _entered(value: str) -> str:
    """What somebody entered: browsers count the end of a line as one character, and send two."""
    return value.replace("\r\n", "\n")


def _parse_multipart(body: bytes, boundary: bytes, most: int, parts: _Parts) -> dict[str, str]:
    if body.count(b"--" + boundary) > most + 1:
        raise NoForm(422)
    callbacks = {
        "on_part_begin": parts.begin,
        "on_header_field": parts.header_name,
        "on_header_value": parts.header_value,
        "on_header_end": parts.header_end,
        "on_part_data": parts.data,
        "on_part_end": parts.end,
    }
    # Before the first boundary and behind the last one the parser goes byte by byte: nothing is there in a form.
    start, stop = body.find(b"--" + boundary), body.rfind(b"--" + boundary + b"--")
    if start < 0 or stop < 0:
        raise NoForm(422)
    try:
        parser = MultipartParser(boundary, callbacks)  # type: ignore[arg-type]
        parser.write(body[start : stop + len(boundary) + 4])
        parser.finalize()
    except FormParserError:
        raise NoForm(422) from None
    return parts.found


class _Parts:
    """What the parser tells of a form's parts."""

    def __init__(self, longest: int, files: dict[str, bytes]) -> None:
        self._longest = longest
        self._files = files
        self.found: dict[str, str] = {}
        self._name = b""
        self._disposition = b""
        self._data = bytearray()
        self._header = (bytearray(), bytearray())

    def begin(self) -> None:
        self._disposition, self._data = b"", bytearray()
        self._header = (bytearray(), bytearray())

    def header_name(self, data: bytes, start: int, end: int) -> None:
        self._header[0].extend(data[start:end])

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._header[1].extend(data[start:end])

    def header_end(self) -> None:
        name, value = self._header
        if name.lower() == b"content-disposition":
            self._disposition = bytes(value)
        self._header = (bytearray(), bytearray())

    def data(self, data: bytes, start: int, end: int) -> None:
        self._data.extend(data[start:end])
        if len(self._data) > self._longest:
            raise NoForm(422)

    def end(self) -> None:
        name = _NAME.search(self._disposition)
        if name is None:
            raise NoForm(422)
        field, is_file = _escaped(name[1]), _FILE.search(self._disposition) is not None
        if not is_file:
            self.found[field] = _entered(self._data.decode("utf-8", "replace"))
        elif field in self._files:
            self._files[field] = bytes(self._data)


def _escaped(name: bytes) -> str:
    """As browsers write a name: quotes and line breaks as ``%22``, ``%0D``, ``%0A``."""
    return unquote_to_bytes(name).decode("utf-8", "replace") if b"%" in name else name.decode("utf-8", "replace")
