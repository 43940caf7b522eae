"""Salesforce: Web-to-Lead, the login hosts, and the REST API of each org under its own host name.

Only the orgs that are set up have a host name; another My Domain is refused by TLS, as it has no address in reality.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from leadkeeper.sandbox.salesforce import (
    by_hand,
)
from leadkeeper.sandbox.salesforce import (
    identity as salesforce_identity,
)
from leadkeeper.sandbox.salesforce import (
    token as salesforce_token,
)
from leadkeeper.sandbox.salesforce import (
    web as salesforce_web,
)
from leadkeeper.sandbox.salesforce.org import Arrival, Org
from leadkeeper.sandbox.salesforce.rest import Rest
from leadkeeper.sandbox.salesforce.states import STATES
from leadkeeper.sandbox.stand_in import OK, Answer, Clock, Request

WEB_HOSTS: Final = ("webto.salesforce.com", "test.salesforce.com")
LOGIN_HOSTS: Final = ("login.salesforce.com", "test.salesforce.com")
SANDBOX_HOST: Final = "test.salesforce.com"


class Salesforce:
    """The stand-in. ``orgs`` may be changed by tests: limits, fields, credentials; ``work_seconds`` is how long a
    write takes, so that two at a time can meet.
    """

    name = "salesforce"
    states = STATES

    def __init__(self, clock: Clock, orgs: Sequence[Org] | None = None) -> None:
        self.clock = clock
        self.orgs = [Org()] if orgs is None else list(orgs)
        self.state = OK
        self.work_seconds = 0.0
        self._strays: list[Arrival] = []

    @property
    def org(self) -> Org:
        """The first org, where tests need only one."""
        return self.orgs[0]

    @property
    def hosts(self) -> tuple[str, ...]:
        """Web-to-Lead and login hosts, and one host for each org."""
        return tuple(dict.fromkeys([*WEB_HOSTS, *LOGIN_HOSTS, *(org.host.lower() for org in self.orgs)]))

    def choose(self, state: str) -> None:
        """Be in ``state`` from the next request on."""
        self.state = state
        if state == "sessionExpired":
            for org in self.orgs:
                org.sessions.clear()

    def reset(self) -> None:
        """Behave again; the orgs stay as they are set up, empty."""
        self.state = OK
        self._strays.clear()
        for org in self.orgs:
            org.forget()

    def received(self) -> Sequence[Mapping[str, object]]:
        """Every lead: ``via`` webToLead or rest, ``status`` created, queued, lost, refused or deleted, ``reason``,
        ``id``, ``times`` written, ``assigned`` (how often the assignment rule ran), ``fields``. Web-to-Lead leads that
        wait are taken in first, if there is room by now.
        """
        for org in self.orgs:
            salesforce_web.settle(org, self.state, self.clock.now())
        arrivals = [*self._strays, *(each for org in self.orgs for each in org.arrivals)]
        return [each.shown() for each in sorted(arrivals, key=lambda each: each.at)]

    def by_hand(self, asked: Mapping[str, object]) -> Mapping[str, object]:
        """What a person does in the first org, by :mod:`.by_hand`; raises :class:`ValueError` when it cannot be."""
        return by_hand.act(self.org, self.clock.now(), asked)

    async def handle(self, request: Request) -> Answer:
        """Web-to-Lead, a token, or the REST API, by host name and path."""
        now = self.clock.now()
        if request.host in WEB_HOSTS and request.path.startswith("/servlet/"):
            known = [org for org in self.orgs if org.is_sandbox == (request.host == SANDBOX_HOST)]
            return salesforce_web.servlet_answer(request, known, self._strays, self.state, now)
        org = next((each for each in self.orgs if each.host.lower() == request.host), None)
        if request.path == salesforce_token.TOKEN_PATH and (org or request.host in LOGIN_HOSTS):
            return salesforce_token.token(request, org, self.state, now)
        if request.path == salesforce_identity.REVOKE:
            return salesforce_identity.revoke(request, self.orgs if org is None else [org])
        if request.path.startswith(salesforce_identity.IDENTITY):
            return salesforce_identity.identity(request, self.orgs, now)
        if org and request.path == salesforce_identity.USER_INFO:
            return salesforce_identity.user_info(request, org, now)
        if org is None:
            return Answer.html(404, "<html><body><h1>URL No Longer Exists</h1></body></html>")
        return await Rest(org, self.state, now, self.work_seconds).answer(request)
