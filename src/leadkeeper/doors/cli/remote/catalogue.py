"""Publishers, offers and connections of an installation elsewhere, as the JSON that it writes, each with its offer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, RootModel

from leadkeeper.connections.state import ConnectionState
from leadkeeper.doors.cli.remote.chosen import offer_path
from leadkeeper.offer import OfferRef
from leadkeeper.views import DiagnosisView

if TYPE_CHECKING:
    from leadkeeper.doors.cli.remote.client import Remote


class Named(BaseModel):
    """Of a thing only what it is called."""

    id: str


async def publisher_ids(remote: Remote) -> list[str]:
    """Those that the key may see."""
    return [remote.read(Named, each).id for each in await remote.every("/v1/publishers", "publishers")]


class _Member(BaseModel):
    id: str
    email: str


async def members(remote: Remote, publisher_id: str) -> list[tuple[str, str]]:
    """The ids and addresses of a publisher's members."""
    found = await remote.every(f"/v1/publishers/{quote(publisher_id, safe='')}/members", "members")
    return [(each.id, each.email) for each in (remote.read(_Member, one) for one in found)]


class _Health(BaseModel):
    model_config = ConfigDict(extra="allow")

    state: ConnectionState
    since: str | None
    diagnosis: DiagnosisView | None


class _Shown(BaseModel):
    """What the commands show of a connection; the settings of its destination stay as they came."""

    model_config = ConfigDict(extra="allow")

    leadDestination: str
    name: str
    title: str = ""
    health: _Health
    createdTime: str
    changedTime: str


def path_of(offer: OfferRef, name: str) -> str:
    """Where the API has a connection."""
    return f"{_every(offer)}/{quote(name, safe='')}"


async def list_connections(remote: Remote, offer: OfferRef | None) -> list[dict[str, Any]]:
    """An offer's connections, else those of all offers that the key may see, by offer and name."""
    found: list[dict[str, Any]] = []
    for each in [offer] if offer is not None else await _offers(remote):
        found += [_shown(remote, each, one) for one in await remote.every(_every(each), "connections")]
    return found


async def read_connection(remote: Remote, offer: OfferRef, name: str) -> dict[str, Any]:
    """A connection with its settings, secrets masked; fails like every call when there is none of that name."""
    found = await remote.get(path_of(offer, name), RootModel[dict[str, Any]])
    return _shown(remote, offer, found.root)


async def put_connection(
    remote: Remote, offer: OfferRef, name: str, body: dict[str, Any]
) -> tuple[dict[str, Any] | None, bool]:
    """What the connection is now, or ``None`` where ``body`` removed it; and whether it is new."""
    found, is_new = await remote.put(path_of(offer, name), RootModel[dict[str, Any]], body)
    if "name" not in found.root:
        return None, False
    return _shown(remote, offer, found.root), is_new


async def say_of_test_lead(
    remote: Remote, offer: OfferRef, name: str, marker: str | None, *, found: bool
) -> dict[str, Any]:
    """The connection once it was said whether its test lead was found."""
    body = {"found": found} | ({} if marker is None else {"marker": marker})
    done = await remote.post(f"{path_of(offer, name)}/test-lead", RootModel[dict[str, Any]], body)
    return _shown(remote, offer, done.root)


async def act_on_connection(remote: Remote, offer: OfferRef, name: str, act: str) -> None:
    """Pause it, or resume it."""
    await remote.post(f"{path_of(offer, name)}/{act}", _Shown)


async def rename_connection(remote: Remote, offer: OfferRef, name: str, title: str) -> str:
    """What the connection is called now."""
    done = await remote.post(f"{path_of(offer, name)}/rename", _Shown, {"title": title})
    return done.title


class _Order(BaseModel):
    names: list[str]


async def move_connection(remote: Remote, offer: OfferRef, name: str, position: int) -> list[str]:
    """The names of the offer's connections in their order."""
    return (await remote.post(f"{path_of(offer, name)}/move", _Order, {"position": position})).names


async def _offers(remote: Remote) -> list[OfferRef]:
    """Every offer is asked for its connections: the list of everybody's holds no settings, and is for operators."""
    offers: list[OfferRef] = []
    for publisher in await publisher_ids(remote):
        path = f"/v1/publishers/{quote(publisher, safe='')}/offers"
        offers += [OfferRef(publisher, remote.read(Named, each).id) for each in await remote.every(path, "offers")]
    return sorted(offers, key=str)


def _every(offer: OfferRef) -> str:
    return f"{offer_path(offer)}/connections"


def _shown(remote: Remote, offer: OfferRef, value: dict[str, Any]) -> dict[str, Any]:
    """As it came, which is as the commands write it too; looked at, so that nothing is missing in it."""
    remote.read(_Shown, value)
    older = {} if "title" in value else {"title": value.get("name", "")}
    return {"offer": str(offer), **value, **older}
