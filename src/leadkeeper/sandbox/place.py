"""A destination's place in the demo: settings as a publisher enters them, a look at the remote system, what breaks it.

Each stand-in brings its own, in the module ``place`` of its package: a function ``places`` with the connections to it.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from leadkeeper.sandbox.email.stand_in import Mail
from leadkeeper.sandbox.https_endpoint.stand_in import ReceivingEndpoint
from leadkeeper.sandbox.server import Sandbox

HOST: Final = "127.0.0.1"
"""Where everything of the demo listens."""
CONTACT: Final = "leads@contoso.example"
LEAD_ID: Final = re.compile(r"^Lead id: (?P<id>[0-9a-f-]{36})$", re.MULTILINE)
"""How a description that has no field beside it names our lead."""
SOURCE: Final = re.compile(r"^Lead source: (?P<text>.*)$", re.MULTILINE)
_TEST_MARKER: Final = re.compile(r"MSFT_TEST_[0-9]+")


def is_test_marker(text: str) -> bool:
    """Whether it is the marker of a test lead, as Microsoft's marketplace makes them.

    Where a destination has no place of its own for a lead's id, a test lead goes without: its e-mail address finds it.
    """
    return _TEST_MARKER.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class FoundLead:
    """One lead at one destination, and how often. ``lead_source`` and ``email`` are None where it gets neither.

    ``open_text`` is what anybody may read, so that nothing personal may stand in it.
    """

    receipt: str
    lead_source: str | None
    email: str | None
    times: int = 1
    open_text: str = ""


@dataclass(frozen=True, slots=True)
class Mishap:
    """What goes wrong with a connection: other settings, or a stand-in in another state. ``fixed`` says what helps."""

    what: str
    fixed: str
    settings: Mapping[str, Any] | None = None
    state: tuple[str, str] | None = None


class StorageAccount(Protocol):
    """The demo's storage account, read with Microsoft's own client."""

    async def rows(self) -> Sequence[Mapping[str, Any]]:
        """The rows that are really in the table."""

    async def files(self) -> Mapping[str, Mapping[str, str]]:
        """The files that are really in the container, by name: the columns of their one row."""


class Mailbox(Protocol):
    """The demo's mail server."""

    @property
    def mails(self) -> Sequence[Mail]:
        """What it took."""


@dataclass(frozen=True, slots=True)
class Scene:
    """All stand-ins that run; ``endpoint`` demands signatures made with ``secret``."""

    sandbox: Sandbox
    storage: StorageAccount
    mail: Mailbox
    endpoint: ReceivingEndpoint
    secret: str


@dataclass(frozen=True, slots=True)
class Place:
    """One connection of an offer; ``settings`` are those of its destination, by their JSON names.

    ``look`` reads the leads at the remote system itself, by their ids.

    ``confirms``: the destination says whether it kept a lead; where it does not, Leadkeeper calls it unconfirmed.
    ``once``: a lead must never be there twice; an endpoint may be sent one again, and knows it by its id.
    """

    connection: str
    title: str
    settings: Mapping[str, Any]
    look: Callable[[], Awaitable[Mapping[str, FoundLead]]]
    mishap: Mishap
    confirms: bool = True
    once: bool = True
