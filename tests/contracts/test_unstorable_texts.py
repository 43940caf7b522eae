"""A text that no database holds is refused, never a fault of ours: every place that the OpenAPI document names.

A NUL character and a lone surrogate are put into every text of every operation, one after the other.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlencode

import pytest
from yarl import URL

from leadkeeper.doors.storefront.form import FIELDS
from tests.in_process import NOWHERE, OFFER, Answer, Installation, Visitor, installation
from tests.shop import ANSWERS, PLANNER, open_shop

NUL: Final = "a\0b"
LONE: Final = "a\ud800b"
RAW_LONE: Final = "a%ED%A0%80b"
"""A lone surrogate as it would stand in an address."""
KNOWN: Final = {
    "publisherId": "contoso",
    "offerId": "crm-pro",
    "name": "primary",
    "api-version": "2017-10-31",
    "version": "1",
    "slot": "Draft",
    "productId": "contoso.crm-pro",
    "offerTypeId": "saas",
    "leadDestination": "httpsEndpoint",
    "httpsEndpointUrl": "https://leads.example/hook",
    "id": "crm-pro",
    "notification-emails": "a@b.example",
    "email": "a@b.example",
    "contactEmail": "a@b.example",
    "containerName": "leads",
    "if-match": "*",
}
TAKEN_CLEANED: Final = "/hooks/{token}"
"""A hook's lead is never refused for what it holds: what no database keeps is taken out of its texts."""


@dataclass
class Operation:
    """One operation of the document, and a request that it describes."""

    method: str
    path: str
    places: dict[str, dict[str, str]] = field(default_factory=lambda: {"path": {}, "query": {}, "header": {}})
    media_type: str = ""
    body: Any = None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    """Every operation with a value in every place that it has."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            found = Operation(method.upper(), path)
            for parameter in operation.get("parameters", []):
                found.places[parameter["in"]][parameter["name"]] = KNOWN.get(parameter["name"], NOWHERE)
            for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
                found.media_type = media_type
                found.body = content.get("example") or sample(content["schema"], document)
            yield found


def sample(schema: Any, document: Mapping[str, Any], name: str = "") -> Any:
    """A value of the schema with everything that it may hold."""
    if not isinstance(schema, Mapping):
        return {"more": "x"}
    if "$ref" in schema:
        return sample(document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], document, name)
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return sample(next((s for s in schema[several] if s.get("type") != "null"), {}), document, name)
    kinds = schema.get("type")
    kind = next((each for each in kinds if each != "null"), None) if isinstance(kinds, list) else kinds
    if "properties" in schema or kind == "object":
        made = {key: sample(inner, document, key) for key, inner in schema.get("properties", {}).items()}
        open_ = schema.get("additionalProperties", not made)
        return made | ({"more": "x", "nested": {"list": ["x"]}} if open_ else {})
    if name in KNOWN:
        return [KNOWN[name]] if kind == "array" else KNOWN[name]
    if kind == "array":
        return [sample(schema.get("items"), document, name)]
    if "const" in schema or "enum" in schema:
        return schema.get("const") or schema["enum"][0]
    return {"string": "x", "integer": 1, "number": 1, "boolean": False, None: {"more": "x"}}[kind]


def spoilt(value: Any, bad: str) -> Iterator[tuple[str, Any]]:
    """``value`` with ``bad`` in place of one of its texts, each in turn, and as a key beside each one's."""
    if isinstance(value, str):
        yield "", bad
    elif isinstance(value, list):
        for number, item in enumerate(value):
            for where, other in spoilt(item, bad):
                yield f"{number}.{where}", [*value[:number], other, *value[number + 1 :]]
    elif isinstance(value, dict):
        yield "(a key)", value | {bad: "x"}
        for key, item in value.items():
            for where, other in spoilt(item, bad):
                yield f"{key}.{where}", value | {key: other}


