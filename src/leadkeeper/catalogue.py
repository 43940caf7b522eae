"""The diagnosis catalogue: for every kind of failure its cause, who must act, and the steps. Pure data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pydantic_core import from_json, to_json

from leadkeeper.diagnosis import Answer, Diagnosis, Evidence, Kind, Outcome, Receipt, Who


@dataclass(frozen=True, slots=True)
class Entry:
    """What is always the same about a kind of failure; ``outcome`` is the usual one, an adapter may know better."""

    outcome: Outcome
    who: Who
    summary: str
    steps: tuple[str, ...]


_WAIT: Final = "Nothing needs to be done: the lead is kept and sent again by itself."
_RESUME: Final = "Save the corrected settings: the connection is tried at once and the held leads go out, oldest first."
_VALIDATE: Final = "Run validate on the connection: when it passes, the held leads go out, oldest first."

CATALOGUE: Final[dict[Kind, Entry]] = {
    Kind.ADDRESS_NOT_FOUND: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        "The host name in the destination's address does not exist.",
        ("Compare the host name in the settings with the one your system shows; look for typing errors.", _RESUME),
    ),
    Kind.ADDRESS_REFUSED: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        "The destination's address leads to a network that leads may not be sent to.",
        (
            "Use an address that is reachable from the public internet.",
            "If the destination really stands in a private network, ask the operator to allow its range in "
            "LEADKEEPER_ALLOW_ADDRESSES.",
            _RESUME,
        ),
    ),
    Kind.CONNECTION_FAILED: Entry(
        Outcome.FAILED,
        Who.NOBODY,
        "The destination did not accept a network connection.",
        (_WAIT, "If it lasts, check that the system behind the address is running and reachable from outside."),
    ),
    Kind.TLS_FAILED: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        "The destination's TLS certificate could not be verified.",
        (
            "Check that the certificate is in date, names this host, and is sent with its intermediate certificates.",
            "If the destination uses a private certificate authority, ask the operator to add it with "
            "LEADKEEPER_CA_FILE.",
            _VALIDATE,
        ),
    ),
    Kind.NO_ANSWER: Entry(
        Outcome.AMBIGUOUS,
        Who.NOBODY,
        "The destination took the request but did not answer in time.",
        (_WAIT, "If it lasts, look at the destination's own log for slow or hanging requests."),
    ),
    Kind.CONNECTION_LOST: Entry(
        Outcome.AMBIGUOUS,
        Who.NOBODY,
        "The connection broke before the destination's answer was complete.",
        (_WAIT, "If it lasts, check proxies and load balancers in front of the destination."),
    ),
    Kind.ANSWER_TOO_LARGE: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        "The answer was far larger than a destination's answer should be.",
        ("Check that the address is that of an interface for leads, not of a web page or a file.", _RESUME),
    ),
    Kind.ANSWER_NOT_UNDERSTOOD: Entry(
        Outcome.FAILED,
        Who.DESTINATION_ADMIN,
        "The destination's answer is not one that such a system gives.",
        (
            "Check that the address is right and that no login page, proxy or maintenance page stands in front of it.",
            _WAIT,
        ),
    ),
    Kind.REDIRECTED: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        "The destination answered with a redirect; leads are never sent on to another address.",
        ("Enter the final address in the settings, exactly as the destination gives it.", _RESUME),
    ),
    Kind.CREDENTIALS_REJECTED: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        "The destination does not accept the credentials (401).",
        ("Renew the key or token in the destination and enter the new address or secret in the settings.", _RESUME),
    ),
    Kind.PERMISSION_MISSING: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        "The destination knows the caller but forbids the request (403).",
        ("Give the caller the right to create leads, and look for IP allow-lists or firewalls.", _VALIDATE),
    ),
    Kind.ENDPOINT_NOT_FOUND: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        "There is nothing at the destination's address (404).",
        ("Copy the address from the destination again and enter it in the settings.", _RESUME),
    ),
    Kind.ENDPOINT_GONE: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        "The destination says that this address was given up for good (410).",
        ("Enter the address of its successor, or remove the connection.", _RESUME),
    ),
    Kind.METHOD_REFUSED: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        "The address does not take POST requests (405).",
        ("Enter the address of an interface that takes leads by POST.", _RESUME),
    ),
    Kind.LEAD_REFUSED: Entry(
        Outcome.REFUSED,
        Who.PUBLISHER,
        "The destination refuses this lead as it is; other leads are not affected.",
        (
            "Read the evidence: it names what the destination did not like.",
            "Change the destination's rule, then retry this delivery.",
        ),
    ),
    Kind.LEAD_TOO_LARGE: Entry(
        Outcome.REFUSED,
        Who.PUBLISHER,
        "This lead is larger than the destination takes; other leads are not affected.",
        ("Enter the lead by hand from its page, or raise the destination's limit and retry this delivery.",),
    ),
    Kind.EVERY_LEAD_REFUSED: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        "The destination refused several leads in a row and took none: its settings or rules are wrong.",
        (
            "Read the evidence: it names what the destination did not like.",
            "Change the destination's rules or the connection's settings.",
            _VALIDATE,
        ),
    ),
    Kind.THROTTLED: Entry(
        Outcome.THROTTLED,
        Who.NOBODY,
        "The destination asked to be sent fewer leads for a while.",
        (_WAIT, "If it happens often, raise the destination's limit."),
    ),
    Kind.SERVER_ERROR: Entry(
        Outcome.FAILED,
        Who.NOBODY,
        "The destination failed on its own side.",
        (_WAIT, "If it lasts, look at the destination's own log or status page."),
    ),
    Kind.FLOW_SIGNATURE_REJECTED: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        "Power Automate does not accept the signature in the flow's address.",
        (
            "Open the flow in Power Automate and the trigger 'When an HTTP request is received'.",
            "Set 'Who can trigger the flow' to 'Anyone', save, and copy the new HTTP URL (it changes on saving).",
            "Enter that URL in the settings, whole, with its query. " + _RESUME,
        ),
    ),
    Kind.FLOW_NOT_FOUND: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        "The Power Automate flow is turned off or was deleted.",
        (
            "Open Power Automate and turn the flow on; if it is gone, make it again.",
            "Copy its HTTP URL and enter it in the settings if it changed. " + _VALIDATE,
        ),
    ),
    Kind.FLOW_SCHEMA_MISMATCH: Entry(
        Outcome.REFUSED,
        Who.PUBLISHER,
        "The flow's trigger refuses the lead because it does not match its schema.",
        (
            "Open the trigger's settings in Power Automate and turn 'Schema Validation' off, or make all fields "
            "optional strings.",
            "Retry this delivery.",
        ),
    ),
    Kind.STORAGE_KEY_REJECTED: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        "Azure Storage does not accept the key or the shared access signature.",
        (
            "Open the storage account in the Azure portal, 'Security + networking', 'Access keys', 'Show'.",
            "Copy the connection string and enter it in the settings; keys change when somebody rotates them, and a "
            "shared access signature expires.",
            _RESUME,
        ),
    ),
    Kind.STORAGE_ACCESS_BLOCKED: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        "Azure Storage knows the caller but does not let it write.",
        (
            "With a shared access signature: make one that allows Add (and Create for the table) on the Table service.",
            "Look at 'Security + networking', 'Networking' of the storage account: its firewall must admit this "
            "installation.",
            "Look at 'Settings', 'Configuration': 'Allow storage account key access' must be on for account keys.",
            _VALIDATE,
        ),
    ),
    Kind.STORAGE_ACCOUNT_DISABLED: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        "The storage account is disabled.",
        ("Check the Azure subscription of the storage account: it may be out of credit or cancelled.", _VALIDATE),
    ),
    Kind.STORAGE_ACCOUNT_NOT_FOUND: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        "There is no storage account of that name.",
        (
            "Compare AccountName in the connection string with the Azure portal; the account may have been deleted.",
            "Copy the connection string from 'Access keys' again and enter it in the settings.",
            _RESUME,
        ),
    ),
    Kind.STORAGE_SETTING_INVALID: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        "Azure Storage does not understand the request that these settings lead to.",
        ("Copy the connection string from 'Access keys' again, whole, and enter it in the settings.", _RESUME),
    ),
    Kind.TABLE_BEING_DELETED: Entry(
        Outcome.FAILED,
        Who.NOBODY,
        "The table was deleted a moment ago; Azure needs about 40 seconds before it can be made again.",
        (_WAIT,),
    ),
    Kind.SETTINGS_INVALID: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        "The connection's settings cannot be used as they are.",
        ("Read the evidence: it names the field.", _RESUME),
    ),
    Kind.MAY_HAVE_ARRIVED: Entry(
        Outcome.REFUSED,
        Who.PUBLISHER,
        "The lead may have arrived: it was sent, but no answer proves it, and this destination cannot tell twice from once.",
        (
            "Search the destination for the lead's id or its customer.",
            "If it is not there, retry this delivery; if it is, nothing needs to be done.",
        ),
    ),
    Kind.GAVE_UP: Entry(
        Outcome.REFUSED,
        Who.PUBLISHER,
        "The lead was tried for 14 days and the destination never took it.",
        ("Read the last attempt's diagnosis and mend its cause.", "Retry this delivery."),
    ),
    Kind.INTERRUPTED: Entry(
        Outcome.OURS,
        Who.NOBODY,
        "Leadkeeper was stopped while it was sending this lead.",
        (_WAIT,),
    ),
    Kind.INTERNAL_ERROR: Entry(
        Outcome.OURS,
        Who.LEADKEEPER,
        "Leadkeeper failed on this lead: the fault is ours, not the destination's.",
        ("The operator finds the details in the log under the delivery's id.", _WAIT),
    ),
}


def diagnose(
    kind: Kind,
    evidence: Evidence = Evidence(),
    *,
    outcome: Outcome | None = None,
    retry_after: float | None = None,
) -> Diagnosis:
    """The diagnosis of this kind with this evidence (already masked); ``outcome`` where it is not the usual one."""
    entry = CATALOGUE[kind]
    return Diagnosis(
        kind=kind,
        outcome=outcome or entry.outcome,
        who=entry.who,
        summary=entry.summary,
        steps=entry.steps,
        docs=f"docs/reference/diagnoses.md#{kind.value.lower()}",
        evidence=evidence,
        retry_after=retry_after,
    )


def to_stored(answer: Answer) -> str:
    """An answer as it is stored: a receipt whole, of a diagnosis only what its catalogue entry does not say."""
    if answer == _PLAIN:
        return _PLAIN_STORED
    if isinstance(answer, Receipt):
        return to_json(answer).decode()
    told = {"kind": answer.kind, "outcome": answer.outcome, "evidence": answer.evidence}
    return to_json(told | ({} if answer.retry_after is None else {"retry_after": answer.retry_after})).decode()


def from_stored(text: str) -> Answer:
    """The answer that :func:`to_stored` wrote."""
    stored = from_json(text)
    if "kind" not in stored:
        return Receipt(**stored)
    return diagnose(
        Kind(stored["kind"]),
        Evidence(**stored["evidence"]),
        outcome=Outcome(stored["outcome"]),
        retry_after=stored.get("retry_after"),
    )


_PLAIN: Final = Receipt()
_PLAIN_STORED: Final = to_json(_PLAIN).decode()
