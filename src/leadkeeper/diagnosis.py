"""What came of sending a lead: a receipt, or a diagnosis that says why not, who must act, and how. Pure data."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Outcome(StrEnum):
    """How one send of one lead ended. What follows from it is decided in ``delivery.schedule``."""

    DELIVERED = "delivered"
    UNCONFIRMED = "unconfirmed"
    REFUSED = "refused"
    BROKEN = "broken"
    THROTTLED = "throttled"
    FAILED = "failed"
    AMBIGUOUS = "ambiguous"
    OURS = "ours"


class Who(StrEnum):
    """Who must act on a diagnosis."""

    NOBODY = "nobody"
    PUBLISHER = "publisher"
    DESTINATION_ADMIN = "destinationAdmin"
    OPERATOR = "operator"
    LEADKEEPER = "leadkeeper"


class AnyKind(StrEnum):
    """A cause. Its value is its name in JSON and in what is stored.

    Whoever gives causes lists them in a class of its own below this one and says of each what it means, with
    ``catalogue.declare``: destinations, sign-in, mail. :class:`Kind` has those that anybody may give.
    """


class Kind(AnyKind):
    """The causes that are common to all destinations. Each has an entry in ``catalogue`` and a heading in the docs."""

    ADDRESS_NOT_FOUND = "addressNotFound"
    HOST_NOT_RESOLVED = "hostNotResolved"
    ADDRESS_REFUSED = "addressRefused"
    OWN_ADDRESS = "ownAddress"
    CONNECTION_FAILED = "connectionFailed"
    TLS_FAILED = "tlsFailed"
    NO_ANSWER = "noAnswer"
    CONNECTION_LOST = "connectionLost"
    ANSWER_TOO_LARGE = "answerTooLarge"
    ANSWER_NOT_UNDERSTOOD = "answerNotUnderstood"
    REDIRECTED = "redirected"
    CREDENTIALS_REJECTED = "credentialsRejected"
    PERMISSION_MISSING = "permissionMissing"
    ENDPOINT_NOT_FOUND = "endpointNotFound"
    ENDPOINT_GONE = "endpointGone"
    METHOD_REFUSED = "methodRefused"
    LEAD_REFUSED = "leadRefused"
    LEAD_TOO_LARGE = "leadTooLarge"
    EVERY_LEAD_REFUSED = "everyLeadRefused"
    THROTTLED = "throttled"
    SERVER_ERROR = "serverError"
    REQUEST_TURNED_AWAY = "requestTurnedAway"
    SETTINGS_INVALID = "settingsInvalid"
    DESTINATION_NOT_INSTALLED = "destinationNotInstalled"
    PASSED_ON_TOO_OFTEN = "passedOnTooOften"
    MAY_HAVE_ARRIVED = "mayHaveArrived"
    GAVE_UP = "gaveUp"
    INTERRUPTED = "interrupted"
    INTERNAL_ERROR = "internalError"
    RECORD_DAMAGED = "recordDamaged"
    READ_BACK_FORBIDDEN = "readBackForbidden"


EVIDENCE_LIMIT: Final = 500
"""The most characters of a remote answer that a diagnosis shows, after masking."""

_EMAIL: Final = re.compile(r"[^\s@<>\"',;:()\[\]{}]+@[^\s@<>\"',;:()\[\]{}]+")
_LONG_TOKEN: Final = re.compile(r"(?<![A-Za-z0-9+/_=-])(?=[A-Za-z0-9+/_=-]*\d)[A-Za-z0-9+/_-]{24,}={0,2}")
_PHONE: Final = re.compile(r"\+?\d[\d ()./-]{6,}\d")
_CREDENTIAL: Final = re.compile(
    r"(?i)\b(sig|signature|code|accountkey|sharedaccesskey|password|client_secret|secret|token|authorization)"
    r"(\"?\s*[=:]\s*\"?)(?!\*\*\*)(bearer\s+)?[^\s&;,\"']+"
)


def masked(text: str, private: tuple[str, ...] = ()) -> str:
    """``text`` fit to be shown: at most :data:`EVIDENCE_LIMIT` characters, one line, nothing private.

    Masked with ``***``: every text of ``private`` (the lead's own values, the settings' secrets; those under two
    characters are left), mail addresses, values of names like ``sig`` or ``AccountKey``, long random-looking tokens,
    phone numbers. What is masked may be harmless; what is private must not be shown.
    """
    for value in sorted({p.strip() for p in private}, key=len, reverse=True):
        if len(value) >= 2:
            text = re.sub(re.escape(value), "***", text, flags=re.IGNORECASE)
    text = _EMAIL.sub("***", text)
    text = _CREDENTIAL.sub(r"\1\2***", text)
    text = _LONG_TOKEN.sub("***", text)
    text = _PHONE.sub("***", text)
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= EVIDENCE_LIMIT else text[: EVIDENCE_LIMIT - 1] + "…"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the remote side said, already masked: HTTP status, its error code, its request id, its words."""

    status: int | None = None
    code: str | None = None
    request_id: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Why a lead did not arrive. Made by ``catalogue.diagnose``; holds neither secrets nor personal data.

    ``retry_after`` is in seconds, as the destination asked, or ``None``.
    """

    kind: AnyKind
    outcome: Outcome
    who: Who
    summary: str
    steps: tuple[str, ...]
    docs: str
    evidence: Evidence = Evidence()
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the destination said when it took the lead.

    ``result`` is ``created``, ``updated`` or ``duplicate``; ``confirmed`` is false where taking it proves nothing yet.
    """

    result: str = "created"
    remote_id: str | None = None
    link: str | None = None
    confirmed: bool = True
    note: str | None = None

    @property
    def outcome(self) -> Outcome:
        """``delivered``, or ``unconfirmed`` where the destination proved nothing."""
        return Outcome.DELIVERED if self.confirmed else Outcome.UNCONFIRMED


Answer = Receipt | Diagnosis
"""What one send of one lead gives."""
