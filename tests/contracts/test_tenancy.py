"""Every route and role on another publisher's objects: nothing by content, status, wording or count.

The cases come from the OpenAPI document (which holds the Cloud Partner API and the hooks too) and from the portal's
table of routes: each parameter is once another publisher's, once nobody's, and both must be answered alike. A route
whose parameter or body has no entry here fails.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pytest
import sqlalchemy as sa

from leadkeeper.access.permissions import Caller, Role
from leadkeeper.access.sessions import SignInPlace
from leadkeeper.channels.channels import Wanted
from leadkeeper.channels.events import ChannelKind
from leadkeeper.clock import new_id
from leadkeeper.inbox.lists.filter import LeadFilter
from leadkeeper.inbox.lists.selection import BulkAct, Order
from leadkeeper.mail.address import parse_address
from leadkeeper.mail.fates import mail_row
from leadkeeper.mail.text import question
from leadkeeper.offer import OfferRef
from leadkeeper.storage import tables as t
from tests.in_process import DESTINATION, Answer, Installation, Visitor, hand_in, installation, lead
from tests.journeys.customer import Customer
from tests.people import add, sign_in
from tests.pictures import png
from tests.routes import page_routes
from tests.rows import all_of
from tests.shop import put_in_slots

MARK: Final = "quagga"
"""Stands in everything that the other publisher has, and in no id of it."""
QUERY: Final = {"/api/": "?api-version=2017-10-31"}
BODIES: Final[Mapping[str, Any]] = {
    "PUT /v1/marketplace": {"name": "Mine now"},
    "PUT /v1/marketplace/logo": {},
    "PUT /v1/publishers/{publisherId}": {"displayName": "Mine now"},
    "POST /v1/publishers/{publisherId}/suspend": {"reason": "Mine now"},
    "POST /v1/keys": {"role": "publisher:{publisherId}"},
    "PUT /v1/publishers/{publisherId}/retention": {"personalDays": 1},
    "POST /v1/publishers/{publisherId}/portal-links": {"role": "reader"},
    "POST /v1/publishers/{publisherId}/channels": {"kind": "webhook", "name": "Ours", "address": "https://o.example/"},
    "POST /v1/channels": {"kind": "webhook", "name": "Ours", "address": "https://o.example/"},
    "PUT /v1/publishers/{publisherId}/offers/{offerId}": {"title": "Mine now"},
    "PUT /v1/publishers/{publisherId}/offers/{offerId}/logo": {},  # who may is told that it is no picture
    "PUT /v1/publishers/{publisherId}/offers/{offerId}/customer-leads": DESTINATION,
    "PUT /v1/publishers/{publisherId}/offers/{offerId}/connections/{name}": DESTINATION,
    "POST /v1/publishers/{publisherId}/offers/{offerId}/connections/{name}/preview": {},
    "POST /v1/publishers/{publisherId}/offers/{offerId}/connections/{name}/replay": {"missing": True},
    "POST /v1/publishers/{publisherId}/offers/{offerId}/connections/{name}/rename": {"title": "Ours"},
    "POST /v1/publishers/{publisherId}/offers/{offerId}/connections/{name}/move": {"position": 1},
    "POST /v1/publishers/{publisherId}/offers/{offerId}/connections/{name}/missing-leads/send-again": {},
    "POST /v1/publishers/{publisherId}/offers/{offerId}/connections/{name}/missing-leads/accept": {},
    "POST /v1/publishers/{publisherId}/offers/{offerId}/connections/{name}/test-lead": {"found": True},
    "POST /v1/publishers/{publisherId}/offers/{offerId}/customer-leads/test-lead": {"found": True},
    "POST /v1/publishers/{publisherId}/offers/{offerId}/publish": {},
    "POST /v1/publishers/{publisherId}/offers/{offerId}/certification": {"approved": True},
    "POST /v1/leads": lead(publisherId="{publisherId}", offerId="{offerId}"),
    "POST /v1/leads/batch": lead(publisherId="{publisherId}", offerId="{offerId}"),
    "POST /v1/leads/find": {"email": f"{MARK}@far.example"},
    "POST /v1/leads/bulk": {"leadIds": ["019a9e3b-7c2e-7d41-b1a5-3f0f6f3c2a11"], "act": "again"},
    "POST /v1/leads/bulk/runs": {"filters": {"publisherId": "{publisherId}"}, "act": "again"},
    "POST /v1/publishers/{publisherId}/contacts": {"email": "ops@contoso.example"},
    "POST /v1/leads/follow-up": {},
    "POST /v1/leads/download": {"email": f"{MARK}@far.example"},
    "POST /v1/leads/views": {"name": "Mine", "filters": {}, "publisherId": "{publisherId}"},
    "POST /v1/find": {"text": f"{MARK}@far.example"},
    "POST /hooks/{token}": {"UserDetails": {"LastName": "Lovelace"}, "LeadSource": "SPZA", "ActionCode": "PLT"},
    "PUT /api/publishers/{publisherId}/offers/{offerId}": {
        "offerTypeId": "saas",
        "definition": {"displayText": "Mine now", "offer": {}, "plans": []},
    },
    "POST /v1.0/ingestion/products/{productId}/leadconfiguration": {
        "resourceType": "AzureTableLeadConfiguration",
        "connectionString": f"DefaultEndpointsProtocol=https;AccountName=mine;AccountKey={'A' * 86}==",
    },
    "POST /api/publishers/{publisherId}/offers/{offerId}/publish": {"metadata": {"notification-emails": ""}},
    "POST /api/publishers/{publisherId}/offers/{offerId}/golive": {},
    "POST /api/publishers/{publisherId}/offers/{offerId}/cancel": {"metadata": {"notification-emails": ""}},
}
OPEN: Final = frozenset({"/healthz", "/readyz", "/metrics", "/openapi.json"})
"""Without a key and without publishers."""
ANEW: Final = ("/portal/audit", "/portal/audit/download", "/portal/account/second-factor")
"""Pages that differ each time: one's own refusals stand in the audit, a moment later; the other shows a new secret."""


