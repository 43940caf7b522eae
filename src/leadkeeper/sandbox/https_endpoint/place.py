"""An HTTPS endpoint in the demo."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from typing import Any

from leadkeeper.sandbox.https_endpoint.stand_in import Arrived
from leadkeeper.sandbox.place import HOST, FoundLead, Mishap, Place, Scene


def places(scene: Scene) -> list[Place]:
    """The connections to it."""
    return [https_endpoint(scene, "https")]


def https_endpoint(scene: Scene, connection: str) -> Place:
    """An endpoint over HTTPS that demands signatures."""

    def settings(signing_secret: str) -> dict[str, Any]:
        url = f"https://{HOST}:{scene.endpoint.port}/leads"
        return {"httpsEndpointUrl": url, "signingSecret": signing_secret}

    async def look() -> Mapping[str, FoundLead]:
        return at_endpoint(scene.endpoint.received)

    mishap = Mishap("its signing secret is another", "the right secret is entered", settings(signing_secret()))
    return Place(connection, "HTTPS endpoint", settings(scene.secret), look, mishap, once=False)


def signing_secret() -> str:
    """A signing secret as Standard Webhooks writes it."""
    return "whsec_" + base64.b64encode(os.urandom(32)).decode()


def at_endpoint(received: Mapping[str, Arrived]) -> dict[str, FoundLead]:
    """What an endpoint took."""
    leads = {}
    for lead_id, arrived in received.items():
        details = arrived.body["UserDetails"]
        address = str(details["Email"]) if isinstance(details, dict) else ""
        leads[lead_id] = FoundLead("taken, signature valid", str(arrived.body["LeadSource"]), address, arrived.count)
    return leads
