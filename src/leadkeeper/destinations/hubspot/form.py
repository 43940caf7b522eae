"""HubSpot's Forms API: a lead is posted as the form on a page would be, and the contact is written later.

Source: ``docs/reference/vendors/hubspot.md#forms-api``. Nothing is repeated once its body may have gone out: HubSpot
counts each post, and confirms none.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Final

from leadkeeper.catalogue import diagnose
from leadkeeper.check import Check, CheckStep
from leadkeeper.destinations.hubspot.diagnoses import HubSpotKind
from leadkeeper.destinations.hubspot.errors import BLOCKED_SECONDS, CODES, read_hubspot_error
from leadkeeper.destinations.hubspot.records import EMAIL, address_of, contact_of
from leadkeeper.destinations.hubspot.settings import HubSpotConfig
from leadkeeper.destinations.interface import Preview
from leadkeeper.destinations.mapping import noted
from leadkeeper.diagnoses.unseen import Unseen
from leadkeeper.diagnosis import Answer, Diagnosis, Evidence, Kind, Outcome, Receipt
from leadkeeper.lead import OutgoingLead
from leadkeeper.network.answer import Private, kind_of_status, retry_after
from leadkeeper.network.client import NETWORK_ERRORS, Answered, Network, diagnose_network
from leadkeeper.network.rest import read_json
from leadkeeper.network.trouble import about_fixed_host
from leadkeeper.texts import _, lazy_gettext

UNSEEN: Final = Unseen(
    _(
        "The check saw the host only and posted nothing: it did not look at the portal id, the form or its fields, "
        "and HubSpot never tells whether a post became a contact."
    )
)

CONTACT_TYPE: Final = "0-1"
OLDEST_SECONDS: Final = 28 * 86_400.0
"""The most seconds after which HubSpot is told when the lead came: it takes none that are older than a month."""

_QUEUED: Final = lazy_gettext("HubSpot took the post and does not say what becomes of it")
_BY_STATUS: Final = {
    401: Kind.PERMISSION_MISSING,
    403: Kind.PERMISSION_MISSING,
    404: HubSpotKind.FORM_NOT_FOUND,
    405: Kind.METHOD_REFUSED,
    408: Kind.SERVER_ERROR,
    410: HubSpotKind.FORM_NOT_FOUND,
    413: Kind.LEAD_TOO_LARGE,
}


class HubSpotForm:
    """The line to one form."""

    batch: ClassVar[int] = 1
    repeatable: ClassVar[bool] = False

    def __init__(self, config: HubSpotConfig, network: Network, now: Callable[[], float] = time.time) -> None:
        self._config = config
        self._network = network
        self._now = now
        self._about_host = partial(about_fixed_host, host=config.host)
        self._origin = f"https://{config.host}"
        path = f"/submissions/v3/integration/submit/{config.portal_id}/{config.form_guid}"
        self._url = network.check_url(self._origin + path)

    async def check(self) -> Check:
        """The host can be reached. Nothing is posted, so the form is not seen."""
        reach = await self._network.check_reach(f"{self._origin}/", self._about_host)
        if reach.diagnosis is not None:
            return reach
        proof = CheckStep("form", None, lazy_gettext("Only a test lead that turns up in HubSpot can prove the form."))
        return Check((*reach.steps, proof), unseen=UNSEEN)

    async def preview(self, lead: OutgoingLead) -> Preview:
        """The form's fields for ``lead``; what the form lacks is known only once a lead was sent."""
        fields, notes = contact_of(lead, self._config)
        address = address_of(lead)
        summary = () if address else ("the lead has no e-mail address that HubSpot takes, so it is refused",)
        return Preview({EMAIL: address or lead.customer.email, **fields}, (*notes, *summary))

    async def deliver(self, leads: Sequence[OutgoingLead]) -> Sequence[Answer]:
        """Post each lead, once."""
        return [await self._deliver(lead) for lead in leads]

    async def aclose(self) -> None:
        """Nothing is held."""

    async def _deliver(self, lead: OutgoingLead) -> Answer:
        address = address_of(lead)
        if address is None:
            return diagnose(HubSpotKind.EMAIL_UNUSABLE)
        fields, notes = contact_of(lead, self._config)
        headers = {
            "content-type": "application/json; charset=utf-8",
            "accept": "application/json",
        }
        data = json.dumps(self._body(lead, {EMAIL: address, **fields}), ensure_ascii=False).encode("utf-8", "replace")
        try:
            answered = await self._network.post(self._url, data=data, headers=headers, alone=True)
        except NETWORK_ERRORS as error:
            return self._about_host(diagnose_network(error))
        return self._read(answered, Private(lead), notes)

    def _body(self, lead: OutgoingLead, fields: Mapping[str, str]) -> dict[str, Any]:
        named = [{"objectTypeId": CONTACT_TYPE, "name": name, "value": value} for name, value in fields.items()]
        came = lead.created_at.timestamp()
        recent = 0 <= self._now() - came < OLDEST_SECONDS
        return {"fields": named} | ({"submittedAt": int(came * 1_000)} if recent else {})

    def _read(self, answered: Answered, private: Private, notes: tuple[str, ...]) -> Answer:
        content = read_json(answered)
        if answered.status // 100 != 2:
            return self._refused(answered, content, private)
        if answered.fault is None and isinstance(content, dict):
            return Receipt(confirmed=False, note=noted((_QUEUED, *notes)))
        return diagnose(Kind.ANSWER_NOT_UNDERSTOOD, Evidence(answered.status), outcome=Outcome.AMBIGUOUS)

    def _refused(self, answered: Answered, content: Any, private: Private) -> Diagnosis:
        """The diagnosis of an answer that is not 2xx. A post may have been taken before a server failed."""
        status, wait = answered.status, retry_after(answered.headers, self._now())
        code, text = read_hubspot_error(answered, content)
        shown = code if code in CODES else private.shown(code)
        evidence = Evidence(status, shown, text=private.mask(text) or None)
        if status == 429:
            known = HubSpotKind.RATE_LIMIT if code in CODES else Kind.THROTTLED
            return diagnose(known, evidence, retry_after=wait or BLOCKED_SECONDS)
        if status == 503 and wait is not None:
            return diagnose(Kind.THROTTLED, evidence, retry_after=wait)
        if status // 100 == 5:
            return diagnose(Kind.SERVER_ERROR, evidence, outcome=Outcome.AMBIGUOUS)
        kind = (CODES.get(code or "") if status == 400 else None) or _BY_STATUS.get(status) or kind_of_status(status)
        if kind in (Kind.LEAD_REFUSED, HubSpotKind.LEAD_REFUSED):
            kind = HubSpotKind.FORM_REJECTED
        return diagnose(kind, evidence)
