"""Forms: both kinds that browsers send, always as UTF-8, and bounded whichever way they grow."""

from __future__ import annotations

import contextlib
import tracemalloc
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadkeeper.doors.forms import LONGEST_NAME, LONGEST_VALUE, MOST_FIELDS, NoForm, parse_form

URLENCODED = b"application/x-www-form-urlencoded"
MULTIPART = b"multipart/form-data; boundary=b"


def part(name: bytes, value: bytes, more: bytes = b"") -> bytes:
    return b'--b\r\nContent-Disposition: form-data; name="%b"%b\r\n\r\n%b\r\n' % (name, more, value)


def multipart(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--b--\r\n"


@pytest.mark.parametrize(
    ("kind", "body", "found"),
    [
        (URLENCODED, b"", {}),
        (URLENCODED, b"a=b", {"a": "b"}),
        (URLENCODED + b"; charset=punycode", b"a=b+c%20d&e=%C3%AB&f=&g", {"a": "b c d", "e": "ë", "f": "", "g": ""}),
        (URLENCODED, b"a=1&a=2&&", {"a": "2"}),
        (URLENCODED, b"a=b%0D%0Ac%0Ad%0De", {"a": "b\nc\nd\re"}),
        (URLENCODED, b"a=%zz%4&b=\xff&c=%ff", {"a": "%zz%4", "b": "\ufffd", "c": "\ufffd"}),
        (b"Application/X-WWW-Form-Urlencoded", b"a=b=c", {"a": "b=c"}),
        (MULTIPART, multipart(part(b"a", b"b"), part(b"c", b"d\r\ne")), {"a": "b", "c": "d\ne"}),
        (MULTIPART + b"; charset=utf-7", multipart(part(b"a", "ë+AGE-".encode())), {"a": "ë+AGE-"}),
        (MULTIPART, multipart(part(b"a", b"\r\n--"), part(b"b", b"--b")), {"a": "\n--", "b": "--b"}),
        (MULTIPART, multipart(part(b"f", b"x" * 10, b'; filename="f.txt"'), part(b"a", b"b")), {"a": "b"}),
        (MULTIPART, multipart(part(b"a%22", b"b")), {'a"': "b"}),
        (b'multipart/form-data; charset=x; boundary="b"', multipart(part(b"a", b"b")), {"a": "b"}),
        (MULTIPART, b"before\r\n" + multipart(part(b"a", b"b")) + b"after", {"a": "b"}),
    ],
)
def test_what_is_read(kind: bytes, body: bytes, found: dict[str, str]) -> None:
    assert parse_form(kind, body) == found


def test_a_file_is_kept_as_it_came_where_one_is_asked_for() -> None:
    content = b"\0\xff\xfe\xed\xa0\x80"
    body = multipart(
        part(b"f", content, b'; filename="f.csv"'), part(b"g", content, b'; filename="g"'), part(b"a", b"b")
    )
    files = {"f": b"", "a": b""}
    assert parse_form(MULTIPART, body, files=files) == {"a": "b"}
    assert files == {"f": content, "a": b""}
    with pytest.raises(NoForm):
        parse_form(MULTIPART, body, longest=3, files=files)


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        (b"", b"a=b", 415),
        (b"application/json", b"{}", 415),
        (b"multipart/form-data", b"", 415),
        (MULTIPART + b"; a=" + b"b" * 300, b"", 415),
        (b"multipart/form-data; boundary=" + b"b" * 71, b"", 415),
        (URLENCODED, b"&".join([b"a=b"] * (MOST_FIELDS + 1)), 422),
        (URLENCODED, b"a=" + b"b" * (LONGEST_VALUE + 1), 422),
        (URLENCODED, b"a" * (LONGEST_NAME + 1), 422),
        (MULTIPART, multipart(*[part(b"a", b"b")] * (MOST_FIELDS + 1)), 422),
        (MULTIPART, multipart(part(b"a", b"b" * (LONGEST_VALUE + 1))), 422),
        (MULTIPART, multipart(part(b"a" * (LONGEST_NAME + 1), b"b")), 422),
        (MULTIPART, part(b"a", b"b"), 422),
        (MULTIPART, b"", 422),
        (MULTIPART, multipart(b"--b\r\n\r\nb\r\n"), 422),
        (MULTIPART, multipart(b"--b\r\n" + b"A: b\r\n" * 1_000 + b"\r\nb\r\n"), 422),
        (MULTIPART, multipart(b"--b\r\nA: " + b"b" * 10_000 + b"\r\n\r\nb\r\n"), 422),
    ],
)
def test_what_is_refused(kind: bytes, body: bytes, status: int) -> None:
    with pytest.raises(NoForm) as refused:
        parse_form(kind, body)
    assert refused.value.status == status


FIELDS = st.dictionaries(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=8),
    st.text(st.characters(codec="utf-8"), max_size=200),
    max_size=MOST_FIELDS,
)


@given(FIELDS)
def test_what_a_client_writes_is_read_back(fields: dict[str, str]) -> None:
    entered = {name: value.replace("\r\n", "\n") for name, value in fields.items()}
    assert parse_form(URLENCODED, urlencode(fields).encode()) == entered
    parts = [part(quote(name).encode(), value.encode()) for name, value in fields.items()]
    assert parse_form(MULTIPART, multipart(*parts)) == entered


@given(st.sampled_from([URLENCODED, MULTIPART]), st.binary(max_size=500))
def test_nothing_else_is_raised(kind: bytes, body: bytes) -> None:
    with contextlib.suppress(NoForm):
        assert all(isinstance(value, str) for value in parse_form(kind, body).values())


def test_reading_takes_no_more_memory_than_a_few_times_the_form() -> None:
    body = multipart(part(b"a", b"\r\n--" * 8_000))
    tracemalloc.start()
    try:
        parse_form(MULTIPART, body)
        assert tracemalloc.get_traced_memory()[1] < 40 * len(body)
    finally:
        tracemalloc.stop()
