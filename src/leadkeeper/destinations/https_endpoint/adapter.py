"""The HTTPS endpoint: each lead is a signed POST of JSON to an address of the publisher's.

Body as in Microsoft's schema (``docs/reference/vendors/marketplace.md#https-endpoint``) plus what it lacks; headers and
signature as in Standard Webhooks (``docs/reference/vendors/https_endpoint.md#standard-webhooks``), and how often
installations like this one passed the lead on; Power Automate and Logic Apps addresses are sent byte for byte. Decided
by the answer's status.
"""

from __future__ import annotations

import hmac
import json
import time
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import ClassVar, Final

from aiohttp import ServerDisconnectedError
from pydantic_core import PydanticSerializationError, to_json

from leadkeeper.catalogue import diagnose
from leadkeeper.check import Check, CheckStep
from leadkeeper.destinations.https_endpoint.diagnoses import HttpsEndpointKind
from leadkeeper.destinations.https_endpoint.errors import CODES, STATUSES
from leadkeeper.destinations.https_endpoint.settings import HttpsEndpointConfig, KeyCasing, signing_key
from leadkeeper.destinations.interface import Preview
from leadkeeper.diagnoses.unseen import Unseen
from leadkeeper.diagnosis import Answer, AnyKind, Diagnosis, Evidence, Kind, Outcome, Receipt
from leadkeeper.lead import OutgoingLead
from leadkeeper.network.answer import Private, RemoteMessage, kind_of_status, read_error, retry_after, url_secrets
from leadkeeper.network.client import (
    NETWORK_ERRORS,
    Answered,
    Network,
    diagnose_network,
    parse_url,
)
from leadkeeper.texts import _, lazy_gettext

UNSEEN: Final = Unseen(
    _(
        "The check sent no request: it did not look at the path, the key or signature in the "
        "address, nor at what the endpoint does with a lead."
    )
)
"""What a check that passes did not look at."""

_BODY_SECONDS: Final = 1.0
_FLOW_HOSTS: Final = (
    ".logic.azure.com",
    ".logic.azure.us",
    ".logic.azure.cn",
    ".api.powerplatform.com",
    ".api.powerplatform.us",
    ".api.powerplatform.cn",
    ".api.gov.powerplatform.microsoft.us",
)
_REQUEST_IDS: Final = ("x-request-id", "x-ms-workflow-run-id", "x-ms-request-id")

_TAKEN: Final = Receipt()
_QUEUED: Final = Receipt(
    confirmed=False, note=lazy_gettext("The endpoint queued the lead (202); what becomes of it is not known.")
)

_BUSY: Final = frozenset({502, 503, 504})


