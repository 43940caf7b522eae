"""The operator's mail as a destination uses it: the server, what publishers may do with it, and turns at it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from leadkeeper.gate import Gate, NoTurn, acting_for
from leadkeeper.mail.address import DEFAULT_RULES, MailRules
from leadkeeper.mail.mailer import Mailer, MailServer
from leadkeeper.network.trouble import NoFreeConnection
from leadkeeper.texts import lazy_gettext

MAILS: Final = 32
"""How many mails are handed in at once; a publisher alone has 12 of them."""
MAILS_RESERVED: Final = 8


class MailService:
    """What an installation has for mail. ``mailer`` is ``None`` where the operator names no mail server.

    ``rules`` say what publishers may do with it, and ``base_url`` starts the links in mails.
    """

    def __init__(self, server: MailServer | None = None, rules: MailRules = DEFAULT_RULES, base_url: str = "") -> None:
        self.mailer = None if server is None else Mailer(server)
        self.rules = rules
        self.base_url = base_url
        self._turns = Gate(MAILS, MAILS_RESERVED)

    @asynccontextmanager
    async def turn(self, seconds: float) -> AsyncIterator[None]:
        """A turn at the mail server; raises :class:`NoFreeConnection` when none comes in ``seconds``."""
        who = acting_for()
        try:
            await self._turns.enter(who, seconds)
        except NoTurn:
            raise NoFreeConnection(
                lazy_gettext("all connections that the publisher may have at once are in use")
            ) from None
        try:
            yield
        finally:
            self._turns.leave(who)