@dataclass(frozen=True)
class Neighbour:
    """What another publisher has: by parameter, an id of it and one that nobody has."""

    theirs: Mapping[str, str]
    nobody_s: Mapping[str, str]

    def of(self, name: str, *, theirs: bool) -> str:
        """The value of a parameter; a new parameter must be given one here."""
        key = re.sub(r"_(\w)", lambda found: found[1].upper(), name)
        return (self.theirs if theirs else self.nobody_s)[key]


GONE: Final = "019a9e3b-7c2e-7d41-b1a5-3f0f6f3c2a1"


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[Installation]:
    """An installation whose address is plain, so that cookies come back over plain HTTP."""
    async with installation(database_url, public_url="http://leads.example") as opened:
        yield opened


NOBODY_S = {
    "mailId": f"{GONE}9",
    "channelId": f"{GONE}8",
    "personId": f"{GONE}5",
    "digest": "0" * 64,
    "invitationId": f"{GONE}6",
    "sessionId": f"{GONE}7",
    "viewId": f"{GONE}8",
    "runId": f"{GONE}8",
    "publisherId": "nobodyxx",
    "offerId": "nought",
    "name": "primary",
    "leadId": f"{GONE}1",
    "deliveryId": f"{GONE}2",
    "hookId": f"{GONE}3",
    "keyId": f"{GONE}9",
    "operationId": f"{GONE}4",
    "submissionId": f"{GONE}4",
    "productId": "nobodyxx.nought",
    "partnerPublisherId": "nobodyxx",
    "partnerOfferId": "nought",
    "token": "lh_" + "x" * 43,
    "slot": "Draft",
    "version": "1",
    "act": "cancel",
}
"""What nobody has: ids that stand for nothing."""