class HttpsEndpoint:
    """The line to one HTTPS endpoint. ``now`` gives the time in seconds since 1970."""

    batch: ClassVar[int] = 1
    repeatable: ClassVar[bool] = True

    def __init__(self, config: HttpsEndpointConfig, network: Network, now: Callable[[], float] = time.time) -> None:
        self._network = network
        self._now = now
        self._casing: KeyCasing = config.key_casing
        self._bare = config.lead_source_form == "bare"
        self._text = config.https_endpoint_url.get_secret_value()
        self._url = parse_url(self._text)
        self._flow = (self._url.raw_host or "").endswith(_FLOW_HOSTS)
        given = (config.signing_secret, config.previous_signing_secret)
        secrets = tuple(secret.get_secret_value() for secret in given if secret is not None)
        self._keys = tuple(signing_key(secret) for secret in secrets)
        self._secrets = (self._text, *url_secrets(self._url), *secrets)

    async def check(self) -> Check:
        """The address can be reached over TLS. Nothing is requested: only a lead can prove the rest."""
        if self._flow and "sig" not in self._url.query:
            text = lazy_gettext(
                "The address of the flow has no sig in its query: it was copied in part, or needs a sign-in."
            )
            step = CheckStep("address", False, text)
            return Check((step,), diagnose(HttpsEndpointKind.FLOW_SIGNATURE_REJECTED, Evidence(text=text)))
        return replace(await self._network.check_reach(self._text), unseen=UNSEEN)

    async def deliver(self, leads: Sequence[OutgoingLead]) -> Sequence[Answer]:
        """Send each lead; see :class:`~leadkeeper.destinations.interface.Adapter`."""
        return [await self._send(lead) for lead in leads]

    async def preview(self, lead: OutgoingLead) -> Preview:
        """The body of the request for ``lead``."""
        return Preview(json.loads(encode_payload(lead, casing=self._casing, bare=self._bare)))

    async def aclose(self) -> None:
        """Nothing is held."""

    async def _send(self, lead: OutgoingLead) -> Answer:
        body = encode_payload(lead, casing=self._casing, bare=self._bare)
        try:
            try:
                answered = await self._post(lead, body)
            except ServerDisconnectedError:
                # Nearly always a kept connection that the server closed as we wrote; webhook-id tells twice from once.
                answered = await self._post(lead, body)
        except NETWORK_ERRORS as error:
            return diagnose_network(error)
        if 200 <= answered.status < 300:
            return _QUEUED if answered.status == 202 else _TAKEN
        return self._diagnose(answered, Private(lead, self._secrets))

    async def _post(self, lead: OutgoingLead, body: bytes) -> Answered:
        moment = str(int(self._now()))
        headers = {"content-type": "application/json", "webhook-id": lead.id, "webhook-timestamp": moment}
        if self._keys:
            headers["webhook-signature"] = _signatures(self._keys, f"{lead.id}.{moment}.".encode() + body)
        headers["leadkeeper-hops"] = str(lead.hops + 1)
        return await self._network.post(self._url, data=body, headers=headers, body_seconds=_BODY_SECONDS)

    def _diagnose(self, answered: Answered, private: Private) -> Diagnosis:
        status, headers = answered.status, answered.headers
        message = read_error(headers.get("content-type", ""), answered.body)
        evidence = Evidence(
            status=status,
            code=private.shown(message.code),
            request_id=next((shown for name in _REQUEST_IDS if (shown := private.shown(headers.get(name)))), None),
            text=private.mask(message.text) or None,
        )
        kind = self._kind(status, message)
        wait = retry_after(headers, self._now()) if status == 429 or status in _BUSY else None
        if kind is Kind.SERVER_ERROR and wait is not None:
            kind = Kind.THROTTLED
        outcome = Outcome.AMBIGUOUS if kind is Kind.ANSWER_NOT_UNDERSTOOD else None
        return diagnose(kind, evidence, outcome=outcome, retry_after=wait)

    def _kind(self, status: int, message: RemoteMessage) -> AnyKind:
        by_code = CODES.get(message.code or "")
        if status == 401 and (self._flow or by_code is HttpsEndpointKind.FLOW_SIGNATURE_REJECTED):
            return HttpsEndpointKind.FLOW_SIGNATURE_REJECTED
        if status == 404 and self._flow:
            return HttpsEndpointKind.FLOW_NOT_FOUND
        if status in (400, 422) and by_code is HttpsEndpointKind.FLOW_SCHEMA_MISMATCH:
            return HttpsEndpointKind.FLOW_SCHEMA_MISMATCH
        return STATUSES.get(status) or kind_of_status(status)


def _signatures(keys: Sequence[bytes], signed: bytes) -> str:
    """The header that ``Webhook.sign`` of the library makes, which needs the bytes as a text and the time as a date."""
    return " ".join(f"v1,{b64encode(hmac.digest(key, signed, 'sha256')).decode()}" for key in keys)


def encode_payload(lead: OutgoingLead, *, casing: KeyCasing = "pascal", bare: bool = False) -> bytes:
    """The body for ``lead``: UTF-8 JSON, the same bytes for the same lead. What UTF-8 cannot hold becomes ``?``."""
    c = lead.customer
    details = {
        "FirstName": c.first_name,
        "LastName": c.last_name,
        "Email": c.email,
        "Phone": c.phone,
        "Country": c.country,
        "Company": c.company,
        "Title": c.title,
    }
    body: dict[str, object] = {
        "UserDetails": details,
        "LeadSource": lead.source if bare else lead.lead_source,
        "ActionCode": lead.action,
        "OfferTitle": lead.offer_title,
        "Description": lead.description,
        "LeadId": lead.id,
        "PublisherId": lead.publisher_id,
        "OfferId": lead.offer_id,
        "CreatedTime": _iso(lead.created_at),
        "Campaign": lead.campaign,
        "IsTest": lead.test,
    }
    if lead.hops:  # relays drop headers; only an installation like this one ever sees it
        body["Hops"] = lead.hops + 1
    if casing == "camel":
        body = _camel(body) | {"userDetails": _camel(details)}
    elif casing == "userDetailsCamel":
        body = {"userDetails": body.pop("UserDetails")} | body
    try:
        return to_json(body)
    except PydanticSerializationError:  # half of a pair: a lead that older versions took
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _camel(names: Mapping[str, object]) -> dict[str, object]:
    return {name[0].lower() + name[1:]: value for name, value in names.items()}


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
