"""What the error answers of the Dataverse Web API mean: by code and status, never by their words.

Source: ``docs/reference/vendors/dynamics.md#errors``.
"""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

from leadkeeper.catalogue import diagnose
from leadkeeper.destinations.dynamics.diagnoses import DynamicsKind
from leadkeeper.destinations.dynamics.sign_in_diagnoses import DynamicsSignInKind
from leadkeeper.diagnosis import AnyKind, Diagnosis, Evidence, Kind, Outcome
from leadkeeper.network.answer import kind_of_status, retry_after
from leadkeeper.network.rest import Reply


class DataverseVerdict(NamedTuple):
    """What an error means; ``outcome`` where it is not the kind's usual one."""

    kind: AnyKind
    outcome: Outcome | None = None


TOO_LONG: Final = "0x80044331"
ORG_DUPLICATE: Final = "0x80040333"
"""The organisation's own duplicate detection refuses the record."""

KEY_TAKEN: Final = "0x80060892"
"""A record with such a key is there already: with this id after an upsert, else with the organisation's own key."""

PRESENT: Final = frozenset({KEY_TAKEN, "0x80040237"})
"""A record with this key is there already."""

PRIVILEGE_MISSING: Final = frozenset({"0x80040220", "0x80048306"})
"""A right is missing: that to create, or only that to write, which an upsert wants as well."""

_MEANINGS: Final[dict[DataverseVerdict, str]] = {
    DataverseVerdict(DynamicsKind.USER_NOT_MEMBER): "80072560",
    DataverseVerdict(DynamicsKind.NO_SECURITY_ROLE): "80042f09",
    DataverseVerdict(DynamicsKind.CREATE_PRIVILEGE_MISSING): "80040220 80048306",
    # Create, update while sharing, read, update while updating: column security.
    DataverseVerdict(DynamicsKind.FIELD_PERMISSION_MISSING): "8004f502 8004f503 8004f504 8004f507",
    DataverseVerdict(DynamicsKind.USER_DISABLED): "80040225",
    DataverseVerdict(DynamicsKind.LICENCE_MISSING): "8004d24b",
    DataverseVerdict(DynamicsKind.ENVIRONMENT_ADMIN_ONLY): "8004a113",
    DataverseVerdict(DynamicsSignInKind.RESOURCE_NOT_IN_TENANT): "80044507",
    DataverseVerdict(DynamicsKind.FIELD_TOO_LONG): "80044331",
    DataverseVerdict(DynamicsKind.PICKLIST_VALUE): "8004431a",
    DataverseVerdict(DynamicsKind.FIELD_NOT_KNOWN): "80060888",
    DataverseVerdict(DynamicsKind.FIELD_VALUE_WRONG): "80048d19",
    DataverseVerdict(Kind.LEAD_REFUSED): "80040203",
    DataverseVerdict(DynamicsKind.ORG_RULE_REFUSED): "80040265",
    DataverseVerdict(DynamicsKind.LOOKUP_NOT_FOUND): "80040217 80060891",
    DataverseVerdict(DynamicsKind.ADDRESS_WRONG): "8006088a",
    DataverseVerdict(DynamicsKind.DUPLICATE_REFUSED): "80060892 80040237 80040333",
    DataverseVerdict(Kind.THROTTLED): "80072322 80072321 80072326 8005f103 80060308",
    DataverseVerdict(Kind.SERVER_ERROR): "80040216 80044151",
}
CODES: Final = {f"0x{code}": verdict for verdict, codes in _MEANINGS.items() for code in codes.split()}
"""What each error code means. A code says more than its status and is looked up first."""

STATUSES: Final = {
    400: DataverseVerdict(Kind.LEAD_REFUSED),
    401: DataverseVerdict(DynamicsKind.TOKEN_REJECTED),
    403: DataverseVerdict(Kind.PERMISSION_MISSING),
    404: DataverseVerdict(DynamicsKind.ADDRESS_WRONG),
    405: DataverseVerdict(DynamicsKind.ADDRESS_WRONG),
    408: DataverseVerdict(Kind.SERVER_ERROR),
    409: DataverseVerdict(Kind.REQUEST_TURNED_AWAY),
    410: DataverseVerdict(DynamicsKind.ADDRESS_WRONG),
    412: DataverseVerdict(DynamicsKind.DUPLICATE_REFUSED),
    413: DataverseVerdict(Kind.LEAD_TOO_LARGE),
    429: DataverseVerdict(Kind.THROTTLED),
    501: DataverseVerdict(DynamicsKind.ADDRESS_WRONG),
}
"""What a status means when the code is unknown or missing; the rest goes by its class."""

_HEX: Final = re.compile(r"0x([0-9a-f]{8})", re.IGNORECASE)
_INTEGER: Final = re.compile(r"-?[0-9]{1,10}")


def own_code(content: Any) -> str | None:
    """The Web API's error code, as ``0x`` and eight lower-case digits.

    It is found in the usual form, or as the ``ErrorCode`` of older surfaces: hexadecimal or a signed integer.
    """
    if not isinstance(content, dict):
        return None
    error = content.get("error")
    code = error.get("code") if isinstance(error, dict) else content.get("ErrorCode")
    if isinstance(code, str):
        if found := _HEX.fullmatch(code.strip()):
            return f"0x{found[1].lower()}"
        code = int(code) if _INTEGER.fullmatch(code.strip()) else None
    if isinstance(code, bool) or not isinstance(code, int):
        return None
    return f"0x{code % 2**32:08x}"


def is_uncoded(reply: Reply) -> bool:
    """Whether the answer has no code of the Web API's."""
    return reply.code is None or _HEX.fullmatch(reply.code) is None


def dataverse_verdict_on(reply: Reply, wait: float | None) -> DataverseVerdict:
    """What an answer that is no success means: by its code, else its status, else its status's class."""
    known = CODES.get(reply.code or "")
    if known is not None:
        return known
    if reply.status in (502, 503, 504) and wait is not None:
        return DataverseVerdict(Kind.THROTTLED)
    if reply.status in STATUSES:
        return STATUSES[reply.status]
    kind = kind_of_status(reply.status)
    return DataverseVerdict(kind, Outcome.AMBIGUOUS if kind is Kind.ANSWER_NOT_UNDERSTOOD else None)


def diagnose_dataverse_reply(reply: Reply, evidence: Evidence, now: float) -> Diagnosis:
    """The diagnosis of an answer that is no success."""
    wait = retry_after(reply.answered.headers, now)
    kind, outcome = dataverse_verdict_on(reply, wait)
    return diagnose(kind, evidence, outcome=outcome, retry_after=wait if kind is Kind.THROTTLED else None)
