"""What the sandbox's page and control API show besides the services of its own server: endpoints, tables, files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from leadkeeper.sandbox.https_endpoint.stand_in import EndpointRequest as Post
from leadkeeper.sandbox.https_endpoint.stand_in import ReceivingEndpoint
from leadkeeper.sandbox.stand_in import OK, Answer, Request

DOWN: Final = "down"
_SERVER_ERROR: Final = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"


class MoodyEndpoint(ReceivingEndpoint):
    """A receiving endpoint that answers 500 to everything while it is ``down``."""

    down = False

    def answer(self, request: Post) -> bytes:
        """As its parent, unless it is down."""
        return _SERVER_ERROR if self.down else super().answer(request)


class _Shown:
    """A stand-in that answers elsewhere than at the sandbox's own server; see ``stand_in.StandIn``."""

    hosts: Final[tuple[str, ...]] = ()

    async def handle(self, request: Request) -> Answer:
        """It is never asked here."""
        return Answer.text(404, "this one answers at an address of its own")


class Endpoints(_Shown):
    """The receiving endpoints, all in one mood."""

    name: Final = "https_endpoint"
    states: Final[Mapping[str, str]] = {OK: "takes what is right", DOWN: "answers 500 to everything"}

    def __init__(self) -> None:
        self.all: list[MoodyEndpoint] = []

    @property
    def state(self) -> str:
        return DOWN if any(endpoint.down for endpoint in self.all) else OK

    def choose(self, state: str) -> None:
        """Let every endpoint be in ``state``."""
        for endpoint in self.all:
            endpoint.down = state == DOWN

    def reset(self) -> None:
        """Work again, and forget what came."""
        self.choose(OK)
        for endpoint in self.all:
            endpoint.received.clear()
            endpoint.refused.clear()

    def received(self) -> Sequence[Mapping[str, object]]:
        """Every lead: the endpoint's port, how often it came, and its body."""
        return [
            {"port": endpoint.port, "times": lead.count} | lead.body
            for endpoint in self.all
            for lead in endpoint.received.values()
        ]


class ShownRecords(_Shown):
    """What Azurite holds, as it was read last: ``read`` gives it by key."""

    states: Final[Mapping[str, str]] = {OK: "Microsoft's emulator Azurite, strict as the real service"}
    state: Final = OK

    def __init__(self, name: str) -> None:
        self.name = name
        self._known: Mapping[str, Mapping[str, Any]] = {}
        self._forgotten: frozenset[str] = frozenset()

    def refresh(self, known: Mapping[str, Mapping[str, Any]]) -> None:
        """This is what it holds now, by key."""
        self._known = known

    def choose(self, state: str) -> None:
        """There is only one."""

    def reset(self) -> None:
        """Show no longer what is there; Azurite keeps it."""
        self._forgotten = frozenset(self._known)

    def received(self) -> Sequence[Mapping[str, object]]:
        """What is there, texts only."""
        return [
            {name: str(value) for name, value in record.items()}
            for key, record in self._known.items()
            if key not in self._forgotten
        ]
