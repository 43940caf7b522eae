"""Our cookies, found among whatever else a browser or a stranger sends."""

from __future__ import annotations

import pytest
from starlette.responses import Response

from leadkeeper.doors.cookies import cookie


def read(*lines: bytes) -> str | None:
    return cookie({"headers": [(b"accept", b"*/*"), *((b"cookie", line) for line in lines)]}, "language")


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ((), None),
        ((b"language=pt",), "pt"),
        ((b"a=b; language=pt; c=d",), "pt"),
        ((b"a=b;language = pt ;",), "pt"),
        ((b"a=b", b"language=pt"), "pt"),
        ((b"language=pt; language=en",), "pt"),
        ((b'language="pt"',), "pt"),
        ((b"language=",), None),
        ((b"language",), None),
        ((b"=pt",), None),
        ((b"xlanguage=pt; languagex=pt; Language=pt",), None),
        ((b'language="p\\164"',), None),
        ((b"language=p t",), None),
        ((b"language=\xff",), None),
        ((b"language=" + b"a" * 4_097,), None),
        ((b"language=" + b"a" * 4_096,), "a" * 4_096),
    ],
)
def test_what_is_found(lines: tuple[bytes, ...], found: str | None) -> None:
    assert read(*lines) == found


def test_whatever_we_set_is_read_back() -> None:
    for value in ("pt", "lkt_gAAAAABp-_x.y~z+/==", "a" * 4_000):
        response = Response()
        response.set_cookie("language", value)
        sent = response.headers["set-cookie"].partition(";")[0].encode("ascii")
        assert read(sent) == value
