"""HubSpot: the REST API at ``api.hubapi.com``, and the Forms API of both regions.

Accounts are told apart by their tokens, for forms by portal id and region. The token ``pat-na1-…`` of the first account
may do all; tests change accounts, tokens, forms and limits as they need.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from leadkeeper.sandbox.hubspot import by_hand
from leadkeeper.sandbox.hubspot.account import Account, Token
from leadkeeper.sandbox.hubspot.forms import Forms
from leadkeeper.sandbox.hubspot.rest import Rest
from leadkeeper.sandbox.hubspot.states import STATES
from leadkeeper.sandbox.stand_in import OK, Answer, Clock, Request

API_HOST = "api.hubapi.com"
FORM_HOSTS = ("api.hsforms.com", "api-eu1.hsforms.com")


class HubSpot:
    """The stand-in. ``accounts`` may be changed by tests; ``work_seconds`` is how long a call takes, so that several
    can be under way.
    """

    name = "hubspot"
    states = STATES
    hosts = (API_HOST, *FORM_HOSTS)

    def __init__(self, clock: Clock, accounts: Sequence[Account] | None = None) -> None:
        self.clock = clock
        self.accounts = [Account(), european()] if accounts is None else list(accounts)
        self.state = OK
        self.work_seconds = 0.0

    @property
    def account(self) -> Account:
        """The first one, where tests need only one."""
        return self.accounts[0]

    def choose(self, state: str) -> None:
        """Be in ``state`` from the next request on."""
        self.state = state

    def reset(self) -> None:
        """Behave again; the accounts stay as they are set up, empty."""
        self.state = OK
        for each in self.accounts:
            each.forget()

    def received(self) -> Sequence[Mapping[str, object]]:
        """Every record, oldest first: ``object``, ``id``, ``via`` (api, form or hand), ``status`` (there, archived,
        merged), ``times`` written, ``properties``, for leads ``contacts``; and every post of a form, ``object``
        submission, ``status`` taken or lost.
        """
        kept = [record for each in self.accounts for records in each.records.values() for record in records]
        kept += [record for each in self.accounts for record in each.gone]
        posts = [post for each in self.accounts for post in each.submissions]
        return [*(record.shown() for record in sorted(kept, key=lambda record: record.created)), *posts]

    def by_hand(self, asked: Mapping[str, object]) -> Mapping[str, object]:
        """What a person does in the first account, by :mod:`.by_hand`; raises :class:`ValueError` when it cannot be."""
        return by_hand.act(self.account, self.clock.now(), asked)

    async def handle(self, request: Request) -> Answer:
        """A post of a form, or the REST API, by host name."""
        now = self.clock.now()
        if request.host in FORM_HOSTS:
            return Forms(self.accounts, self.state, now).answer(request)
        return await Rest(self.accounts, self.state, now, self.work_seconds).answer(request)


def european() -> Account:
    """A small account in the European Union, without leads."""
    token = Token("pat-eu1-2c9d0e1f-3a4b-4c5d-9e6f-7a8b9c0d1e2f")
    return Account(
        139_765_432,
        "eu1",
        "Europe/Berlin",
        [token],
        has_leads=False,
        burst=100,
        daily=250_000,
    )
