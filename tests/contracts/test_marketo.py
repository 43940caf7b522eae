"""Marketo's settings, and its web form: the descriptor, what is posted, and what the answers mean."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from leadkeeper.destinations.interface import Context, Previews
from leadkeeper.destinations.marketo.descriptor import read_descriptor, read_jsonp
from leadkeeper.destinations.marketo.diagnoses import MarketoKind
from leadkeeper.destinations.marketo.form import MarketoForm
from leadkeeper.destinations.marketo.provider import MARKETO
from leadkeeper.destinations.marketo.rest import MarketoRestApi
from leadkeeper.destinations.marketo.settings import MarketoConfig
from leadkeeper.destinations.registry import OURS
from leadkeeper.diagnosis import Answer, AnyKind, Diagnosis, Kind, Outcome, Receipt
from leadkeeper.lead import Customer, OutgoingLead
from leadkeeper.network.client import Network, NetworkPolicy
from leadkeeper.sandbox import faults
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.faults import Fault
from tests.contracts.faults import LEAD, PERSONAL, seconds_for
from tests.contracts.scripted import Remote, form_of, message, remote_side

HOST = "app-ys12.marketo.com"
FORM = "GET /index.php/form/getForm"
SAVE = "POST /index.php/leadCapture/save2"
IDS: dict[str, Any] = {"serverId": "ys12", "munchkinId": "123-PQR-789", "formId": "1179"}
TAKEN = message({"formId": "1179", "followUpUrl": "https://x.example/", "aliId": 17144124}, connection="close")


def field(name: str, **more: Any) -> dict[str, Any]:
    return {"Id": 7, "Name": name, "IsRequired": False, "Datatype": "string", "Maxlength": 255} | more


NAMES = ("FirstName", "LastName", "Email", "Company", "Title", "Phone", "Country", "LeadSource")
WHOLE = [[field(name)] for name in NAMES]


def descriptor(rows: Any, **more: Any) -> Fault:
    content = {"Id": 1179, "Vid": 1183, "Status": "approved", "Name": "MarketplaceLeadBackend", "rows": rows} | more
    body = f"/**/ cb({json.dumps(content)});"
    return faults.answer(200, body.encode(), content_type="application/javascript", connection="close")


def config(**settings: Any) -> MarketoConfig:
    return MarketoConfig.model_validate(IDS | settings)


def line(network: Network, **settings: Any) -> MarketoForm | MarketoRestApi:
    opened = MARKETO.open(config(**settings), Context(network))
    assert isinstance(opened, MarketoForm | MarketoRestApi)
    return opened


async def deliver(side: Remote, lead: OutgoingLead = LEAD, **settings: Any) -> Answer:
    marketo = line(side.network, **settings)
    (found,) = await marketo.deliver([lead])
    await marketo.aclose()
    assert not [text for text in PERSONAL if text in repr(found).casefold()]
    return found


def wrong(**settings: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        config(**settings)
    return "; ".join(error["msg"] for error in caught.value.errors())


def test_ids_as_people_copy_them() -> None:
    for text in ("ys12", "app-ys12", "app-ys12.marketo.com", "//app-ys12.marketo.com", "https://app-YS12.marketo.com/"):
        assert config(serverId=text).form_host == HOST
    assert config(munchkinId=" 123-pqr-789 ").munchkin_id == "123-PQR-789"
    assert config(formId=1179).form_id == "1179"
    assert config().host == HOST
    assert config(clientId="a", clientSecret="b").host == "123-pqr-789.mktorest.com"


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"serverId": "1169"}, "is the form id"),
        ({"serverId": ""}, "such as ys12"),
        ({"serverId": "ys12.evil.example"}, "such as ys12"),
        ({"serverId": "-ys12"}, "such as ys12"),
        ({"munchkinId": "123-PQR"}, "three groups"),
        ({"formId": "ys11"}, "such as 1179"),
        ({"formId": "١١٧٩"}, "such as 1179"),
        ({"formId": "0"}, "such as 1179"),
        ({"formId": "123456789"}, "such as 1179"),
        ({"formId": True}, "such as 1179"),
        ({"clientId": "a"}, "both clientId and clientSecret"),
        ({"clientSecret": "b"}, "both clientId and clientSecret"),
        ({"programId": "7"}, "needs clientId"),
        ({"fields": {"munchkinId": "x"}}, "filled in by Leadkeeper"),
        ({"fields": {"formVid": "x"}}, "filled in by Leadkeeper"),
    ],
)
def test_wrong_settings_are_explained(settings: Any, text: str) -> None:
    assert text in wrong(**settings)


async def test_what_the_modes_promise(authority: Authority) -> None:
    async with remote_side(authority, {}, HOST) as side:
        web, rest = line(side.network), line(side.network, clientId="a", clientSecret="b")
    assert (type(web), web.batch, web.repeatable) == (MarketoForm, 1, False)
    assert (type(rest), rest.batch, rest.repeatable) == (MarketoRestApi, 1, True)
    assert isinstance(web, Previews)
    assert not config().repeatable
    assert config(clientId="a", clientSecret="b").repeatable


async def test_the_form_that_is_posted(authority: Authority) -> None:
    async with remote_side(authority, {FORM: descriptor(WHOLE), SAVE: TAKEN}, HOST) as side:
        found = await deliver(side)
        asked, posted = side.server.received
    assert "munchkinId=123-PQR-789&form=1179&" in asked.target
    form = form_of(posted)
    values = {name: form[name] for name in form["checksumFields"].split(",")}
    assert values == {
        "FirstName": "Zoltana",
        "LastName": "Quimby",
        "Email": "zoltana@northwind.example",
        "Company": "Northwind",
        "Title": "Treasurer",
        "Phone": "+49 30 901820",
        "Country": "DE",
        "LeadSource": "AzureMarketplace-INS|contoso.crm",
    }
    assert form["checksum"] == hashlib.sha256("|".join(values.values()).encode()).hexdigest()
    assert (form["munchkinId"], form["formid"], form["formVid"]) == ("123-PQR-789", "1179", "1183")
    assert posted.headers["x-requested-with"] == "XMLHttpRequest"
    assert posted.headers["referer"].startswith(f"https://{HOST}")
    assert posted.headers["connection"].lower() == "close"
    assert found == Receipt(confirmed=False, note="Marketo queued the lead and does not say what becomes of it.")


async def test_what_the_form_lacks_is_left_out_and_what_it_demands_is_filled_in(authority: Authority) -> None:
    rows = [
        [field("FirstName", Maxlength=5), field("LastName", IsRequired=True)],
        [field("Email", IsRequired=True, Datatype="email")],
        [field("Lead_Channel__c", Datatype="hidden", InputInitialValue="marketplace", IsRequired=True)],
        [{"Id": 9, "Name": "HtmlText_1", "Datatype": "htmltext", "Htmltext": "<p>Hello</p>"}],
    ]
    fieldsets = {"profiling": [[field("Company", IsRequired=1)]]}
    lead = replace(LEAD, customer=replace(LEAD.customer, last_name="", company=""))
    async with remote_side(authority, {FORM: descriptor(rows, fieldsetRows=fieldsets), SAVE: TAKEN}, HOST) as side:
        found = await deliver(side, lead)
        form = form_of(side.requests(SAVE)[0])
    assert form["checksumFields"] == "FirstName,Email,LastName,Lead_Channel__c,Company"
    assert (form["FirstName"], form["LastName"], form["Company"]) == ("Zolta", "(not given)", "(not given)")
    assert form["Lead_Channel__c"] == "marketplace"
    assert isinstance(found, Receipt)
    assert "not on the form and left out: Title, Phone, Country, LeadSource" in (found.note or "")
    assert "FirstName cut from 7 to 5" in (found.note or "")
    assert "LastName is empty and was sent as (not given)" in (found.note or "")


@pytest.mark.parametrize(
    ("rows", "more", "lead", "kind", "outcome"),
    [
        ([[field("Industry", IsRequired=True)]], {}, LEAD, MarketoKind.FORM_DEMANDS, Outcome.BROKEN),
        ([], {"EnableCaptcha": 1}, LEAD, MarketoKind.FORM_PROTECTED, Outcome.BROKEN),
        (
            [[field("Phone", IsRequired=True)]],
            {},
            replace(LEAD, customer=replace(LEAD.customer, phone="")),
            MarketoKind.FORM_DEMANDS,
            Outcome.REFUSED,
        ),
        ([], {}, replace(LEAD, customer=Customer(last_name="Q")), MarketoKind.EMAIL_UNUSABLE, Outcome.REFUSED),
    ],
)
async def test_leads_that_the_form_cannot_take_are_not_posted(
    authority: Authority, rows: Any, more: Any, lead: OutgoingLead, kind: AnyKind, outcome: Outcome
) -> None:
    async with remote_side(authority, {FORM: descriptor(WHOLE + rows, **more)}, HOST) as side:
        found = await deliver(side, lead)
        assert side.requests(SAVE) == []
    assert isinstance(found, Diagnosis)
    assert (found.kind, found.outcome) == (kind, outcome)


@pytest.mark.parametrize(
    ("fault", "kind", "outcome"),
    [
        (faults.html(200, "Just a moment..."), MarketoKind.POSTS_BLOCKED, Outcome.THROTTLED),
        (faults.html(403, "Attention Required"), MarketoKind.POSTS_BLOCKED, Outcome.THROTTLED),
        (message({"message": "Rejected"}, 403), MarketoKind.POSTS_BLOCKED, Outcome.THROTTLED),
        (message({"error": True, "message": "Form not found"}), MarketoKind.FORM_NOT_FOUND, Outcome.BROKEN),
        (descriptor([]), MarketoKind.FORM_NOT_FOUND, Outcome.BROKEN),
        (faults.answer(404), MarketoKind.FORM_NOT_FOUND, Outcome.BROKEN),
        (faults.redirect("https://www.marketo.com/"), Kind.REDIRECTED, Outcome.BROKEN),
        (faults.answer(429, retry_after="5"), Kind.THROTTLED, Outcome.THROTTLED),
        (faults.html(500), Kind.SERVER_ERROR, Outcome.FAILED),
        (faults.hang, Kind.NO_ANSWER, Outcome.FAILED),
        (faults.reset_before_answer, Kind.CONNECTION_LOST, Outcome.FAILED),
        (faults.reset_in_body(200), Kind.ANSWER_NOT_UNDERSTOOD, Outcome.FAILED),
    ],
)
async def test_without_the_form_nothing_is_posted(
    authority: Authority, fault: Fault, kind: AnyKind, outcome: Outcome
) -> None:
    async with remote_side(authority, {FORM: fault}, HOST, total_seconds=seconds_for(kind)) as side:
        found = await deliver(side)
        check = await line(side.network).check()
        assert side.requests(SAVE) == []
    assert isinstance(found, Diagnosis)
    assert (found.kind, found.outcome) == (kind, outcome)
    assert check.diagnosis is not None
    assert (check.diagnosis.kind, check.steps[-1].name) == (kind, "form")


ANSWERS: list[tuple[Fault, AnyKind, Outcome]] = [
    (message({"mktoResponse": {"for": "m", "error": True, "data": {}}}), MarketoKind.FORM_REJECTED, Outcome.REFUSED),
    (message({"error": True, "message": "Invalid checksum"}), MarketoKind.FORM_REJECTED, Outcome.REFUSED),
    (message({"formId": "1179", "error": "no"}), MarketoKind.FORM_REJECTED, Outcome.REFUSED),
    (faults.answer(400), MarketoKind.FORM_REJECTED, Outcome.REFUSED),
    (message({"followUpUrl": "x"}), Kind.ANSWER_NOT_UNDERSTOOD, Outcome.AMBIGUOUS),
    (message(["formId"]), MarketoKind.POSTS_BLOCKED, Outcome.THROTTLED),
    (faults.html(200, "Just a moment..."), MarketoKind.POSTS_BLOCKED, Outcome.THROTTLED),
    (faults.html(403), MarketoKind.POSTS_BLOCKED, Outcome.THROTTLED),
    (faults.redirect("https://www.marketo.com/"), Kind.REDIRECTED, Outcome.BROKEN),
    (faults.answer(404), Kind.ENDPOINT_NOT_FOUND, Outcome.BROKEN),
    (faults.answer(429), Kind.THROTTLED, Outcome.THROTTLED),
    (faults.html(500), Kind.SERVER_ERROR, Outcome.AMBIGUOUS),
    (faults.answer(503, retry_after="5"), Kind.THROTTLED, Outcome.THROTTLED),
    (faults.hang, Kind.NO_ANSWER, Outcome.AMBIGUOUS),
    (faults.reset_before_answer, Kind.CONNECTION_LOST, Outcome.AMBIGUOUS),
    (faults.commit_then_drop, Kind.CONNECTION_LOST, Outcome.AMBIGUOUS),
    (faults.reset_in_body(200), Kind.ANSWER_NOT_UNDERSTOOD, Outcome.AMBIGUOUS),
    (faults.echo(400), MarketoKind.FORM_REJECTED, Outcome.REFUSED),
]


@pytest.mark.parametrize(("fault", "kind", "outcome"), ANSWERS)
async def test_answers_that_are_no_receipt(authority: Authority, fault: Fault, kind: AnyKind, outcome: Outcome) -> None:
    async with remote_side(
        authority, {FORM: descriptor(WHOLE), SAVE: fault}, HOST, total_seconds=seconds_for(kind)
    ) as side:
        found = await deliver(side)
        assert len(side.requests(SAVE)) == 1
    assert isinstance(found, Diagnosis)
    assert (found.kind, found.outcome) == (kind, outcome)


@pytest.mark.parametrize(
    "content",
    [
        {"formId": "1179"},
        {"formId": 1179, "error": False},
        {"mktoResponse": {"for": "m", "error": False, "data": {"formId": "1179"}}},
    ],
)
async def test_forms_of_success(authority: Authority, content: Any) -> None:
    async with remote_side(authority, {FORM: descriptor(WHOLE), SAVE: message(content)}, HOST) as side:
        found = await deliver(side)
    assert found.outcome is Outcome.UNCONFIRMED


async def test_the_form_is_read_once_for_many_leads_and_again_for_a_check(authority: Authority) -> None:
    async with remote_side(authority, {FORM: descriptor(WHOLE), SAVE: TAKEN}, HOST) as side:
        marketo = line(side.network)
        answers = await asyncio.gather(*(marketo.deliver([LEAD]) for _ in range(3)))
        assert len(side.requests(FORM)) == 1
        assert {each.outcome for (each,) in answers} == {Outcome.UNCONFIRMED}
        check = await marketo.check()
        assert len(side.requests(FORM)) == 2
        assert len(side.requests(SAVE)) == 3
    assert check.ok
    assert [(step.name, step.ok) for step in check.steps][-2:] == [("form", True), ("lead", None)]


async def test_after_a_guards_page_the_subscription_rests(authority: Authority) -> None:
    async with remote_side(authority, {FORM: descriptor(WHOLE), SAVE: faults.html(200)}, HOST) as side:
        first, second = await deliver(side), await deliver(side)
        assert len(side.requests(SAVE)) == 1
    assert isinstance(first, Diagnosis)
    assert first.retry_after == 60
    assert isinstance(second, Diagnosis)
    assert (second.kind, second.outcome) == (MarketoKind.PACED, Outcome.THROTTLED)
    assert second.retry_after is not None
    assert 50 < second.retry_after <= 60


async def test_a_preview_says_what_the_form_lacks(authority: Authority) -> None:
    async with remote_side(authority, {FORM: descriptor(WHOLE[:3])}, HOST) as side:
        shown = await line(side.network).preview(LEAD)
        assert side.requests(SAVE) == []
    assert list(shown.record) == ["FirstName", "LastName", "Email"]
    assert shown.notes == (
        "not on the form and left out: Company, Title, Phone, Country, LeadSource",
        "description is not sent: no field has it",
    )


async def test_a_server_that_does_not_exist(authority: Authority) -> None:
    async def nobody(host: str, port: int) -> Sequence[str]:
        import socket

        raise socket.gaierror(socket.EAI_NONAME, "")

    network = Network(NetworkPolicy(ca_file=authority.ca_file), resolve=nobody)
    found = [(await line(network).deliver([LEAD]))[0], (await line(network).check()).diagnosis]
    rest = line(network, clientId="a", clientSecret="b")
    found += [(await rest.deliver([LEAD]))[0], (await rest.check()).diagnosis]
    await network.aclose()
    kinds = [each.kind for each in found if isinstance(each, Diagnosis)]
    assert kinds == [MarketoKind.SERVER_NOT_FOUND] * 2 + [MarketoKind.ACCOUNT_NOT_FOUND] * 2


def test_descriptors_in_any_wrapping() -> None:
    for text in ('{"a":1}', 'cb({"a":1})', 'jQuery3.x_1 ( {"a":1} ) ;\n', '/**/cb({"a":1});', '\ufeffcb({"a":1})'):
        assert read_jsonp(text.encode()) == {"a": 1}
    for text in ("", "<html></html>", "cb(", "cb({)", "alert(1) cb({})"):
        assert read_jsonp(text.encode()) is None
    assert read_descriptor([], "1") is None
    assert read_descriptor({"rows": [[{"Name": ""}]]}, "1") is None
    found = read_descriptor({"Rows": [{"fields": [{"name": "Email", "required": "true"}]}]}, "1")
    assert found is not None
    assert (found.version, found.fields["Email"].required) == ("1", True)


PAGE = (Path(__file__).parents[2] / "docs/destinations/marketo.md").read_text()


def test_every_setting_and_cause_stands_on_the_page() -> None:
    aliases = [field.alias for field in MarketoConfig.model_fields.values()]
    kinds = [kind.value for kind in OURS.kinds if kind.value.startswith("marketo")]
    assert [name for name in (*aliases, *kinds) if f"`{name}`" not in PAGE] == []