async def saved_view(home: Installation) -> str:
    """The id of a view that the neighbour's members share."""
    lists = home.services.leads.lists
    await lists.save("person:theirs", "fabrikam", MARK, "state=held", shared=True)
    return (await lists.views("person:theirs", "fabrikam"))[0].id


async def running(home: Installation) -> str:
    """The id of an act on all of the neighbour's leads that is under way."""
    runs, order = home.services.leads.bulk_runs, Order(BulkAct.STATE, state="active")
    return await runs.begin(new_id(), LeadFilter("fabrikam"), order, by="person:theirs", publisher_id="fabrikam")


async def neighbour(home: Installation) -> Neighbour:
    """A publisher with everything that one can have; its offer is a draft that nobody outside knows of."""
    operator = await home.visitor("operator")
    offer = "/v1/publishers/fabrikam/offers/veiled"
    assert (await operator.put("/v1/publishers/fabrikam", {"displayName": f"The {MARK}"})).status == 201
    message = {"title": f"A {MARK}", "summary": "S.", "description": "D.", "callsToAction": ["getItNow"]}
    assert (await operator.put(offer, message)).status == 201
    settings = {"httpsEndpointUrl": f"https://{MARK}.example/h"}
    body = {"leadDestination": "httpsEndpoint", "httpsEndpointLeadConfiguration": settings}
    assert (await operator.put(f"{offer}/customer-leads", body)).status == 201
    hook = (await operator.post(f"{offer}/hooks")).json()
    ended = (await operator.post(f"{offer}/hooks")).json()
    assert (await operator.delete(f"{offer}/hooks/{ended['id']}")).status == 204
    customer = {"lastName": MARK, "email": f"{MARK}@far.example"}
    lead_id = await hand_in(operator, publisherId="fabrikam", offerId="veiled", customer=customer)
    delivery = (await operator.get(f"/v1/leads/{lead_id}")).json()["deliveries"][0]["id"]
    logo = await operator.call("PUT", f"{offer}/logo", data=png(8, 8), headers={"Content-Type": "image/png"})
    begun = await operator.post(f"{offer}/publish", {})
    assert begun.status == 202, begun.body
    await put_in_slots(home.services, OfferRef("fabrikam", "veiled"), preview=1)
    key = await home.services.access.keys.create("publisher:fabrikam", f"for the {MARK}", by="test")
    by = Caller("test", Role.OPERATOR)
    invited = await home.services.accounts.links.invite(f"{MARK}-waits@far.example", "fabrikam", Role.READER, by=by)
    link = await home.services.accounts.links.invite(f"{MARK}-person@far.example", "fabrikam", Role.OWNER, by=by)
    password = "seven lanterns adrift"
    person = await home.services.accounts.links.accept(link.token, name=f"Ada {MARK}", password=password)
    session = await home.services.accounts.sign_ins.as_person(person, SignInPlace(), factor_too=True)
    wanted = Wanted(ChannelKind.WEBHOOK, f"The {MARK}", f"https://{MARK}.example/told")
    channel = await home.services.channels.create("fabrikam", wanted, by="test")
    asked = question("fabrikam", MARK, MARK, f"https://{MARK}.example", parse_address("a@b.example"))
    mail = mail_row(asked, f"ada@{MARK}.example", "fabrikam", 1)
    await home.services.storage.write(lambda conn: conn.execute(sa.insert(t.mail).values(mail)) and None)
    theirs = {
        "mailId": mail["id"],
        "channelId": channel.id,
        "personId": person,
        "digest": logo.json()["digest"],
        "invitationId": invited.id,
        "sessionId": session.session.id,
        "viewId": await saved_view(home),
        "runId": await running(home),
        "publisherId": "fabrikam",
        "offerId": "veiled",
        "name": "primary",
        "leadId": lead_id,
        "deliveryId": delivery,
        "hookId": hook["id"],
        "keyId": key.id,
        "operationId": begun.json()["id"],
        "submissionId": begun.json()["id"],
        "productId": "fabrikam.veiled",
        "partnerPublisherId": "fabrikam",
        "partnerOfferId": "veiled",
        "token": ended["token"],
        "slot": "Draft",
        "version": "1",
        "act": "cancel",
    }
    return Neighbour(theirs, NOBODY_S)


