"""The members of a publisher hear by mail that it was suspended, and that it was released. On both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from leadkeeper.access.permissions import Role
from leadkeeper.mail.mailer import Mailer
from leadkeeper.notices.sender import Sender
from leadkeeper.notices.telling import Telling
from tests.contracts.mailbox import Mailbox, mailbox
from tests.contracts.test_email import server_of
from tests.hands import HOUR, MINUTE, Hands
from tests.in_process import Installation, hand_in, installation
from tests.people import add

REASON = "Grace Hopper asked for it."


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
async def home(database_url: str, hands: Hands) -> AsyncIterator[Installation]:
    async with installation(database_url, clock_of=hands.of) as opened:
        yield opened


async def test_members_hear_of_it_once_and_when_it_is_over(home: Installation, hands: Hands) -> None:
    operator = await home.visitor("operator")
    people = [await add(home, role) for role in (Role.OWNER, Role.CONTRIBUTOR, Role.READER)]
    await operator.put("/v1/publishers/fabrikam", {"displayName": "Fabrikam"})
    other = await add(home, Role.OWNER, "fabrikam")
    await hand_in(operator)
    with mailbox() as box:
        await looked(home, box, hands, MINUTE)
        assert box.mails == []
        await operator.post("/v1/publishers/contoso/suspend", {"reason": REASON})
        for _ in range(30):
            await looked(home, box, hands, HOUR)
        begun = ["The publisher is suspended (“Contoso”)"]
        assert [subjects(box, each) for each in people] == [begun] * 3
        text = box.mails[0].get_content()
        assert "An operator suspended the publisher" in text
        assert REASON not in box.mails[0].as_string(), "what an operator wrote stands on the pages alone"
        await operator.post("/v1/publishers/contoso/release")
        await looked(home, box, hands, HOUR)
        over = [*begun, "Settled: The publisher is suspended no more (“Contoso”)"]
        assert [subjects(box, each) for each in people] == [over] * 3
        assert "what was held is on its way" in box.mails[-1].get_content()
        assert subjects(box, other) == []


async def looked(home: Installation, box: Mailbox, hands: Hands, later: int) -> None:
    hands.later += later
    services, url = home.services, "http://leads.example"
    mailer = Mailer(server_of(box))
    await Telling(services.storage, mailer.sender, url, services.operator_addresses, services.clock).look()
    sender = Sender(services.storage, mailer, url, services.clock)
    while await sender.look():
        pass


def subjects(box: Mailbox, to: str) -> list[str]:
    return [str(mail["Subject"]) for mail in box.sent_to(to)]
