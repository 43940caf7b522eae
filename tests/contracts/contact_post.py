"""An installation whose contact e-mails are asked, with its mail server; time passes at the test's word."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

from leadkeeper.clock import now_ms
from leadkeeper.mail.mailer import Mailer, parse_mail_server
from leadkeeper.notices.sender import Sender
from tests.contracts.mailbox import Mailbox, mailbox
from tests.in_process import OFFER, Answer, Installation, Visitor, installation

HOUR = 3_600_000
DAY = 24 * HOUR
CONNECTION = f"{OFFER}/connections/primary"
LINK = re.compile(r"https://leads\.example(/contacts/\S+)")


def settings(*contacts: str, destination: str = "httpsEndpoint") -> dict[str, Any]:
    """A connection's settings with these contact e-mails."""
    config: dict[str, Any] = {"contactEmail": list(contacts)}
    if destination == "httpsEndpoint":
        config["httpsEndpointUrl"] = "https://leads.example/h"
    return {"leadDestination": destination, f"{destination}LeadConfiguration": config}


@dataclass
class Post:
    """An installation with its mail server; time passes at the test's word."""

    home: Installation
    box: Mailbox
    publisher: Visitor
    operator: Visitor
    more: dict[str, Any] = field(default_factory=dict)
    ahead: int = 0

    @property
    def sender(self) -> Sender:
        """What sends the mails, at the time of the test."""
        mailer = Mailer(parse_mail_server(f"smtp://127.0.0.1:{self.box.port}", "leads@marketplace.example"))
        return Sender(
            self.home.services.storage, mailer, "https://leads.example", lambda: now_ms() + self.ahead, **self.more
        )

    async def pass_time(self, ms: int) -> None:
        """Let time pass and send what is due then."""
        self.ahead += ms
        await self.sender.look()

    async def states(self, who: Visitor | None = None) -> dict[str, str]:
        """The state of each contact as the API shows it."""
        shown = (await (who or self.publisher).get(CONNECTION)).json()
        return {contact["email"]: contact["state"] for contact in shown["contacts"]}

    def question(self, address: str, number: int = -1) -> EmailMessage:
        """The question that ``address`` got."""
        return [mail for mail in self.box.sent_to(address) if LINK.search(mail.get_content())][number]

    def link(self, address: str) -> str:
        """Where the last question leads."""
        found = LINK.search(self.question(address).get_content())
        assert found is not None
        return found[1]

    async def choose(self, link: str, choice: str) -> Answer:
        """Press a button of the page."""
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        return await self.home.anyone.call("POST", link, data=f"choice={choice}".encode(), headers=form)


@asynccontextmanager
async def opened(url: str, **more: Any) -> AsyncIterator[Post]:
    async with installation(url) as home:
        with mailbox() as box:
            publisher, operator = await home.visitor("publisher:contoso"), await home.visitor("operator")
            yield Post(home, box, publisher, operator, more)
