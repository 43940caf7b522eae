"""A customer of a withheld domain: nothing personal is on disk, in logs, mails or at a destination."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from tests.contracts.mailbox import mailbox
from tests.journeys.conftest import MakeHub
from tests.journeys.customer import Customer
from tests.journeys.hub import SOON, Hub, until
from tests.journeys.places import Endpoint
from tests.journeys.test_publishing import BODY, OFFER, until_ended
from tests.shop import ANSWERS

STUDENT: Final = ANSWERS | {
    "firstName": "Zaphira",
    "lastName": "Quillfeather",
    "email": "zaphira.quillfeather@physics.mit.edu",
    "phone": "+1 617 555 0199",
    "company": "Quillfeather Labs",
    "title": "Doctoral candidate of quills",
    "notes": "My number is 617 555 0142, ask for Zaphira.",
}
PERSONAL: Final = ("Zaphira", "zaphira", "Quillfeather", "quillfeather", "555 0199", "555 0142", "mit.edu", "of quills")


DISGUISED: Final = (
    "zaphira.quillfeather@mit\u200b.edu",
    "zaphira.quillfeather@physics.mit.e\u00addu",
    "zaphira.quillfeather\uff20mit.edu",
    "zaphira.quillfeather@mit.\u24d4\u24d3\u24e4",
    "zaphira.quillfeather@mit\uff61edu",
    "zaphira.quillfeather@mit.\U0001d41e\U0001d41d\U0001d42e",
    "Zaphira Quillfeather <zaphira.quillfeather@mit.edu>",
)
"""Invisible characters, other letters and other shapes, which mean the same domain."""


async def give_disguised(hub: Hub, token: str) -> int:
    """The student once more, each time with the domain in another disguise and in another place; how many leads."""
    person = {name: message for name, message in STUDENT.items() if name not in ("notes", "email")}
    lead = {"publisherId": "contoso", "offerId": "planner", "source": "SPZA", "action": "PLT"}
    count = 0
    for number, email in enumerate(DISGUISED):
        described = lead | {"customer": person, "description": f"Write to {email}, ask for Zaphira."}
        entered = [lead | {"customer": person | {"email": email}}] if "@" in email else []  # else it is refused there
        for each in [described, *entered]:
            kept = await hub.ask("POST", "/v1/leads", each)
            assert [delivery["state"] for delivery in kept["deliveries"]] == ["withheld"], email
        details = {name[0].upper() + name[1:]: message for name, message in person.items()}
        whole = details | {"Email": email}
        hooked = [{"UserDetails": whole} if number % 2 else {"CustomerInfo": json.dumps(whole)}]
        hooked.append({"UserDetails": details, "Work": {"Mail": email}})
        for payload in hooked:
            await hub.ask("POST", f"/hooks/{token}", {"ActionCode": "PLT", "LeadSource": "SPZA", **payload})
        count += 1 + len(entered) + len(hooked)
    return count


async def give_over_every_door(hub: Hub) -> int:
    """The student acts in the storefront, over REST, in a batch and at a hook; how many leads that makes."""
    async with Customer(hub.url) as customer:
        page = await customer.open("/store/offers/contoso/planner/contact-me")
        done = await customer.send(page.form("email"), STUDENT, "consent")
        assert done.url.partition("?")[0].endswith("/thanks")
    person = {name: message for name, message in STUDENT.items() if name != "notes"}
    lead = {"publisherId": "contoso", "offerId": "planner", "source": "SPZA", "action": "PLT", "customer": person}
    lead["description"] = STUDENT["notes"]
    headers = {"Idempotency-Key": "student-1"}
    first = await hub.call("POST", "/v1/leads", lead, headers)
    again = await hub.call("POST", "/v1/leads", lead, headers)
    assert (first[0], again[0], first[1]["id"]) == (202, 200, again[1]["id"])
    assert [delivery["state"] for delivery in first[1]["deliveries"]] == ["withheld"]
    hook = await hub.ask("POST", f"{OFFER}/hooks")
    details = {name[0].upper() + name[1:]: message for name, message in person.items()}
    payload = {"UserDetails": details, "LeadSource": "SPZA", "ActionCode": "PLT", "Quill": STUDENT["notes"]}
    await hub.ask("POST", f"/hooks/{hook['token']}", payload)
    return 3 + await give_disguised(hub, hook["token"])


async def everything_in(database_url: str) -> bytes:
    """Every byte of the database: its files, or every value of every table."""
    if database_url.startswith("sqlite"):
        file = Path(database_url.partition("///")[2])
        return b"".join(path.read_bytes() for path in file.parent.glob(f"{file.name}*"))
    engine = create_async_engine(database_url)
    try:
        async with engine.connect() as conn:
            names = await conn.run_sync(lambda sync: sa.inspect(sync).get_table_names())
            rows = [(await conn.execute(sa.text(f'SELECT * FROM "{name}"'))).all() for name in names]
    finally:
        await engine.dispose()
    return repr(rows).encode()


async def test_nothing_personal_of_a_withheld_customer_is_anywhere(
    database_url: str, make_hub: MakeHub, endpoint: Endpoint
) -> None:
    with mailbox() as box:
        hub = await make_hub(database_url, SMTP_URL=f"smtp://127.0.0.1:{box.port}", LOG_LEVEL="debug")
        await hub.start(*(["serve"] if database_url.startswith("sqlite") else ["api", "worker"]))
        await hub.ask("PUT", "/v1/publishers/contoso", {"displayName": "Contoso"})
        await hub.ask("PUT", OFFER, BODY)
        settings: dict[str, Any] = endpoint.settings
        settings["httpsEndpointLeadConfiguration"] |= {"contactEmail": ["sales@contoso.example"]}
        await hub.ask("PUT", f"{OFFER}/customer-leads", settings)
        for act in ("publish", "golive"):
            await hub.ask("POST", f"{OFFER}/{act}", {} if act == "publish" else None)
            assert (await until_ended(hub))["state"] == "completed"
        count = await give_over_every_door(hub)
        await hub.give("planner", "ada@load.example")  # and one that goes its way

        async def summary() -> bool:
            return any("withheld" in str(mail["Subject"]) for mail in box.mails)

        await until("the notice came", summary, SOON, 0.1, hub.tail)
        await hub.all_settled()
        found = (await hub.ask("GET", "/v1/leads?offerId=planner&test=false&limit=200"))["leads"]
        assert [lead["withheld"] for lead in found] == [False] + [True] * count
        message = await hub.ask("POST", "/v1/find", {"text": STUDENT["email"]})
        assert message["leads"] == []
        assert "withheld" in message["message"][0]
        by_offer = await hub.ask("POST", "/v1/find", {"text": "contoso.planner"})
        assert sum("withheld" in " ".join(lead["message"]) for lead in by_offer["leads"]) == len(by_offer["leads"]) - 1
        assert len(by_offer["leads"]) == 20, "the newest, all but the one that goes its way"
        assert endpoint.emails() == ["ada@load.example"]
        await hub.ask("PUT", f"{OFFER}/connections/second", endpoint.settings_for("/second"))
        replayed = await hub.ask("POST", f"{OFFER}/connections/primary/replay", {"states": ["setAside", "delivered"]})
        assert replayed["deliveries"] >= 1
        await asyncio.sleep(1)
        mails = "\n".join(mail.as_string() for mail in box.mails)
        assert "neither stored nor passed on" in mails.replace("=\n", "")
        await hub.stop_all()
    logs = b"".join(process.log.read_bytes() for process in hub.processes)
    places = {
        "the database": await everything_in(database_url),
        "the logs": logs,
        "the mails": mails.encode(),
        "the destination": repr(endpoint.arrivals).encode() + endpoint.received,
    }
    for where, content in places.items():
        assert content, where
        for text in PERSONAL:
            assert text.encode() not in content, f"{text!r} is in {where}"
