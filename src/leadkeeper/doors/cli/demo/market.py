"""The marketplace that the demo leaves behind: published offers, and people who can sign in to its pages."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import aiohttp

from leadkeeper.doors.cli.demo import cast
from leadkeeper.doors.cli.demo.hub import Hub, Refused
from leadkeeper.doors.cli.demo.screen import Screen
from leadkeeper.doors.cli.showing import spoken
from leadkeeper.texts import lazy_gettext as _

_SECONDS: Final = 60.0
"""The longest that an offer's way to its preview, or from there to customers, may take."""
_LOOK: Final = 0.2
_INVITATION: Final = re.compile(r"/portal/invitation/lko_[\w-]+")

_TOKEN: Final = re.compile(r'name="token" value="([^"]+)"')


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """Somebody who can sign in to the portal. The password was made for this demo and ends with it."""

    what: str
    email: str
    password: str


async def publish_offers(hub: Hub, screen: Screen) -> None:
    """Take the offers of the cast that are to be published to customers. Raises :class:`Refused` where one fails."""
    for offer in cast.PUBLISHED:
        publisher_id, _, offer_id = offer.partition(".")
        path = f"/v1/publishers/{publisher_id}/offers/{offer_id}"
        texts = {name: spoken(of) if isinstance(of, str) else of for name, of in cast.PUBLISHED[offer].items()}
        listing = {"title": cast.OFFERS[offer], **texts}
        await hub.ask("PUT", path, listing)
        begun = await hub.ask("POST", f"{path}/publish", {})
        await _ended(hub, path, begun["id"])
        begun = await hub.ask("POST", f"{path}/golive")
        await _ended(hub, path, begun["id"])
        status = await hub.ask("GET", f"{path}/status")
        screen.say(f"  {offer}: {status['liveLink']}", "green")


async def _ended(hub: Hub, path: str, operation_id: str) -> None:
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end:
        operation = await hub.ask("GET", f"{path}/operations/{operation_id}")
        if operation["state"] == "completed":
            return
        if operation["state"] != "running":
            texts = [message["text"] for step in operation["steps"] for message in step["messages"]]
            raise Refused(
                _(
                    "The publishing of %(path)s has ended as %(state)s: %(why)s",
                    path=path,
                    state=operation["state"],
                    why=" ".join(texts[-1:]),
                )
            )
        await asyncio.sleep(_LOOK)
    raise Refused(_("The publishing of %(path)s did not end within %(seconds)s s.", path=path, seconds=round(_SECONDS)))


async def invite_people(hub: Hub) -> Sequence[DemoPerson]:
    """Everybody of the cast, invited and arrived as it happens in a browser. Raises :class:`Refused`."""
    accounts = []
    async with _browser() as operator:
        token = _TOKEN.search(await _post(operator, f"{hub.url}/portal/sign-in", {"key": hub.key}))
        if token is None:
            raise Refused(_("The portal's first page holds no form of its own."))
        for what, name, email, publisher_id, role in cast.ACCOUNTS:
            page = "people" if publisher_id is None else f"publishers/{publisher_id}/members"
            form = {"token": token[1], "email": email, "role": role}
            shown = await _post(operator, f"{hub.url}/portal/{page}/invite", form)
            link = _INVITATION.search(shown)
            if link is None:
                raise Refused(_("The page %(page)s shows no invitation.", page=page))
            account = DemoPerson(what, email, secrets.token_urlsafe(12))
            async with _browser() as browser:
                await _post(browser, hub.url + link[0], {"name": name, "password": account.password})
            accounts.append(account)
    return accounts


def _browser() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))  # cookies of an address without a name


async def _post(browser: aiohttp.ClientSession, url: str, form: dict[str, str]) -> str:
    """The page that a form leads to."""
    async with browser.post(url, data=form) as response:
        if not response.ok:
            path = re.sub(r"lko_[\w-]+", "...", response.url.path)
            raise Refused(_("A form of %(path)s was refused (%(status)s).", path=path, status=response.status))
        return await response.text()
