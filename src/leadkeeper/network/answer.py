"""Reading an HTTP answer for a diagnosis: what it says, without what is private in it."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final, NamedTuple
from urllib.parse import unquote

from yarl import URL

from leadkeeper.diagnosis import AnyKind, Kind, masked
from leadkeeper.lead import OutgoingLead

LONGEST_WAIT: Final = 86_400.0
"""The most seconds that a ``Retry-After`` is believed."""

ABOUT_THE_LEAD: Final = frozenset({400, 415, 422})
"""The statuses of a refusal that one lead can be the cause of, besides 413; any other is about the request as such."""

_READ: Final = 4_096
_SHARED: Final = 8
_TELLING: Final = 6
"""From how many letters on a word is more likely the customer's than a part of another."""
_UNSPACED: Final = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\U0003ffff]")
"""Scripts that put no spaces between words."""
_SECONDS: Final = re.compile(r"[0-9]{1,10}")
_CODE: Final = re.compile(r"[A-Za-z0-9_.:-]{1,80}")
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9_.:/=-]{1,128}")
_ESCAPED: Final = re.compile(r"\\u([0-9a-fA-F]{4})")
_TITLE: Final = re.compile(r"<title[^>]*>([^<]{1,200})", re.I)
_WORDS: Final = ("message", "detail", "error_description", "title", "value", "Message")


class RemoteMessage(NamedTuple):
    """What an error answer says: its code if it has one, and its words; neither is masked yet."""

    code: str | None
    text: str


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """The seconds that ``Retry-After`` asks for, given as seconds or as a date: between 1 and :data:`LONGEST_WAIT`.

    ``None`` when the header is missing or says nothing that can be understood.
    """
    text = headers.get("Retry-After", "").strip()
    if _SECONDS.fullmatch(text):
        seconds = float(text)
    else:
        try:
            moment = parsedate_to_datetime(text)
            seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now
        except (ValueError, OverflowError):
            return None
    return min(max(seconds, 1.0), LONGEST_WAIT)


def kind_of_status(status: int) -> AnyKind:
    """What a status that is no success means where a system's own table does not say: never more than is known."""
    match status // 100:
        case 3:
            return Kind.REDIRECTED
        case 4:
            return Kind.LEAD_REFUSED if status in ABOUT_THE_LEAD else Kind.REQUEST_TURNED_AWAY
        case 5:
            return Kind.SERVER_ERROR
        case _:
            return Kind.ANSWER_NOT_UNDERSTOOD


def read_error(content_type: str, body: bytes) -> RemoteMessage:
    """What ``body`` says: the usual fields of JSON errors, the title of a web page, else its beginning."""
    text = body[:_READ].decode("utf-8", "replace")
    if "html" in content_type.lower() or re.match(r"\s*<(!doctype html|html)", text, re.I):
        title = _TITLE.search(text)
        return RemoteMessage(None, f"an HTML page: {html.unescape(title[1]).strip()}" if title else "an HTML page")
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return RemoteMessage(None, text)
    if not isinstance(content, dict):
        return RemoteMessage(None, text)
    error = content.get("error")
    inner = error if isinstance(error, dict) else content
    code = inner.get("code", error)
    words = next((inner[name] for name in _WORDS if isinstance(inner.get(name), str)), None)
    return RemoteMessage(
        code if isinstance(code, str) and _CODE.fullmatch(code) else None, text if words is None else words
    )


