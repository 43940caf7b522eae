"""Salesforce's settings, and Web-to-Lead: what is posted, what the answers mean, and the day's limit."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from leadkeeper.destinations.interface import Context, Previews, QuotaPlace
from leadkeeper.destinations.registry import OURS
from leadkeeper.destinations.salesforce.diagnoses import SalesforceKind
from leadkeeper.destinations.salesforce.provider import SALESFORCE
from leadkeeper.destinations.salesforce.rest import SalesforceRestApi
from leadkeeper.destinations.salesforce.settings import SalesforceConfig, suffix
from leadkeeper.destinations.salesforce.web import WebToLead
from leadkeeper.diagnosis import Answer, AnyKind, Diagnosis, Kind, Outcome, Receipt
from leadkeeper.lead import Customer, OutgoingLead
from leadkeeper.network.client import Network
from leadkeeper.sandbox import faults
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.faults import Fault
from tests.contracts.faults import LEAD, PASSING, PERSONAL, seconds_for
from tests.contracts.scripted import Remote, form_of, remote_side

OID = "00D58000000JmlM"
HOST = "webto.salesforce.com"
POST = "POST /servlet/servlet.WebToLead"
TRUE = faults.answer(200, content_type="text/html", is_processed="true", connection="close")
REST: dict[str, Any] = {
    "myDomainUrl": "https://contoso.my.salesforce.com",
    "clientId": "3MVG9contoso",
    "clientSecret": "AF00DSECRET",
    "externalIdField": "LeadkeeperId__c",
}


class Counted:
    """A quota of which so many are used; the next may go after ``wait`` seconds."""

    owner = "contoso"

    def __init__(self, used: int, wait: float = 900.0) -> None:
        self.used = used
        self.wait = wait

    async def take(self, limit: int) -> QuotaPlace:
        if self.used >= limit:
            return QuotaPlace(self.used, 7, self.wait)
        self.used += 1
        return QuotaPlace(self.used, 7)

    async def give_back(self, place: QuotaPlace) -> None:
        assert place.wait is None
        self.used -= 1


def config(**settings: Any) -> SalesforceConfig:
    return SalesforceConfig.model_validate({"objectIdentifier": OID} | settings)


def line(network: Network, quota: Counted | None = None, **settings: Any) -> WebToLead | SalesforceRestApi:
    opened = SALESFORCE.open(config(**settings), Context(network, quota=quota))
    assert isinstance(opened, WebToLead | SalesforceRestApi)
    return opened


async def deliver(side: Remote, lead: OutgoingLead = LEAD, quota: Counted | None = None, **settings: Any) -> Answer:
    (found,) = await line(side.network, quota, **settings).deliver([lead])
    return found


def wrong(**settings: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        config(**settings)
    return "; ".join(error["msg"] for error in caught.value.errors())


def test_known_suffixes() -> None:
    assert suffix("001A0000006Vm9r") == "IAC"  # from Salesforce's own documentation
    assert suffix("000000000000000") == "AAA"
    assert suffix("ABCDEFGHIJKLMNO") == "555"


def test_the_object_identifier_is_sent_in_its_short_form() -> None:
    assert config().object_identifier == OID
    assert config(objectIdentifier=f" {OID}{suffix(OID)} ").object_identifier == OID
    assert config(objectIdentifier=OID + suffix(OID).lower()).object_identifier == OID


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("", "15 or 18"),
        ("00D58000000Jml", "15 or 18"),
        ("00D58000000Jml-", "15 or 18"),
        ("00D58000000JmlMEA", "15 or 18"),
        ("٠٠D58000000JmlM", "15 or 18"),
        ("00Q58000000JmlM", "begins with 00D"),
        ("00D58000000JmlMEAB", "do not fit"),
        ("00D58000000jmlMEAS", "do not fit"),
    ],
)
def test_a_wrong_object_identifier_is_explained(given: str, text: str) -> None:
    summary = wrong(objectIdentifier=given)
    assert text in summary
    assert "Company Information" in summary


def test_hosts() -> None:
    assert config().host == HOST
    assert config(webToLeadHost="https://test.salesforce.com/").host == "test.salesforce.com"
    sandbox = "contoso--dev.sandbox.my.salesforce.com"
    assert config(webToLeadHost=sandbox).host == sandbox
    assert config(**REST).host == "contoso.my.salesforce.com"
    assert config(**REST | {"myDomainUrl": sandbox}).my_domain_url == f"https://{sandbox}"
    for bad in ("evil.example", "salesforce.com", "webto.salesforce.com.evil.example", "a@webto.salesforce.com", "x/y"):
        assert "webto.salesforce.com" in wrong(webToLeadHost=bad)
    for bad in ("https://login.salesforce.com", "https://contoso.lightning.force.com", "evil.example"):
        assert "My Domain" in wrong(**REST | {"myDomainUrl": bad})


@pytest.mark.parametrize("missing", REST)
def test_rest_credentials_are_given_together(missing: str) -> None:
    summary = wrong(**{name: value for name, value in REST.items() if name != missing})
    assert f"missing {missing}" in summary
    assert "SECRET" not in summary


def test_what_the_modes_promise(authority: Authority) -> None:
    async def look() -> None:
        async with remote_side(authority, {}, HOST) as side:
            web, rest = line(side.network), line(side.network, None, **REST)
            assert (type(web), web.batch, web.repeatable) == (WebToLead, 1, False)
            assert (type(rest), rest.batch, rest.repeatable) == (SalesforceRestApi, 200, True)
            assert isinstance(web, Previews)

    asyncio.run(look())
    assert SALESFORCE.least_batch == 1
    assert not config().repeatable
    assert config(**REST).repeatable


def test_fields_of_the_other_mode_and_our_own_are_refused() -> None:
    assert "filled in by Leadkeeper" in wrong(fields={"oid": "x"})
    assert "filled in by Leadkeeper" in wrong(fields={"retURL": "https://evil.example"})
    assert "filled in by Leadkeeper" in wrong(leadIdField="00N58000009abcD", fields={"00N58000009abcD": "x"})
    assert "filled in by Leadkeeper" in wrong(**REST, fields={"LeadkeeperId__c": "x"})
    assert "Web-to-Lead name" in wrong(**REST, fields={"00N58000009abcD": "x"})
    assert "00N" in wrong(leadIdField="LeadkeeperId__c")
    assert "__c" in wrong(**REST | {"externalIdField": "Email"})


async def test_the_form_that_is_posted(authority: Authority) -> None:
    async with remote_side(authority, {POST: TRUE}, HOST) as side:
        found = await deliver(side)
        (seen,) = side.server.received
    assert seen.target == f"/servlet/servlet.WebToLead?encoding=UTF-8&orgId={OID}"
    assert seen.headers["content-type"].startswith("application/x-www-form-urlencoded")
    assert seen.headers["connection"].lower() == "close"
    assert form_of(seen) == {
        "oid": OID,
        "encoding": "UTF-8",
        "first_name": "Zoltana",
        "last_name": "Quimby",
        "email": "zoltana@northwind.example",
        "company": "Northwind",
        "country": "DE",
        "phone": "+49 30 901820",
        "title": "Treasurer",
        "description": f"Ring the doorbell twice; mind the dog.\n\nLead id: {LEAD.id}",
        "lead_source": "AzureMarketplace-INS|contoso.crm",
    }
    assert found == Receipt(confirmed=False, note="Salesforce queued the lead and does not say what becomes of it.")


async def test_what_salesforce_demands_is_filled_in_and_what_is_too_long_is_cut(authority: Authority) -> None:
    customer = Customer(first_name="É" * 50, email="a" * 80 + "@x.example", phone="1" * 41)
    lead = replace(LEAD, customer=customer, description="d" * 40_000)
    async with remote_side(authority, {POST: TRUE}, HOST) as side:
        found = await deliver(side, lead)
        form = form_of(side.server.received[0])
    assert form["last_name"] == form["company"] == "(not given)"
    assert (len(form["first_name"]), len(form["phone"]), len(form["description"])) == (40, 40, 32_000)
    assert form["description"].endswith(f"\n\nLead id: {LEAD.id}")
    assert "email" not in form
    assert isinstance(found, Receipt)
    assert found.note is not None
    for text in ("email left out", "first_name cut from 50 to 40", "description cut from 40,000", "last_name is empty"):
        assert text in found.note


async def test_a_lead_id_field_and_a_mapping(authority: Authority) -> None:
    fields = {"Campaign_ID": "701", "title": None, "emailOptOut": True, "00N000000000001": "{campaign}"}
    field = "00N58000009abcD"
    async with remote_side(authority, {POST: TRUE}, HOST) as side:
        await deliver(side, leadIdField=field + suffix(field), fields=fields)
        form = form_of(side.server.received[0])
    assert form[field] == LEAD.id
    assert form["description"] == LEAD.description
    assert (form["Campaign_ID"], form["emailOptOut"], form["00N000000000001"]) == ("701", "1", "spring")
    assert "title" not in form


async def test_a_lead_id_that_the_settings_place_is_not_said_twice(authority: Authority) -> None:
    async with remote_side(authority, {}, HOST) as side:
        shown = await line(side.network, fields={"00N000000000001": "{leadId}"}).preview(LEAD)
        assert side.server.received == []
    assert shown.record["00N000000000001"] == LEAD.id
    assert shown.record["description"] == LEAD.description
    assert "oid" not in shown.record


async def test_every_lead_has_a_connection_of_its_own(authority: Authority) -> None:
    async with remote_side(authority, {POST: TRUE}, HOST) as side:
        salesforce = line(side.network)
        for _ in range(3):
            await salesforce.deliver([LEAD])
        assert side.server.connections == 3


@pytest.mark.parametrize("value", ["true", "TRUE", " True "])
@pytest.mark.parametrize("name", ["is_processed", "IS_PROCESSED", "Is_Processed"])
async def test_processed_is_queued_and_no_more(authority: Authority, name: str, value: str) -> None:
    fault = faults.answer(200, b"Your request has been queued.", **{name: value})
    async with remote_side(authority, {POST: fault}, HOST) as side:
        found = await deliver(side)
    assert isinstance(found, Receipt)
    assert found.outcome is Outcome.UNCONFIRMED


GENERIC = "true Exception:common.exception.SalesforceGenericException"
ANSWERS: list[tuple[str, Fault, AnyKind, Outcome]] = [
    ("exception", faults.answer(200, is_processed=GENERIC), SalesforceKind.FORM_REJECTED, Outcome.BROKEN),
    ("exception alone", faults.answer(200, is_processed="EXCEPTION"), SalesforceKind.FORM_REJECTED, Outcome.BROKEN),
    ("false", faults.answer(200, is_processed="false"), SalesforceKind.FORM_REJECTED, Outcome.BROKEN),
    ("empty", faults.answer(200, is_processed=""), SalesforceKind.FORM_REJECTED, Outcome.BROKEN),
    ("absent", faults.answer(200), SalesforceKind.FORM_NOT_THERE, Outcome.BROKEN),
    ("a page", faults.html(200, "Welcome"), SalesforceKind.FORM_NOT_THERE, Outcome.BROKEN),
    ("302", faults.redirect("https://login.salesforce.com/"), Kind.REDIRECTED, Outcome.BROKEN),
    ("400", faults.answer(400), SalesforceKind.FORM_NOT_THERE, Outcome.BROKEN),
    ("401", faults.answer(401), Kind.CREDENTIALS_REJECTED, Outcome.BROKEN),
    ("403", faults.html(403), Kind.PERMISSION_MISSING, Outcome.BROKEN),
    ("404", faults.answer(404), Kind.ENDPOINT_NOT_FOUND, Outcome.BROKEN),
    ("408", faults.answer(408), Kind.SERVER_ERROR, Outcome.FAILED),
    ("413", faults.answer(413), Kind.LEAD_TOO_LARGE, Outcome.REFUSED),
    ("429", faults.answer(429, retry_after="60"), Kind.THROTTLED, Outcome.THROTTLED),
    ("500", faults.html(500), Kind.SERVER_ERROR, Outcome.AMBIGUOUS),
    ("502", faults.html(502), Kind.SERVER_ERROR, Outcome.AMBIGUOUS),
    ("503", faults.html(503), Kind.SERVER_ERROR, Outcome.AMBIGUOUS),
    ("503 and when", faults.answer(503, retry_after="60"), Kind.THROTTLED, Outcome.THROTTLED),
    ("666", faults.answer(666), Kind.ANSWER_NOT_UNDERSTOOD, Outcome.AMBIGUOUS),
    ("hang", faults.hang, Kind.NO_ANSWER, Outcome.AMBIGUOUS),
    ("reset", faults.reset_before_answer, Kind.CONNECTION_LOST, Outcome.AMBIGUOUS),
    ("commit, then drop", faults.commit_then_drop, Kind.CONNECTION_LOST, Outcome.AMBIGUOUS),
    ("echo", faults.echo(400), SalesforceKind.FORM_NOT_THERE, Outcome.BROKEN),
]


@pytest.mark.parametrize(("fault", "kind", "outcome"), [row[1:] for row in ANSWERS], ids=[row[0] for row in ANSWERS])
async def test_answers_that_are_no_receipt(authority: Authority, fault: Fault, kind: AnyKind, outcome: Outcome) -> None:
    async with remote_side(authority, {POST: fault}, HOST, total_seconds=seconds_for(kind)) as side:
        found = await deliver(side)
        assert len(side.server.received) == 1
    assert isinstance(found, Diagnosis)
    assert (found.kind, found.outcome) == (kind, outcome)
    assert not [text for text in PERSONAL if text in repr(found).casefold()]


async def test_the_exception_is_named(authority: Authority) -> None:
    async with remote_side(authority, {POST: faults.answer(200, is_processed=GENERIC)}, HOST) as side:
        found = await deliver(side)
    assert isinstance(found, Diagnosis)
    assert found.evidence.code == "common.exception.SalesforceGenericException"


@pytest.mark.parametrize("body", [faults.hang_after_headers, faults.reset_in_body])
async def test_the_header_decides_also_when_the_body_never_ends(authority: Authority, body: Any) -> None:
    async def fault(exchange: faults.Exchange) -> None:
        head = "HTTP/1.1 200 OK\r\nIs-Processed: true\r\nContent-Length: 10\r\n\r\n"
        await exchange.send(head.encode())
        await (asyncio.sleep(60) if body is faults.hang_after_headers else asyncio.sleep(0.02))
        exchange.reset()

    async with remote_side(authority, {POST: fault}, HOST, total_seconds=PASSING) as side:
        found = await deliver(side)
    assert isinstance(found, Receipt)


@pytest.mark.parametrize("used", [500, 501])
async def test_leads_wait_when_the_day_is_used_up(authority: Authority, used: int) -> None:
    quota = Counted(used, 41_700.5)
    async with remote_side(authority, {POST: TRUE}, HOST) as side:
        found = await deliver(side, quota=quota)
        assert side.server.received == []
    assert isinstance(found, Diagnosis)
    assert (found.kind, found.outcome, found.retry_after) == (SalesforceKind.DAILY_LIMIT, Outcome.THROTTLED, 41_700.5)
    assert f"{used} leads" in (found.evidence.text or "")
    assert quota.used == used


async def _reset(exchange: faults.Exchange) -> None:
    exchange.reset()


@pytest.mark.parametrize(
    ("fault", "counts"),
    [
        (TRUE, True),
        (_reset, True),
        (faults.answer(502), True),
        (faults.answer(200, is_processed="true Exception:common.x"), False),
        (faults.answer(429), False),
        (faults.answer(404), False),
        (faults.answer(200), False),
    ],
    ids=["taken", "lost", "502", "rejected", "429", "404", "no form"],
)
async def test_what_was_certainly_not_taken_uses_nothing(authority: Authority, fault: Fault, counts: bool) -> None:
    quota = Counted(7)
    async with remote_side(authority, {POST: fault}, HOST) as side:
        await deliver(side, quota=quota)
    assert quota.used == 7 + counts


@pytest.mark.parametrize(("used", "limit", "warned"), [(448, 500, False), (449, 500, True), (1898, 2000, True)])
async def test_receipts_warn_before_the_day_is_used_up(
    authority: Authority, used: int, limit: int, warned: bool
) -> None:
    async with remote_side(authority, {POST: TRUE}, HOST) as side:
        found = await deliver(side, quota=Counted(used), webToLeadDailyLimit=limit)
    assert isinstance(found, Receipt)
    assert (f"{used + 1} of the {limit} leads" in (found.note or "")) is warned


async def test_leads_on_their_way_count(authority: Authority) -> None:
    async with remote_side(authority, {POST: TRUE}, HOST) as side:
        salesforce = line(side.network, Counted(497))
        answers = [each for (each,) in await asyncio.gather(*(salesforce.deliver([LEAD]) for _ in range(8)))]
        assert len(side.server.received) == 3
    assert [each.outcome for each in answers].count(Outcome.THROTTLED) == 5


async def test_the_check_proves_the_host_and_says_what_it_cannot_prove(authority: Authority) -> None:
    async with remote_side(authority, {}, HOST) as side:
        check = await line(side.network).check()
        assert side.server.received == []
    assert check.ok
    assert [(step.name, step.ok) for step in check.steps][-2:] == [("tls", True), ("lead", None)]


PAGE = (Path(__file__).parents[2] / "docs/destinations/salesforce.md").read_text()


def test_every_setting_and_cause_stands_on_the_page() -> None:
    aliases = [field.alias for field in SalesforceConfig.model_fields.values()]
    kinds = [kind.value for kind in OURS.kinds if kind.value.startswith("salesforce")]
    assert [name for name in (*aliases, *kinds) if f"`{name}`" not in PAGE] == []


REST_SETTINGS = {
    "objectIdentifier": "00D58000000JmlM",
    "myDomainUrl": "https://contoso.my.salesforce.com",
    "clientId": "3MVG9contosokey",
    "clientSecret": "AF00DSECRETAF00D",
    "externalIdField": "LeadkeeperId__c",
}


@pytest.mark.parametrize("version", ["v40.0", "v45.0", "v46", "46.0", "v100.0"])
def test_versions_without_what_is_needed_are_refused_with_the_remedy(version: str) -> None:
    with pytest.raises(ValidationError) as caught:
        SalesforceConfig.model_validate(REST_SETTINGS | {"apiVersion": version})
    assert "v46.0" in str(caught.value)
    assert "v62.0" in str(caught.value)


@pytest.mark.parametrize("version", ["v46.0", "v62.0", "v67.0"])
def test_versions_that_are_taken(version: str) -> None:
    assert SalesforceConfig.model_validate(REST_SETTINGS | {"apiVersion": version}).api_version == version
