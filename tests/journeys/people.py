"""Who is told what: the contacts of connections, and the operator's mail server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tests.contracts.mailbox import Mailbox
from tests.journeys.database import sql
from tests.journeys.hub import SOON, Hub, until

BOSS: Final = "boss@contoso.example"


def mail_by(box: Mailbox) -> dict[str, object]:
    """The settings of a hub that sends its mails by that server."""
    return {"SMTP_URL": f"smtp://127.0.0.1:{box.port}", "MAIL_FROM": "leads@marketplace.example"}


def telling(settings: Mapping[str, Any], *contacts: str) -> dict[str, Any]:
    """A connection's settings with contacts (:data:`BOSS` by default) who hear of trouble, not of every lead."""
    summary = {"contactEmail": list(contacts or (BOSS,)), "notice": "none"}
    return {name: value | summary if isinstance(value, dict) else value for name, value in settings.items()}


async def nobody_was_notified(hub: Hub, box: Mailbox) -> None:
    """It healed by itself in seconds: no mail went out, and none is written down to go."""
    notices = await sql(hub.database_url, "SELECT kind, body FROM notice")
    assert notices == [], f"people would be told: {notices}"
    assert box.mails == [], [mail["Subject"] for mail in box.mails]


async def operator_is_notified(hub: Hub, why: str) -> None:
    """``/readyz`` says 503, and why, to whoever runs the installation."""
    message: list[object] = [None]

    async def summary() -> bool:
        status, problem = await hub.call("GET", "/readyz")
        message[0] = problem
        return status == 503 and why in problem["detail"]

    await until(f"/readyz tells that {why!r}", summary, SOON, summary=lambda: f"{message[0]}\n{hub.tail()}")