async def operations(home: Installation) -> list[tuple[str, str, Mapping[str, Any]]]:
    """Every method and path of the OpenAPI document."""
    document = (await home.anyone.get("/openapi.json")).json()
    return [
        (method.upper(), path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def parameters(path: str) -> list[str]:
    """The parameters in a path."""
    return re.findall(r"{(\w+)", path)


def variants(path: str) -> Iterator[frozenset[str]]:
    """Which parameters are another's: all of them; and beside one's own publisher and offer, the rest."""
    names = frozenset(parameters(path))
    yield names
    own = {"publisherId", "offerId", "publisher_id", "offer_id"}
    rest = names - own - {"name", "slot", "version", "act"}
    if rest and names & own:
        yield rest


def filled(text: str, values: Mapping[str, str]) -> str:
    """``text`` with its parameters."""
    return re.sub(r"{(\w+)(?::\w+)?}", lambda found: values[found[1]], text)


def body_of(method: str, path: str, operation: Mapping[str, Any], values: Mapping[str, str]) -> object:
    """A body that the operation takes; a new one must be given one here."""
    if "requestBody" not in operation:
        return None
    return json.loads(
        re.sub(r"{(publisherId|offerId)}", lambda f: values[f[1]], json.dumps(BODIES[f"{method} {path}"]))
    )


async def ask(
    visitor: Visitor, method: str, path: str, operation: Mapping[str, Any], values: Mapping[str, str]
) -> Answer:
    """One call."""
    body = body_of(method, path, operation, values)
    query = next((query for start, query in QUERY.items() if path.startswith(start)), "")
    headers = {"Content-Type": "application/x-ndjson"} if path == "/v1/leads/batch" else {}
    return await visitor.call(method, filled(path, values) + query, body, headers=headers)


def seen(answer: Answer, values: Mapping[str, str]) -> tuple[int, dict[str, str], str]:
    """An answer without the names that the caller said itself, without the moment and the request's id."""
    text = re.sub(r'"requestId":"[0-9a-f-]{36}"', '"requestId":"<id>"', answer.body.decode())
    for name, value in sorted(values.items(), key=lambda item: -len(item[1])):
        if len(value) > 5:
            text = text.replace(value, f"<{name}>")
    headers = {k.lower(): v for k, v in answer.headers.items() if k.lower() not in ("date", "content-length")}
    return answer.status, headers, text


async def theirs_now(home: Installation) -> list[Any]:
    """All that the other publisher has, row by row."""
    return await all_of(home, "fabrikam")


@pytest.mark.parametrize("role", ["publisher:contoso", "marketplace", None])
async def test_what_is_another_s_is_answered_as_what_is_not_there(home: Installation, role: str | None) -> None:
    them = await neighbour(home)
    visitor = home.anyone if role is None else await home.visitor(role)
    before, called = await theirs_now(home), 0
    for method, path, operation in await operations(home):
        if path in OPEN or (role == Role.MARKETPLACE and path in ("/v1/leads", "/v1/leads/batch")):
            continue
        own = {"publisherId": "contoso", "offerId": "crm-pro", "name": "primary"}
        for another in variants(path):
            answers = []
            for theirs in (True, False):
                names = {*parameters(path), "publisherId", "offerId"}
                values = {n: them.of(n, theirs=theirs) if n in another or n not in own else own[n] for n in names}
                if "requestBody" in operation and not parameters(path):
                    values = {n: them.of(n, theirs=theirs) for n in names}
                answer = await ask(visitor, method, path, operation, values)
                assert MARK not in answer.body.decode().lower().replace(f"{MARK}@far.example", ""), (method, path)
                assert answer.status < 500, (method, path)
                answers.append(seen(answer, values))
                called += 1
            assert answers[0] == answers[1], (method, path, sorted(another))
    assert called > 80
    assert await theirs_now(home) == before, "something of theirs was changed"


async def test_lists_and_searches_are_the_same_with_a_neighbour_and_without(home: Installation) -> None:
    member = await home.visitor("publisher:contoso")
    await hand_in(await home.visitor("operator"))
    places = [(m, p, o) for m, p, o in await operations(home) if not parameters(p) and p not in OPEN]
    assert len(places) >= 8

    async def look() -> dict[str, Any]:
        found = {}
        for method, path, operation in places:
            values = {"publisherId": "fabrikam", "offerId": "veiled"}
            status, _, text = seen(await ask(member, method, path, operation, values), values)
            # One's own looking stands in the audit.
            found[f"{method} {path}"] = (status, "" if path == "/v1/audit" else text)
        return found

    before = await look()
    await neighbour(home)
    assert await look() == before
    audit = await member.get("/v1/audit?limit=200")
    assert audit.status == 200
    assert {entry["publisherId"] for entry in audit.json()["entries"]} == {"contoso"}


@pytest.mark.parametrize("path", ["/v1/leads", "/v1/audit"])
async def test_filters_by_another_publisher(home: Installation, path: str) -> None:
    await neighbour(home)
    member = await home.visitor("publisher:contoso")
    answers = [
        seen(await member.get(f"{path}?publisherId={name}"), {"publisherId": name}) for name in ("fabrikam", "nobodyxx")
    ]
    assert answers[0] == answers[1]
    assert answers[0][0] == 403


@pytest.mark.parametrize("by", ["key", "person"])
async def test_the_portal_shows_and_does_nothing_of_another_s(home: Installation, by: str) -> None:
    them = await neighbour(home)
    made = await home.services.access.keys.create("publisher:contoso", by="test")
    email = await add(home, Role.OWNER)
    routes = [(method, path) for method, path in page_routes(home.doors) if path.startswith("/portal")]
    # Streams that end by themselves after a minute, and only say that something of one's own moved.
    for stream in ("/portal/leads/events", "/portal/events"):
        routes.remove(("GET", stream))
    assert len(routes) > 50
    before, called = await theirs_now(home), 0
    async with Customer(home.url) as visitor:
        page = await (visitor.open("/portal") if by == "key" else sign_in(visitor, email))
        if by == "key":
            page = await visitor.send(page.form("key"), {"key": made.key})
        form = page.form("text")
        assert MARK not in page.html.lower()
        for method, path in routes:
            if path in ("/portal/sign-out", "/portal/sign-in"):
                continue
            own = {"publisher_id": "contoso", "offer_id": "crm-pro"}
            for another in variants(path) if parameters(path) else [frozenset[str]()]:
                answers = []
                for theirs in (True, False):
                    values = {
                        name: them.of(name, theirs=theirs) if name in another or name not in own else own[name]
                        for name in parameters(path)
                    }
                    if method == "GET":
                        answer = await visitor.open(home.url + filled(path, values))
                    else:
                        form.action = home.url + filled(path, values)
                        answer = await visitor.send(form, {"text": f"{MARK}@far.example" if theirs else "x@y.example"})
                    html = answer.html.lower().replace(f"{MARK}@far.example", "x@y.example")
                    assert MARK not in html, path
                    for name, value in values.items():
                        html = html.replace(value.lower(), f"<{name}>")
                    answers.append((answer.status, "" if path in ANEW else html))
                    called += 1
                assert answers[0] == answers[1], (method, path)
                assert not parameters(path) or answers[0][0] == 404, (method, path)
    assert called >= 20
    assert await theirs_now(home) == before, "something of theirs was changed"


async def test_a_parameter_or_body_without_a_case_fails() -> None:
    them = Neighbour({"publisherId": "fabrikam"}, {"publisherId": "nobodyxx"})
    with pytest.raises(KeyError):
        them.of("secretId", theirs=True)
    with pytest.raises(KeyError):
        body_of("POST", "/v1/new", {"requestBody": {}}, {})
