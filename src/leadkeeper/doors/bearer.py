"""Who is calling with ``Authorization: Bearer``, for every door that takes keys."""

from __future__ import annotations

from starlette.types import Scope

from leadkeeper.access.permissions import Caller
from leadkeeper.access.quotas import Rate
from leadkeeper.access.rates import Rates
from leadkeeper.access.sign_ins import SignIns
from leadkeeper.doors.client_address import ClientAddresses
from leadkeeper.doors.web import header
from leadkeeper.gate import charge
from leadkeeper.problem import Problem, ProblemType, publisher_suspended
from leadkeeper.publisher_turns import wait_for_turn
from leadkeeper.texts import lazy_gettext

_READS = frozenset({"GET", "HEAD"})
_SEARCHES = frozenset({"/v1/find", "/v1/leads/find"})
"""All that a suspended publisher's keys may do: read, and search by what may not stand in an address."""
_LONGEST = 1_024
"""How long (bytes) a key or token may be: ours are much shorter."""


async def admitted(rates: Rates, publisher_id: str) -> None:
    """Count a request of the publisher's, charge it with the rest, and wait until it is the publisher's turn.

    Raises :class:`Problem` for one too many.
    """
    await rates.take(publisher_id, Rate.REQUESTS)
    charge(publisher_id)
    await wait_for_turn(publisher_id)


class Bearers:
    """Reads the header, and has wrong keys counted by the address they came from. A right key costs nothing more."""

    def __init__(self, sign_ins: SignIns, addresses: ClientAddresses, rates: Rates) -> None:
        self._sign_ins = sign_ins
        self._addresses = addresses
        self._rates = rates

    async def caller(self, scope: Scope) -> Caller:
        """The caller, on whose publisher's behalf the request goes on.

        Raises :class:`Problem`: without a key, for one that is unknown, after too many of those, when the quota of its
        publisher's requests is used up, and for what a suspended publisher asks for but reading.
        """
        scheme, _, sent = (header(scope, b"authorization") or b"").partition(b" ")
        token = sent.strip()
        if scheme.lower() != b"bearer" or not token:
            raise Problem(ProblemType.UNAUTHORIZED, lazy_gettext("Send a key: Authorization: Bearer <key>."))
        caller = await self._sign_ins.keys.caller(token.decode("latin-1")) if len(token) <= _LONGEST else None
        if caller is None:
            raise self._sign_ins.wrong_key("bearer", self._addresses.of(scope))
        if caller.publisher_id is not None:
            await admitted(self._rates, caller.publisher_id)
            if caller.suspended and scope["method"] not in _READS and scope["path"] not in _SEARCHES:
                raise publisher_suspended(caller.publisher_id)
        return caller

    def refused(self, caller: Caller, scope: Scope) -> None:
        """Tell the audit that ``caller`` asked for what is not theirs."""
        what = f"{scope['method']} {scope['path'][:200]}"
        self._sign_ins.audit.refused(caller.name, what, caller.publisher_id)
