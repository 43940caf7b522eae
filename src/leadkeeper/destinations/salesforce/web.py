"""Salesforce's Web-to-Lead: a form post that is queued, and an answer that proves next to nothing.

Sources: ``docs/reference/vendors/salesforce.md#web-to-lead-answers``,
``docs/reference/vendors/marketplace.md#salesforce-form``. A post is never repeated once its body may have gone out: two
posts make two leads.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final
from urllib.parse import unquote_plus, urlencode

from leadkeeper.catalogue import diagnose
from leadkeeper.check import Check, CheckStep, tell_step
from leadkeeper.destinations.interface import Preview, Quota, QuotaPlace
from leadkeeper.destinations.mapping import noted
from leadkeeper.destinations.salesforce.diagnoses import SalesforceKind
from leadkeeper.destinations.salesforce.fields import web_form
from leadkeeper.destinations.salesforce.settings import DAILY_LIMIT, SalesforceConfig
from leadkeeper.diagnoses.unseen import Unseen
from leadkeeper.diagnosis import Answer, Diagnosis, Evidence, Kind, Outcome, Receipt
from leadkeeper.lead import OutgoingLead
from leadkeeper.network.answer import Private, kind_of_status, read_error, retry_after
from leadkeeper.network.client import NETWORK_ERRORS, Answered, Network, diagnose_network
from leadkeeper.network.trouble import about_fixed_host, not_sent
from leadkeeper.storage.away import StorageAway
from leadkeeper.texts import _, join_lazily, lazy_gettext

UNSEEN: Final = Unseen(
    _(
        "The check saw the host only: it did not look at the organization, the object identifier "
        "(oid) or any field, and Web-to-Lead never tells whether Salesforce keeps a lead."
    )
)
"""What a check that passes did not look at."""

WARN_AT: Final = 450
"""From this many leads in 24 hours on (of 500) receipts say how many there were."""

_QUEUED: Final = lazy_gettext("Salesforce queued the lead and does not say what becomes of it")
LOST_FOR: Final = lazy_gettext(
    "It drops them without a word when a field is mandatory or a picklist (best is a text that may be empty), "
    "when 'Require reCAPTCHA Verification' is ticked, Web-to-Lead is off or has no 'Default Lead Creator', when the "
    "object identifier (oid) is another organization's, or a validation or duplicate rule objects."
)
"""Why leads over Web-to-Lead are nearly always lost; none of it can be seen from outside."""

_SEARCH: Final = lazy_gettext("search Salesforce for MSFT_TEST to find it")
_NEARLY_USED: Final = _("%(number)s of the %(limit)s leads that Web-to-Lead takes in 24 hours are used")


class WebToLead:
    """The line to one organization's Web-to-Lead. ``quota`` counts what was sent; without it nothing is held back."""

    batch: ClassVar[int] = 1
    repeatable: ClassVar[bool] = False

    def __init__(
        self, config: SalesforceConfig, network: Network, quota: Quota | None, now: Callable[[], float] = time.time
    ) -> None:
        self._config = config
        self._network = network
        self._quota = quota
        self._now = now
        origin = f"https://{config.web_to_lead_host}"
        self._origin = f"{origin}/"
        address = f"{origin}/servlet/servlet.WebToLead?encoding=UTF-8&orgId={config.object_identifier}"
        self._url = network.check_url(address)

    async def check(self) -> Check:
        """The host can be reached. Nothing is requested: Web-to-Lead answers the same to right and wrong."""
        reach = await self._network.check_reach(self._origin, self._about_host)
        if reach.diagnosis is not None:
            return reach
        only = lazy_gettext("Only a test lead that turns up in Salesforce can prove that it takes leads.")
        detail = join_lazily((only, LOST_FOR))
        return Check((*reach.steps, tell_step(CheckStep("lead", None, detail))), unseen=UNSEEN)

    async def preview(self, lead: OutgoingLead) -> Preview:
        """The form's fields for ``lead``, without those that are the same for all leads."""
        return Preview(*web_form(lead, self._config))

    async def deliver(self, leads: Sequence[OutgoingLead]) -> Sequence[Answer]:
        """Post each lead, once."""
        return [await self._deliver(lead) for lead in leads]

    async def aclose(self) -> None:
        """Nothing is held."""

    async def _deliver(self, lead: OutgoingLead) -> Answer:
        if self._quota is None:
            return await self._send(lead, None)
        try:
            place = await self._quota.take(self._config.web_to_lead_daily_limit)
        except StorageAway:
            return not_sent()
        if place.wait is not None:
            return self._used_up(place, place.wait)
        answer = await self._send(lead, place.used)
        if isinstance(answer, Diagnosis) and answer.outcome is not Outcome.AMBIGUOUS:
            await self._quota.give_back(place)
        return answer

    def _used_up(self, place: QuotaPlace, wait: float) -> Answer:
        """Wait until the oldest leads that count no longer do."""
        limit = self._config.web_to_lead_daily_limit
        text = lazy_gettext(
            "%(number)s leads in the last 24 hours; the limit is %(limit)s.", number=place.used, limit=limit
        )
        return diagnose(SalesforceKind.DAILY_LIMIT, Evidence(text=text), retry_after=wait)

    async def _send(self, lead: OutgoingLead, number: int | None) -> Answer:
        form, notes = web_form(lead, self._config)
        own = {"oid": self._config.object_identifier, "encoding": "UTF-8"}
        headers = {"content-type": "application/x-www-form-urlencoded; charset=UTF-8"}
        try:
            answered = await self._network.post(self._url, data=_encoded(own | form), headers=headers, alone=True)
        except NETWORK_ERRORS as error:
            return self._about_host(diagnose_network(error))
        return self._read(answered, lead, (*self._warning(number), *notes))

    def _about_host(self, diagnosis: Diagnosis) -> Diagnosis:
        """The same; where a host is not found that all organizations share, no setting is wrong."""
        config = self._config
        return about_fixed_host(diagnosis, config.web_to_lead_host) if config.web_host_is_shared else diagnosis

    def _warning(self, number: int | None) -> tuple[str, ...]:
        limit = self._config.web_to_lead_daily_limit
        if number is None or number * DAILY_LIMIT < limit * WARN_AT:
            return ()
        return (lazy_gettext(_NEARLY_USED, number=number, limit=limit),)

    def _read(self, answered: Answered, lead: OutgoingLead, notes: tuple[str, ...]) -> Answer:
        """What the answer says. Salesforce answers 200 to nearly everything; the header ``Is-Processed`` says more."""
        private = Private(lead)
        verdict = answered.headers.get("Is-Processed")
        if answered.status // 100 != 2:
            return self._refusal(answered, private)
        if verdict is None:
            text = _words(answered, private)
            return diagnose(SalesforceKind.FORM_NOT_THERE, Evidence(answered.status, text=text))
        if verdict.strip().casefold() == "true":
            note = noted((_QUEUED, *((_SEARCH,) if lead.test else ()), *notes))
            return Receipt(confirmed=False, note=join_lazily(filter(None, (note, LOST_FOR if lead.test else None))))
        exception = verdict.rpartition(":")[2].strip() if "exception" in verdict.casefold() else None
        evidence = Evidence(answered.status, private.shown(exception), text=f"Is-Processed: {private.mask(verdict)}")
        return diagnose(SalesforceKind.FORM_REJECTED, evidence)

    def _refusal(self, answered: Answered, private: Private) -> Answer:
        status = answered.status
        message = read_error(answered.headers.get("content-type", ""), answered.body)
        evidence = Evidence(status, private.shown(message.code), text=_words(answered, private))
        wait = retry_after(answered.headers, self._now())
        if status == 429 or (status == 503 and wait is not None):
            return diagnose(Kind.THROTTLED, evidence, retry_after=wait)
        match status // 100:
            case 3:
                return diagnose(Kind.REDIRECTED, evidence)
            case 4:
                kind = _BY_STATUS.get(status) or kind_of_status(status)
                kind = SalesforceKind.FORM_NOT_THERE if kind is Kind.LEAD_REFUSED else kind
                return diagnose(kind, evidence)
            case 5:
                return diagnose(Kind.SERVER_ERROR, evidence, outcome=Outcome.AMBIGUOUS)
            case _:
                return diagnose(Kind.ANSWER_NOT_UNDERSTOOD, evidence, outcome=Outcome.AMBIGUOUS)


_BY_STATUS: Final = {
    401: Kind.CREDENTIALS_REJECTED,
    403: Kind.PERMISSION_MISSING,
    404: Kind.ENDPOINT_NOT_FOUND,
    405: Kind.METHOD_REFUSED,
    408: Kind.SERVER_ERROR,
    410: Kind.ENDPOINT_GONE,
    413: Kind.LEAD_TOO_LARGE,
    420: SalesforceKind.NO_ROUTE,
}


def _words(answered: Answered, private: Private) -> str | None:
    """What an answer says, fit to be shown; an echo of the form is decoded first."""
    message = read_error(answered.headers.get("content-type", ""), answered.body)
    return private.mask(unquote_plus(message.text)) or None


def _encoded(form: Mapping[str, Any]) -> bytes:
    texts = {name: _text(value) for name, value in form.items()}
    return urlencode(texts, encoding="utf-8", errors="replace").encode()


def _text(value: Any) -> str:
    """A form's text for a value; tick boxes are 1 or 0."""
    return str(int(value)) if isinstance(value, bool) else str(value)
