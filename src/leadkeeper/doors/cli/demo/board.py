"""What the hub says of the leads: asked again and again, and shown."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from leadkeeper.destinations.registry import OURS
from leadkeeper.diagnoses.text import WHO_ACTS
from leadkeeper.diagnosis import Who
from leadkeeper.doors.cli.demo.hub import Hub
from leadkeeper.doors.cli.demo.screen import Line, Screen, short_lead_source
from leadkeeper.doors.cli.showing import spoken
from leadkeeper.texts import lazy_gettext as _

_SECONDS: Final = 0.25
_MOST: Final = 100
RECEIPT_WORDS: Final[Mapping[str, str]] = {
    "created": _("created"),
    "updated": _("updated"),
    "duplicate": _("was there already"),
    "sent": _("sent"),
}
"""What a destination did with a lead, in a word."""
_ENDED: Final = frozenset({"delivered", "unconfirmed", "setAside", "withheld"})


class Board:
    """The newest deliveries as the hub's API shows them."""

    def __init__(self, hub: Hub, screen: Screen) -> None:
        self._hub = hub
        self._screen = screen
        self._lines: dict[str, Line] = {}
        self._looked = asyncio.Condition()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(_SECONDS)

    async def look(self) -> None:
        """Ask once and show what came of it. Leads whose deliveries have all ended are not asked about again."""
        page = await self._hub.ask("GET", f"/v1/leads?limit={_MOST}")
        lines: list[Line] = []
        for summary in page["leads"]:
            known = [self._lines.get(delivery["id"]) for delivery in summary["deliveries"]]
            states = [delivery["state"] for delivery in summary["deliveries"]]
            if set(states) <= _ENDED and states == [line.state if line else "" for line in known]:
                lines += [line for line in known if line is not None]
            else:
                lines += await self._details(summary["id"])
        self._lines = {line.id: line for line in lines}
        self._screen.show(lines)
        async with self._looked:
            self._looked.notify_all()

    async def until(self, wanted: Callable[[Mapping[str, Line]], bool], seconds: float) -> bool:
        """Wait until the lines are as ``wanted``; false if they are not in time."""
        try:
            async with asyncio.timeout(seconds), self._looked:
                await self._looked.wait_for(lambda: wanted(self._lines))
        except TimeoutError:
            return False
        return True

    def of(self, lead_ids: Collection[str]) -> list[Line]:
        """The deliveries of these leads as they were seen last."""
        return [line for line in self._lines.values() if line.lead in lead_ids]

    async def _details(self, lead_id: str) -> list[Line]:
        lead = await self._hub.ask("GET", f"/v1/leads/{lead_id}")
        return [_line(lead, delivery) for delivery in lead["deliveries"]]


def _line(lead: Mapping[str, Any], delivery: Mapping[str, Any]) -> Line:
    return Line(
        id=delivery["id"],
        lead=lead["id"],
        lead_source=short_lead_source(lead["leadSource"]),
        offer=f"{lead['publisherId']}.{lead['offerId']}",
        connection=delivery["connection"],
        destination=f"{delivery['connection']} ({spoken(OURS.named(delivery['destination']).title)})",
        state=delivery["state"],
        summary=summary(delivery),
    )


def summary(delivery: Mapping[str, Any]) -> str:
    """The receipt, or the diagnosis with who must act, in a few words."""
    receipt, diagnosis = delivery.get("receipt"), delivery.get("diagnosis")
    if receipt is not None:
        word = spoken(RECEIPT_WORDS.get(receipt["result"], receipt["result"]))
        return f"{word} {receipt['remoteId'] or ''}".strip()
    if diagnosis is None:
        return ""
    if diagnosis["who"] == "nobody":
        return str(diagnosis["summary"])
    return spoken(
        _("%(summary)s Who acts: %(who)s.", summary=diagnosis["summary"], who=_(WHO_ACTS[Who(diagnosis["who"])]))
    )