async def send(visitor: Visitor, operation: Operation, raw: Mapping[str, str] | None = None) -> Answer:
    """The request as it stands; ``raw`` are values of its address as they are to be written there."""
    raw = raw or {}
    path = operation.path
    for name, value in operation.places["path"].items():
        path = path.replace(f"{{{name}}}", raw.get(name) or quote(value, safe=""))
    query = "&".join(
        f"{quote(name, safe='')}={raw.get(name) or quote(value, safe='')}"
        for name, value in operation.places["query"].items()
    )
    headers = {name: value for name, value in operation.places["header"].items() if value != NOWHERE}
    data = None
    if operation.media_type:
        headers["Content-Type"] = operation.media_type
        text = operation.body if isinstance(operation.body, str) else json.dumps(operation.body)
        data = text.encode("utf-8", "surrogatepass")
    if visitor.key is not None:
        headers["Authorization"] = f"Bearer {visitor.key}"
    address = URL(visitor.url + path + (f"?{query}" if query else ""), encoded=True)
    async with visitor.session.request(operation.method, address, data=data, headers=headers) as response:
        return Answer(response.status, response.headers, await response.read())


async def furnish(home: Installation) -> tuple[Visitor, list[Operation]]:
    """An operator in a furnished installation, and all operations."""
    operator = await home.visitor("operator")
    made = (await operator.post(f"{OFFER}/hooks")).json()
    document = (await operator.get("/openapi.json")).json()
    found = list(operations(document))
    for operation in found:
        if operation.path == TAKEN_CLEANED:
            operation.places["path"]["token"] = made["token"]
    return operator, found


async def test_every_text_of_every_body(home: Installation, subtests: pytest.Subtests) -> None:
    operator, found = await furnish(home)
    count = 0
    for operation in found:
        if operation.body is None or operation.media_type.startswith("image/"):
            continue  # a picture holds no text
        if operation.media_type == "text/csv":
            continue  # see test_every_cell_of_a_table
        whole = json.loads(operation.body) if isinstance(operation.body, str) else operation.body
        with subtests.test(str(operation)):
            for bad in (NUL, LONE):
                for where, body in spoilt(whole, bad):
                    operation.body = body if operation.media_type == "application/json" else json.dumps(body)
                    answer = await send(operator, operation)
                    count += 1
                    if operation.path == TAKEN_CLEANED:
                        assert answer.status == 200, (where, answer.body)
                    elif operation.media_type != "application/json":
                        (line,) = [json.loads(line) for line in answer.body.splitlines()]
                        assert line["problem"]["status"] == 422, (where, line)
                    else:
                        assert answer.status == 422, (where, ascii(bad), answer.status, answer.body)
    assert count > 150


async def test_every_cell_of_a_table(home: Installation) -> None:
    operator, found = await furnish(home)
    (operation,) = (each for each in found if each.media_type == "text/csv")
    operation.places["query"] = {"dryRun": "false"}
    table = "Lead id;Follow-up;Reason;Owner\n0190d3a8-0000-7000-8000-000000000000;lost;price;ada@contoso.example\n"
    for bad in (NUL, LONE):
        for cell in ("Lead id", "Reason", "0190d3a8", "lost", "price", "ada@"):
            operation.body = table.replace(cell, cell + bad)
            answer = await send(operator, operation)
            assert answer.status == 200, (cell, ascii(bad), answer.status, answer.body)
            told = answer.json()
            assert (told["changed"], told["errors"] != []) == (0, True), (cell, ascii(bad), told)


async def test_every_text_of_every_address_and_header(home: Installation, subtests: pytest.Subtests) -> None:
    operator, found = await furnish(home)
    for operation in found:
        with subtests.test(str(operation)):
            for place in ("path", "query"):
                for name in operation.places[place]:
                    answer = await send(operator, operation, {name: quote(NUL)})
                    assert 400 <= answer.status < 500, (name, answer.status, answer.body)
                    answer = await send(operator, operation, {name: RAW_LONE})
                    assert answer.status < 500, (name, answer.status, answer.body)
            before = dict(operation.places["header"])
            for name in before:
                operation.places["header"] = before | {name: "a\ufffd\u00ff"}
                answer = await send(operator, operation)
                assert answer.status < 500, (name, answer.status, answer.body)
            operation.places["header"] = before


async def test_an_unknown_query_parameter(operator: Visitor) -> None:
    for path in ("/v1/publishers?x=a%00b", "/v1/publishers?a%00b=x", "/healthz?x=%00"):
        assert (await operator.get(path)).status in (200, 422)


