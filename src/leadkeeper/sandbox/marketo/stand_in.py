"""Marketo: the Forms2 endpoint of every pod, and the REST API of each subscription under its Munchkin id.

Only the subscriptions that are set up have a REST host name; another Munchkin id is refused by TLS, as it has no
address in reality. Any pod (``app-*.marketo.com``) answers, and knows its own subscriptions only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from leadkeeper.sandbox.marketo import by_hand
from leadkeeper.sandbox.marketo import rest as marketo_rest
from leadkeeper.sandbox.marketo.forms import Forms
from leadkeeper.sandbox.marketo.leads import Subscription
from leadkeeper.sandbox.marketo.rest import Rest
from leadkeeper.sandbox.marketo.states import STATES
from leadkeeper.sandbox.stand_in import OK, Answer, Clock, Request

REST_SUFFIX = ".mktorest.com"


def two_subscriptions() -> list[Subscription]:
    """Those that there are from the start: in one and the same, form and REST API would lead to one person."""
    return [Subscription(), Subscription(munchkin_id="456-STU-012", server_id="ab34", next_id=720_000)]


class Marketo:
    """The stand-in. ``subscriptions`` may be changed by tests: forms, limits, credentials; ``work_seconds`` is how
    long a REST call takes, so that several can be under way.
    """

    name = "marketo"
    states = STATES

    def __init__(self, clock: Clock, subscriptions: Sequence[Subscription] | None = None) -> None:
        self.clock = clock
        self.subscriptions = two_subscriptions() if subscriptions is None else list(subscriptions)
        self.state = OK
        self.work_seconds = 0.0
        self._forms = Forms(self.subscriptions)

    @property
    def subscription(self) -> Subscription:
        """The first one, where tests need only one."""
        return self.subscriptions[0]

    @property
    def hosts(self) -> tuple[str, ...]:
        """Every pod, and one host for each subscription."""
        return ("app-*.marketo.com", *(f"{each.munchkin_id.lower()}{REST_SUFFIX}" for each in self.subscriptions))

    def choose(self, state: str) -> None:
        """Be in ``state`` from the next request on."""
        self.state = state
        if state == "tokenExpired":
            for each in self.subscriptions:
                each.tokens = dict.fromkeys(each.tokens, 0.0)

    def reset(self) -> None:
        """Behave again; the subscriptions stay as they are set up, empty."""
        self.state = OK
        for each in self.subscriptions:
            each.forget()

    def received(self) -> Sequence[Mapping[str, object]]:
        """Every person and every post that was dropped: ``via`` forms or rest, ``status`` created, lost or gone,
        ``reason``, ``id``, ``times`` written, ``fields`` by REST names, ``ignored`` (names that were not on the form).
        """
        kept = [person for each in self.subscriptions for person in (*each.people, *each.lost, *each.gone)]
        return [person.shown() for person in sorted(kept, key=lambda person: person.at)]

    def by_hand(self, asked: Mapping[str, object]) -> Mapping[str, object]:
        """What a person does, by :mod:`.by_hand`; raises :class:`ValueError` when it cannot be done."""
        return by_hand.act(self.subscriptions, self.clock.now(), asked)

    async def handle(self, request: Request) -> Answer:
        """A form post, a token, or the REST API, by host name and path."""
        now = self.clock.now()
        if not request.host.endswith(REST_SUFFIX):
            return self._forms.answer(request, self.state, now)
        wanted = request.host.removesuffix(REST_SUFFIX)
        there = next(each for each in self.subscriptions if each.munchkin_id.lower() == wanted)
        if request.path == "/identity/oauth/token":
            return marketo_rest.token(request, there, self.state, now)
        return await Rest(there, self.state, now, self.work_seconds).answer(request)
