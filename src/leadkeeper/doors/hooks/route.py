"""``POST /hooks/{token}``: where Microsoft's marketplace posts its leads. The token is the only credential."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final

from starlette.types import Receive, Scope, Send

from leadkeeper.access.hooks import Hooks
from leadkeeper.access.quotas import Rate
from leadkeeper.doors.hooks.operation import HookAnswer, operation
from leadkeeper.doors.readable import require_unencoded
from leadkeeper.doors.web import HotRoute, header, hops_of, read_body, send_body
from leadkeeper.intake.keep import Intake
from leadkeeper.intake.payload import json_object, lead_in
from leadkeeper.intake.payload_keys import keys_of
from leadkeeper.offer import OfferRef
from leadkeeper.problem import Problem, ProblemType
from leadkeeper.publisher_turns import HOOK_LEADS, wait_for_turn
from leadkeeper.texts import lazy_gettext

_PREFIX: Final = "/hooks/"
_KEY_HEADERS: Final = {b"idempotency-key": False, b"webhook-id": True}
"""Headers that name what is sent, and whether that is a message, which may be worded otherwise when it comes again."""

Counted = Callable[[str, str], None]
"""Told the door and the result (``kept`` or ``repeat``) of every lead taken in."""


def hook_route(hooks: Hooks, intake: Intake, counted: Counted = lambda _door, _result: None) -> HotRoute:
    """The way in for payloads of Microsoft's HTTPS endpoint."""
    door = _HookDoor(hooks, intake, counted)
    return HotRoute(f"{_PREFIX}{{token}}", "hook", door.handle, operation(), (HookAnswer,))


class _HookDoor:
    def __init__(self, hooks: Hooks, intake: Intake, counted: Counted) -> None:
        self._hooks = hooks
        self._intake = intake
        self._counted = counted

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Keep the lead that was posted and answer its id."""
        require_unencoded(scope)
        body = await read_body(receive)
        hook = await self._hooks.hook_of(scope["path"].removeprefix(_PREFIX))
        if hook is None:
            raise Problem(
                ProblemType.NOT_FOUND, lazy_gettext("There is no such hook. Copy its address again, or make a new one.")
            )
        await wait_for_turn(hook.offer.publisher_id, HOOK_LEADS)
        payload = json_object(body)
        self._hooks.took(hook.id, keys_of(payload))
        key, names_message = _idempotency_key(scope, hook.offer)
        lead = lead_in(payload, hook.offer, key, hops_of(scope), names_message=names_message)
        kept = await self._intake.keep(lead, Rate.HOOK_LEADS)
        self._counted("hook", "repeat" if kept.repeat else "kept")
        await send_body(send, 200, b'{"id":"%b"}' % kept.id.encode())


def _idempotency_key(scope: Scope, offer: OfferRef) -> tuple[str | None, bool]:
    """The sender's name for what it sends, if it has one, as a key of this offer's hooks alone; and whether that is a
    message's (see :attr:`NewLead.names_message`).

    Senders that post one message to the hooks of several offers use one name for all.
    """
    for name, names_message in _KEY_HEADERS.items():
        value = (header(scope, name) or b"").strip()
        if value:
            return "hook:" + hashlib.sha256(str(offer).encode() + b"\0" + value).hexdigest(), names_message
    return None, False
