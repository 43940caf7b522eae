"""Which setting usually is wrong when a connection is: the field that its form marks."""

from __future__ import annotations

from typing import Final

from leadkeeper.catalogue import kind_of
from leadkeeper.destinations.guide import Guide
from leadkeeper.diagnosis import Kind
from leadkeeper.mail.diagnoses import MailKind

_ADDRESS: Final = (
    Kind.ADDRESS_NOT_FOUND,
    Kind.ADDRESS_REFUSED,
    Kind.OWN_ADDRESS,
    Kind.CONNECTION_FAILED,
    Kind.TLS_FAILED,
    Kind.REDIRECTED,
)
_CONTACTS: Final = (
    MailKind.RECIPIENT_REFUSED,
    MailKind.ADDRESS_UNSUPPORTED,
    MailKind.CONTACT_DECLINED,
    MailKind.NOTICE_NOT_FOUND,
)


def marked_fields(guide: Guide, kind: str | None) -> tuple[str, ...]:
    """The settings of a destination, by JSON name, that a diagnosis of this kind usually is about."""
    cause = None if kind is None else kind_of(kind)
    if cause is None:
        return ()
    if cause in guide.marks:
        return guide.marks[cause]
    if cause in _ADDRESS:
        return guide.address
    if cause is Kind.CREDENTIALS_REJECTED:
        return guide.secret
    return ("contactEmail",) if cause in _CONTACTS else ()
