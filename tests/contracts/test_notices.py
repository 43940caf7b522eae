"""Notices are sent whatever becomes of another, and by one process only. Both databases."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from leadkeeper.connections.outbox import CONNECTION_PAUSED, GATHER_PAUSED_MS, connection_paused
from leadkeeper.mail.address import MailRules, parse_address
from leadkeeper.notices.sender import HELD_MS, Sender
from leadkeeper.storage import tables as t
from tests.contracts.installation import TestInstallation, furnished


class Post:
    """A mail server that takes its time."""

    sender = parse_address("leadkeeper@test")

    def __init__(self, installation: TestInstallation, takes: int = 0) -> None:
        self.sent = 0
        self._installation, self._takes = installation, takes

    async def send(self, message: object, to: Sequence[str]) -> dict[str, None]:
        self.sent += 1
        self._installation.now += self._takes
        return dict.fromkeys(to)


async def _with_notices(installation: TestInstallation, bodies: Sequence[str]) -> None:
    for number, body in enumerate(bodies):
        connection = await installation.connect(f"c{number}")
        settings = sa.update(t.connection).values(settings='{"contactEmail": ["ada@contoso.example"]}', paused=True)
        row = connection_paused(connection.id, body, installation.now)
        for statement in (settings, sa.insert(t.notice).values(row)):
            await installation.storage.write(_run, statement)
    installation.now += GATHER_PAUSED_MS


def _run(conn: sa.Connection, statement: sa.Executable) -> None:
    conn.execute(statement)


async def test_a_notice_that_cannot_be_written_delays_no_other(database_url: str) -> None:
    async with furnished(database_url) as installation:
        good = '{"kind": "serverError", "outcome": "failed", "evidence": {}}'
        await _with_notices(installation, ['{"result": "created"}', good])
        post = Post(installation)
        sender = Sender(installation.storage, post, "https://leads.example", installation.clock, MailRules(("*",)))  # type: ignore[arg-type]
        assert await sender.look() == 1
        assert (
            await installation.count(t.notice, t.notice.c.ended_at.is_(None), t.notice.c.kind == CONNECTION_PAUSED) == 1
        )


async def test_notices_are_not_sent_when_they_may_be_anothers_by_now(database_url: str) -> None:
    async with furnished(database_url) as installation:
        # Of one cause they would be one mail.
        kinds = ("serverError", "tlsFailed", "noAnswer", "redirected", "endpointGone")
        await _with_notices(
            installation, [f'{{"kind": "{kind}", "outcome": "failed", "evidence": {{}}}}' for kind in kinds]
        )
        post = Post(installation, takes=HELD_MS // 2)
        sender = Sender(installation.storage, post, "https://leads.example", installation.clock, MailRules(("*",)))  # type: ignore[arg-type]
        assert await sender.look() == 2
        installation.now += HELD_MS
        assert await sender.look() == 2
        assert post.sent == 4