class Private:
    """What must not show up in evidence about one lead over one connection.

    Secrets are masked wherever they stand. What is the lead's is masked by whole words, so that what the other side
    says stays readable: *recommend* is not *re\\*\\*\\*mend* for a customer at ``.com``. A word of the lead's that has
    :data:`_TELLING` letters or more takes with it the longer word that it stands in; shorter ones count by themselves.
    """

    def __init__(self, lead: OutgoingLead | None, secrets: Iterable[str] = ()) -> None:
        self._secrets = tuple(text for text in secrets if text)
        self._secret_grams = {gram for text in self._secrets for gram in _grams(text.casefold())}
        texts = () if lead is None else (*lead.private, *_parts(lead))
        self._texts = {text.strip(): _comparable(text.strip()) for text in texts if len(text.strip()) >= 2}
        self._grams = {gram for text in self._texts for gram in _grams(text.casefold())}

    def mask(self, text: str) -> str:
        """``text`` fit to be shown, see ``diagnosis.masked``.

        Escaped echoes (HTML, ``%``, ``\\u``) are undone first, and every stretch of eight characters or more that
        also stands in a private text is masked, so that cut-off echoes are as well.
        """
        text = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text[:_READ].replace("\0", ""))
        text = html.unescape(unquote(text)).encode("utf-8", "replace").decode()
        if len(text.casefold()) != len(text):
            text = text.casefold()
        kept = list(text)
        for start, end in self._spans(text):
            kept[start:end] = "\0" * (end - start)
        return masked(re.sub("\0+", "***", "".join(kept)), self._secrets)

    def shown(self, identifier: str | None) -> str | None:
        """``identifier`` (a code or request id) if it is well-formed and holds nothing private, else ``None``."""
        if identifier is None or not _REQUEST_ID.fullmatch(identifier):
            return None
        folded = identifier.casefold()
        if any(len(secret) >= 2 and secret.casefold() in folded for secret in self._secrets):
            return None
        return None if any(self._spans(identifier)) else identifier

    def _spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Where in ``text`` something private stands: from, and up to but not with."""
        folded = text.casefold()
        if len(folded) != len(text):
            folded = text
        whole = (0, 0)
        for start in range(len(folded) - _SHARED + 1):
            gram = folded[start : start + _SHARED]
            if gram in self._secret_grams:
                yield start, start + _SHARED
            elif gram in self._grams and start + _SHARED > whole[1]:
                whole = _whole(text, start, start + _SHARED)
                yield whole
        comparable = _comparable(text)
        for private, compared in self._texts.items():
            if compared not in comparable:  # a lead may have thousands of words, most of which stand nowhere
                continue
            span = (0, 0)
            for found in re.finditer(re.escape(private), text, re.IGNORECASE):
                if found.end() > span[1]:  # not within the word just looked at
                    span = _whole(text, *found.span())
                if span == found.span() or len(private) >= _TELLING or _UNSPACED.search(private):
                    yield found.span() if _UNSPACED.search(private) else span


def _comparable(text: str) -> str:
    """The text in one case: alike in whatever regular expressions call alike."""
    return text.replace("\u0130", "i").replace("\u0131", "i").casefold()


def _whole(text: str, start: int, end: int) -> tuple[int, int]:
    """The stretch with the words that it begins and ends within."""
    while start > 0 and text[start].isalnum() and text[start - 1].isalnum():
        start -= 1
    while end < len(text) and text[end - 1].isalnum() and text[end].isalnum():
        end += 1
    return start, end


def url_secrets(url: URL) -> tuple[str, ...]:
    """The texts of ``url`` that would give it away: itself, host, path and query, and each value of the query."""
    values = [value for value in url.query.values() if len(value) >= 4]
    pairs = [pair.partition("=")[2] for pair in url.raw_query_string.split("&")]
    pieces = [piece for piece in url.raw_path.split("/") if len(piece) >= 16]
    whole = (str(url), url.raw_path_qs if len(url.raw_path_qs) >= 4 else "", url.raw_query_string, url.raw_host or "")
    return tuple(dict.fromkeys((*whole, *values, *(pair for pair in pairs if len(pair) >= 4), *pieces)))


def _grams(text: str) -> Iterator[str]:
    return (text[start : start + _SHARED] for start in range(len(text) - _SHARED + 1))


def _parts(lead: OutgoingLead) -> Iterator[str]:
    """The single words of names, company, title and mail address, and the bare digits of the phone.

    Not the top-level domain, which says nothing of anybody and stands in many words.
    """
    c = lead.customer
    address = c.email.rpartition(".")[0] if "." in c.email.rpartition("@")[2] else c.email
    for text in (c.first_name, c.last_name, c.company, c.title, address):
        yield from (word for word in re.split(r"[^\w]+", text) if len(word) >= 3)
    digits = re.sub(r"\D", "", c.phone)
    if len(digits) >= 5:
        yield digits