async def test_such_a_text_is_refused_in_the_language_of_the_caller(home: Installation) -> None:
    operator = await home.visitor("operator")
    told = {"Accept-Language": "pt"}
    for answer in (
        await operator.call("POST", "/v1/find", {"text": NUL}, headers=told),
        await operator.call("GET", "/v1/leads?country=a%00", headers=told),
        await operator.call("GET", "/store?search=a%00", headers=told),
        await operator.call("GET", "/api/publishers/a%00/offers?api-version=2017-10-31", headers=told),
    ):
        assert (answer.status, answer.headers["Content-Language"]) == (422, "pt"), answer.body
        assert "pode conter" in answer.body.decode(), answer.body


PAGES: Final = (
    "/store?search={}",
    "/store/offers/{}/planner",
    "/store/offers/contoso/{}",
    "/store/offers/contoso/planner?preview={}",
    "/store/offers/contoso/planner?mktcmpid={}",
    "/store/offers/contoso/planner/{}",
    "/store/offers/contoso/planner/partners/{}/rollout.help",
    "/store/offers/contoso/planner/partners/fabrikam/{}/thanks",
    "/store/portal/{}/planner",
    "/portal/sign-in?after={}",
    "/portal/leads?offer={}",
    "/portal/leads?state={}",
    "/portal/leads?cursor={}",
    "/portal/leads?test={}",
    "/portal/leads/{}",
    "/portal/offers/{}/crm-pro",
    "/portal/offers/contoso/{}",
    "/hooks/{}",
    "/api/publishers/{}/offers?api-version=2017-10-31",
    "/{}/oauth2/token",
    "/{}",
)
FORMS: Final = (
    ("/portal/find", {"text": "x"}),
    ("/portal/offers/contoso/crm-pro/connections/primary/replay", {"sure": "yes"}),
    (f"/portal/deliveries/{NOWHERE}/retry", {"lead": "x"}),
    (f"/store/offers/{PLANNER.publisher_id}/{PLANNER.offer_id}/contact-me", ANSWERS | {"consent": "yes"}),
    ("/tenant/oauth2/token", {"grant_type": "client_credentials", "client_id": "x", "client_secret": "y"}),
)


@pytest.fixture
async def portal(database_url: str) -> Any:
    """An installation with a storefront, and the cookie of a signed-in operator with its form token."""
    async with installation(database_url, public_url="http://127.0.0.1") as opened:
        await open_shop(opened.services)
        operator = await opened.visitor("operator")
        async with opened.session.post(
            f"{opened.url}/portal/sign-in", data={"key": operator.key or ""}, allow_redirects=False
        ) as response:
            cookie = response.cookies["leadkeeper_portal"].value
        async with opened.session.get(
            f"{opened.url}/portal", headers={"Cookie": f"leadkeeper_portal={cookie}"}
        ) as response:
            page = await response.text()
        token = page.partition('name="token" value="')[2].partition('"')[0]
        assert token
        yield opened, {"Cookie": f"leadkeeper_portal={cookie}"}, token


async def test_every_address_of_the_pages(portal: Any) -> None:
    opened, cookie, _ = portal
    for form in PAGES:
        for bad in ("a%00b", RAW_LONE):
            for method in ("GET", "POST"):
                address = URL(opened.url + form.format(bad), encoded=True)
                async with opened.session.request(
                    method, address, headers=cookie, data=b"", allow_redirects=False
                ) as response:
                    assert response.status < 500, (method, form, bad, response.status)


async def test_every_field_of_the_forms(portal: Any) -> None:
    opened, cookie, token = portal
    for path, fields in FORMS:
        for name in fields:
            for bad in ("a%00b", RAW_LONE):
                others = urlencode({"token": token, **{k: v for k, v in fields.items() if k != name}})
                data = f"{others}&{name}={bad}"
                headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": opened.url, **cookie}
                async with opened.session.post(
                    opened.url + path, data=data, headers=headers, allow_redirects=False
                ) as response:
                    body = await response.read()
                    assert response.status < 500, (path, name, bad, response.status, body[:300])
    assert {each.name for each in FIELDS} == set(ANSWERS)
