"""The one reader of the mail addresses that people enter for notices: contacts, who hears of a publishing, the sender.

An address is taken as far as a mail server could serve it, internal names (``ops@corp.local``, ``root@localhost``) too.
The local part's letters are left to the mail server; the domain is written in A-labels (RFC 5890) on the wire.
"""

from __future__ import annotations

import functools
import re
import string
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Final

import idna
from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, WithJsonSchema

from leadkeeper.texts import lazy_gettext

LONGEST_LOCAL: Final = 64
"""The most octets before the @ (RFC 5321, 4.5.3.1.1)."""
LONGEST: Final = 254
"""The most characters of an address (RFC 5321, 4.5.3.1.3, without its brackets)."""

_NAMED: Final = re.compile(r"(?P<name>[^<>@]*)<(?P<address>[^<>]+)>")
_ANY: Final = "*"


@dataclass(frozen=True, slots=True)
class MailAddress:
    """A mailbox: ``local`` before the @, ``domain`` in A-labels and small letters, ``name`` for people or empty."""

    local: str
    domain: str
    name: str = ""

    @property
    def wire(self) -> str:
        """As a mail server reads it."""
        return f"{self.local}@{self.domain}"

    @property
    def shown(self) -> str:
        """As people read it."""
        return f"{self.local}@{_readable(self.domain)}"

    @property
    def key(self) -> str:
        """The same text for every way to write this address, and itself an address that can be written to.

        No mail server in use tells a to z by their case; what other letters are alike is left to it.
        """
        return _small(self.wire)

    @property
    def mailbox(self) -> str:
        """The same text for every address that ends in one mailbox, as far as is known: without what follows a +."""
        return _small(f"{self.local.partition('+')[0] or self.local}@{self.domain}")

    @property
    def needs_utf8(self) -> bool:
        """Whether only a mail server with SMTPUTF8 (RFC 6531) can take it."""
        return not self.local.isascii()

    @property
    def is_qualified(self) -> bool:
        """Whether its domain has more than one label, as public mail servers demand."""
        return "." in self.domain


_SMALL: Final = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def _small(text: str) -> str:
    return text.translate(_SMALL)


def parse_address(text: str) -> MailAddress:
    """Read ``ops@contoso.example`` or ``Contoso Leads <ops@contoso.example>``; space around it does not matter.

    Raises ``ValueError`` in one line that does not repeat the address.
    """
    return _parsed(text) if len(text) <= 2 * LONGEST else _parsed.__wrapped__(text)


def parse_addresses(text: str) -> tuple[str, ...]:
    """The addresses in ``text``, separated by commas, each once. Raises ``ValueError`` as :func:`parse_address`."""
    return tuple(dict.fromkeys(parse_address(each).key for each in text.split(",") if each.strip()))


@functools.lru_cache(2_000)  # the same contacts are read with each look at their connections
def _parsed(text: str) -> MailAddress:
    text = text.strip(" \t")
    if not text.isprintable():
        raise ValueError(lazy_gettext("is no e-mail address: it holds characters that cannot be seen"))
    found = _NAMED.fullmatch(text)
    name, address = ("", text) if found is None else (found["name"].strip(' "'), found["address"].strip())
    local, at, domain = address.rpartition("@")
    if not at or not domain or len(address) > LONGEST or not 0 < len(local.encode()) <= LONGEST_LOCAL:
        raise ValueError(lazy_gettext("is no e-mail address: write it like name@company.example"))
    return MailAddress(_local(local), _domain(domain), name)


def _local(text: str) -> str:
    try:
        # The rules for what stands before the @ are the library's; our own are those for internal domains.
        found: str = validate_email(f"{text}@a.com", check_deliverability=False).local_part
    except EmailNotValidError:
        raise ValueError(lazy_gettext("is no e-mail address: what stands before the @ cannot be used")) from None
    return found


def _domain(text: str) -> str:
    try:
        return idna.encode(text, uts46=True, std3_rules=True).decode()
    except (idna.IDNAError, UnicodeError):
        raise ValueError(lazy_gettext("is no e-mail address: what stands after the @ is no domain")) from None


@functools.lru_cache(2_000)  # the same few, with each look at connections that tell many contacts
def _readable(domain: str) -> str:
    return idna.decode(domain)


def _contact(text: str) -> str:
    return parse_address(text).shown


ContactEmail = Annotated[
    str, AfterValidator(_contact), WithJsonSchema({"type": "string", "format": "email", "maxLength": LONGEST})
]
"""An address that notices may go to, as a field of a model; a name around it is dropped."""


def masked_address(text: str) -> str:
    """``text`` so that its owner knows it again and nobody else can write there: ``s***@contoso.example``."""
    local, _, domain = text.rpartition("@")
    return f"{local[:1]}***@{domain}"


def parse_vouched(text: str) -> tuple[str, ...]:
    """Domains with commas: exact ones, ``.corp.local`` for all below, ``*`` for all. Raises ``ValueError``."""
    found = []
    for part in (part.strip() for part in text.split(",")):
        if part == _ANY:
            found.append(part)
        elif part:
            below = part.startswith(".")
            try:
                found.append("." * below + _domain(part[below:]))
            except ValueError:
                raise ValueError(
                    lazy_gettext("%(part)s is no domain; use contoso.example, .corp.local or *", part=repr(part))
                ) from None
    return tuple(found)


@dataclass(frozen=True, slots=True)
class MailRules:
    """What the operator lets publishers do by mail.

    ``vouched`` are domains whose addresses are not asked whether they want mail (see :func:`parse_vouched`). For each
    publisher ``mails`` may go out in an hour, one for each recipient, and ``questions`` in a day.
    """

    vouched: tuple[str, ...] = ()
    mails: int = 600
    questions: int = 50

    def vouches(self, address: MailAddress) -> bool:
        """Whether the operator vouches for the address's domain."""
        return any(
            rule in (_ANY, address.domain) or (rule.startswith(".") and address.domain.endswith(rule))
            for rule in self.vouched
        )


DEFAULT_RULES: Final = MailRules()


def distinct(texts: Iterable[str]) -> dict[str, MailAddress]:
    """The addresses that can be read, by the text first met for each, every mailbox address once."""
    found: dict[str, MailAddress] = {}
    seen = set()
    for text in texts:
        try:
            address = parse_address(text)
        except ValueError:
            continue
        if address.key not in seen:
            seen.add(address.key)
            found[text] = address
    return found
