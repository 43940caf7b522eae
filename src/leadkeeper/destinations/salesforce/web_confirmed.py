"""Web-to-Lead with the REST API beside it: leads go over the form, and the API is asked afterwards which are there.

A lead is known by our id, in the field chosen for it or in its description; where the form carries no id, by its e-mail
address and the time. Source: ``docs/reference/vendors/salesforce.md#reading-leads-back``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Final
from urllib.parse import quote

from leadkeeper.catalogue import diagnose
from leadkeeper.check import Check, CheckStep
from leadkeeper.destinations.interface import LookedUp, Presence, Quota, SentRecord
from leadkeeper.destinations.salesforce.errors import diagnose_answer, read_salesforce_error
from leadkeeper.destinations.salesforce.session import open_session
from leadkeeper.destinations.salesforce.settings import SalesforceConfig
from leadkeeper.destinations.salesforce.sought import match, query_for, sought
from leadkeeper.destinations.salesforce.web import WebToLead
from leadkeeper.diagnosis import Diagnosis, Evidence, Kind, Outcome
from leadkeeper.network.client import AnswerTooLarge, Network
from leadkeeper.network.rest import DESCRIPTION_LIMIT, Reply, unsent
from leadkeeper.texts import lazy_gettext

CONFIRM_BATCH: Final = 50
"""Leads in one query: their descriptions come with the answer."""

_Rows = tuple[Sequence[dict[str, Any]], bool]
"""The records that were found, and whether these are all."""


class ConfirmedWebToLead(WebToLead):
    """The line to one organization's Web-to-Lead, and to its REST API for reading alone."""

    find_batch: ClassVar[int] = CONFIRM_BATCH

    def __init__(
        self, config: SalesforceConfig, network: Network, quota: Quota | None, now: Callable[[], float] = time.time
    ) -> None:
        super().__init__(config, network, quota, now)
        self._client = open_session(config, network, now)
        self._id_field = config.external_id_field
        self._version = config.api_version
        self._domain = f"https://{config.domain}"

    async def check(self) -> Check:
        """Web-to-Lead's steps, then ``confirm``: whether leads can be looked up; if not, they go out all the same."""
        check = await super().check()
        if check.diagnosis is not None:
            return check
        found = await self._ask(query_for((), self._id_field))
        if isinstance(found, Diagnosis):
            why = found.evidence.text or found.summary
            detail = lazy_gettext("Whether leads arrive cannot be looked up over the REST API: %(why)s", why=why)
            return replace(check, steps=(*check.steps, CheckStep("confirm", None, detail)))
        detail = lazy_gettext("The REST API lets leads be looked up: it is asked later whether they arrived.")
        return replace(check, steps=(*check.steps, CheckStep("confirm", True, detail)))

    async def find(self, sent: Sequence[SentRecord]) -> Sequence[Presence] | Diagnosis:
        """Which leads are there; see :class:`~leadkeeper.destinations.interface.ReadsBack`."""
        found = await self.confirm(sent)
        return found if isinstance(found, Diagnosis) else [each.presence for each in found]

    async def confirm(self, sent: Sequence[SentRecord]) -> Sequence[LookedUp] | Diagnosis:
        """Which leads are there, with their records; see :class:`~leadkeeper.destinations.interface.Confirms`."""
        wanted = [sought(each, self._config) for each in sent]
        if not any(each.can_be_asked for each in wanted):
            return [LookedUp(Presence.UNKNOWN)] * len(sent)
        found = await self._ask(query_for(wanted, self._id_field))
        if found is None:
            return await self._in_halves(sent)
        if isinstance(found, Diagnosis):
            return found
        rows, whole = found
        return match(wanted, rows, self._id_field, self._domain, whole=whole)

    async def aclose(self) -> None:
        """Give up a request for a token."""
        await self._client.aclose()
        await super().aclose()

    async def _in_halves(self, sent: Sequence[SentRecord]) -> Sequence[LookedUp] | Diagnosis:
        if len(sent) == 1:
            return [LookedUp(Presence.UNKNOWN)]
        middle = len(sent) // 2
        first = await self.confirm(sent[:middle])
        second = first if isinstance(first, Diagnosis) else await self.confirm(sent[middle:])
        if isinstance(first, Diagnosis) or isinstance(second, Diagnosis):
            return second if isinstance(second, Diagnosis) else first
        return [*first, *second]

    async def _ask(self, query: str) -> _Rows | Diagnosis | None:
        """What a query finds; ``None`` where the answer is too long.

        It goes as the body of a composite request: addresses of people never stand in an address of ours.
        """
        url = f"/services/data/{self._version}/queryAll?q={quote(query, safe='')}"
        steps = [{"method": "GET", "url": url, "referenceId": "leads"}]
        reply = await self._client.call("POST", "/composite", {"compositeRequest": steps}, limit=DESCRIPTION_LIMIT)
        if isinstance(reply, Diagnosis):
            return unsent(reply)
        if isinstance(reply.answered.fault, AnswerTooLarge):
            return None
        reply = _inner(reply)
        content = reply.content if isinstance(reply.content, dict) else {}
        rows = content.get("records")
        if reply.status == 200 and isinstance(rows, list):
            return [each for each in rows if isinstance(each, dict)], content.get("done") is True
        if reply.status // 100 == 2:
            return diagnose(Kind.ANSWER_NOT_UNDERSTOOD, Evidence(reply.status), outcome=Outcome.FAILED)
        # It is about several leads: what Salesforce says of it may repeat their addresses.
        return unsent(diagnose_answer(reply, self._client.evidence(reply, None), self._now()))


def _inner(reply: Reply) -> Reply:
    """The answer to the one request within a composite one."""
    answers = reply.content.get("compositeResponse") if isinstance(reply.content, dict) else None
    if reply.status != 200 or not isinstance(answers, list) or not answers or not isinstance(answers[0], dict):
        return reply
    status, content = answers[0].get("httpStatusCode"), answers[0].get("body")
    answered = reply.answered._replace(status=status if isinstance(status, int) else 0)
    return Reply(answered, content, read_salesforce_error(answered, content))
