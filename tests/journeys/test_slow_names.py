"""Names that take long to look up delay the leads that go there, and no others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from leadkeeper.sandbox.authority import Authority
from tests.contracts.mailbox import Mailbox
from tests.journeys.conftest import MakeHub
from tests.journeys.hub import SOON, until
from tests.journeys.people import mail_by, nobody_was_notified, telling
from tests.journeys.places import Endpoint
from tests.services.slow_names import SlowNames

pytestmark = pytest.mark.slow
SLOW: Final = [f"slow{number}.example" for number in range(8)]
FAST: Final = "fast.example"
SECONDS: Final = 8.0


@pytest.fixture
def names() -> Iterator[SlowNames]:
    """The DNS server."""
    made = SlowNames(SECONDS)
    yield made
    made.close()


def by_name(endpoint: Endpoint, name: str) -> dict[str, Any]:
    """The settings of a connection that reaches the endpoint by that name."""
    settings = endpoint.settings
    config = settings["httpsEndpointLeadConfiguration"]
    config["httpsEndpointUrl"] = config["httpsEndpointUrl"].replace("127.0.0.1", name)
    return settings


async def test_eight_slow_names_delay_no_healthy_connection(
    database_url: str, make_hub: MakeHub, authority_folder: Path, names: SlowNames, box: Mailbox
) -> None:
    endpoint = Endpoint(Authority(authority_folder).server_context(FAST, *SLOW))
    await endpoint.start()
    hub = await make_hub(database_url, **mail_by(box))
    hub.program = names.program
    await hub.start("serve")
    await hub.make_offer("crm", endpoint=telling(by_name(endpoint, FAST)))
    for number, name in enumerate(SLOW):
        await hub.make_offer(f"slow{number}", endpoint=telling(by_name(endpoint, name)))
        await hub.give(f"slow{number}", f"slow{number}@load.example")

    async def all_asked() -> bool:
        return set(SLOW) <= set(names.asked)

    await until("all slow names are being looked up", all_asked, SOON, summary=hub.tail)
    healthy = {f"healthy{number}@load.example" for number in range(20)}
    for email in sorted(healthy):
        await hub.give("crm", email)

    async def arrived() -> bool:
        return healthy <= set(endpoint.emails())

    # The slow ones are not answered meanwhile, however long this machine takes.
    took = await until("the healthy connection's leads arrive", arrived, SOON, summary=hub.tail)
    assert not set(SLOW) & set(names.answered)
    names.may_answer.set()
    await hub.all_delivered(2 * SOON)
    endpoint.check()
    assert set(endpoint.times()) == healthy | {f"slow{number}@load.example" for number in range(8)}
    assert set(endpoint.times().values()) == {1}
    await nobody_was_notified(hub, box)
    await endpoint.stop()
    print(f"healthy leads arrived within {took:.1f} s; {len(names.asked)} look-ups")
