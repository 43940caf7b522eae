"""The web form of the Marketo stand-in, asked with plain requests: its description, and what becomes of a post."""

from __future__ import annotations

import hashlib
import json
from urllib.parse import urlencode

import aiohttp
import pytest

from leadkeeper.sandbox.marketo.stand_in import Marketo
from leadkeeper.sandbox.server import Sandbox
from tests.contracts.marketo_caller import POD, SAVE, form_post, lost, marketo, two_subscriptions
from tests.contracts.sandbox_caller import Caller

__all__ = ["marketo"]
stand_ins = two_subscriptions


# The form's description


async def test_a_form_is_described(call: Caller) -> None:
    query = urlencode({"munchkinId": "123-PQR-789", "form": "1179", "url": "https://contoso.test", "callback": "cb"})
    reply = await call("GET", f"{POD}/index.php/form/getForm?{query}")
    assert (reply.status, reply.headers["Content-Type"]) == (200, "application/javascript; charset=utf-8")
    described = json.loads(reply.text.removeprefix("cb(").removesuffix(");"))
    assert (described["Id"], described["Vid"], described["munchkinId"]) == (1179, 1179, "123-PQR-789")
    fields = {field["Name"]: field for row in described["rows"] for field in row}
    assert [name for name, field in fields.items() if field.get("IsRequired")] == ["Email", "LastName"]
    assert fields["Email"]["Datatype"] == "email"
    assert fields["LeadSource"]["Datatype"] == "hidden"


@pytest.mark.parametrize(
    ("host", "munchkin", "form"),
    [(POD, "123-PQR-789", "9"), (POD, "999-AAA-999", "1179"), (POD, "123-PQR-789", "1181"), (POD, "", "")],
)
async def test_an_unknown_form_is_not_described(call: Caller, host: str, munchkin: str, form: str) -> None:
    reply = await call("GET", f"{host}/index.php/form/getForm?munchkinId={munchkin}&form={form}&callback=cb")
    assert json.loads(reply.text.removeprefix("cb(").removesuffix(");"))["error"] is True


async def test_another_pod_does_not_know_the_subscription(call: Caller) -> None:
    reply = await call("GET", "https://app-sj01.marketo.com/index.php/form/getForm?munchkinId=123-PQR-789&form=1179")
    assert reply.json["error"] is True
    elsewhere = SAVE.replace("ys12", "sj01")
    assert (await call("POST", elsewhere, data=form_post())).json["error"] is True


# Form posts


async def test_a_post_makes_a_person(call: Caller, marketo: Marketo) -> None:
    reply = await call("POST", SAVE, data=form_post())
    assert (reply.status, reply.headers["Content-Type"]) == (200, "application/json; charset=utf-8")
    assert reply.json.keys() == {"formId", "followUpUrl", "aliId"}
    assert reply.json["formId"] == "1179"
    assert "https:\\/\\/" in reply.text
    (person,) = marketo.received()
    assert (person["via"], person["status"], person["ignored"]) == ("forms", "created", [])
    assert person["fields"] == {
        "firstName": "Zoë",
        "lastName": "Lovelace",
        "email": "ada@analytical.test",
        "leadSource": "AzureMarketplace-INS|contoso.engine",
    }


async def test_a_repeat_makes_no_second_person(call: Caller, marketo: Marketo) -> None:
    for address in ("ada@analytical.test", "ADA@analytical.test"):
        assert "formId" in (await call("POST", SAVE, data=form_post(Email=address))).json
    (person,) = marketo.received()
    assert person["times"] == 2


async def test_a_post_may_be_multipart(call: Caller, marketo: Marketo) -> None:
    with aiohttp.MultipartWriter("form-data") as parts:
        for name, value in form_post().items():
            parts.append(value).set_content_disposition("form-data", name=name)
    assert "formId" in (await call("POST", SAVE, data=parts)).json
    assert marketo.received()[0]["fields"]["firstName"] == "Zoë"  # type: ignore[index]


async def test_fields_that_are_not_on_the_form_are_dropped(call: Caller, marketo: Marketo) -> None:
    post = form_post(formid="1180", formVid="1180", Shoe="44", _mkt_trk="id")
    assert "formId" in (await call("POST", SAVE, data=post)).json
    (person,) = marketo.received()
    assert person["ignored"] == ["LeadSource", "Shoe"]
    assert "leadSource" not in person["fields"]  # type: ignore[operator]


async def test_values_are_cut_and_lists_joined(call: Caller, marketo: Marketo) -> None:
    post = [*form_post(FirstName="x" * 300).items(), ("Title[]", "a"), ("Title[]", "b")]
    await call("POST", SAVE, data=post)
    (person,) = marketo.received()
    assert person["fields"]["firstName"] == "x" * 255  # type: ignore[index]
    assert person["fields"]["title"] == "a;b"  # type: ignore[index]


@pytest.mark.parametrize(
    ("changes", "form"),
    [
        ({"munchkinId": "999-AAA-999"}, None),
        ({"munchkinId": ""}, None),
        ({"formid": "9"}, "9"),
        ({"formid": ""}, None),
        ({"formid": "1181", "formVid": "1181"}, "1181"),
        ({"formVid": "1"}, "1179"),
        ({"formVid": ""}, "1179"),
        ({"Email": ""}, "1179"),
        ({"LastName": ""}, "1179"),
        ({"Email": "nonsense"}, "1179"),
        ({"Email": "zoë@analytical.test"}, "1179"),
    ],
)
async def test_a_post_is_refused(call: Caller, marketo: Marketo, changes: dict[str, str], form: str | None) -> None:
    reply = await call("POST", SAVE, data=form_post(**changes))
    assert (reply.status, reply.json["error"], reply.json.get("formId")) == (200, True, form)
    assert list(marketo.received()) == []


async def test_a_post_is_a_form(call: Caller) -> None:
    assert (await call("POST", SAVE, json=form_post())).json["error"] is True
    assert (await call("GET", SAVE)).status == 404


async def test_the_path_for_browsers_without_scripts_redirects(call: Caller, marketo: Marketo) -> None:
    reply = await call("POST", SAVE.removesuffix("2"), data=form_post())
    assert (reply.status, reply.headers["Location"]) == (302, "https://www.contoso.com/thank-you")
    assert len(marketo.received()) == 1


async def test_posts_without_a_right_checksum_are_dropped(call: Caller, marketo: Marketo) -> None:
    marketo.choose("rejectInvalidChecksum")
    names = "FirstName,Email"
    right = hashlib.sha256("Zoë|ada@analytical.test".encode()).hexdigest()
    for changes in (
        {},
        {"checksumFields": names, "checksum": "0" * 64},
        {"checksumFields": names, "checksum": right.upper()},
        {"checksumFields": "Email,FirstName", "checksum": right},
        {"checksum": hashlib.sha256(b"").hexdigest()},
    ):
        reply = await call("POST", SAVE, data=form_post(**changes))
        assert (reply.status, "error" in reply.json) == (200, False)
    assert lost(marketo) == ["checksum"] * 5
    await call("POST", SAVE, data=form_post(checksumFields=names, checksum=right))
    assert len(marketo.subscription.people) == 1


async def test_a_form_with_recaptcha_drops_posts(call: Caller, marketo: Marketo) -> None:
    marketo.choose("formReCaptcha")
    assert "formId" in (await call("POST", SAVE, data=form_post())).json
    assert lost(marketo) == ["reCaptcha"]


@pytest.mark.parametrize(("state", "status"), [("captchaPage", 200), ("captchaPage403", 403)])
async def test_a_captcha_page_comes(call: Caller, marketo: Marketo, state: str, status: int) -> None:
    marketo.choose(state)
    reply = await call("POST", SAVE, data=form_post())
    assert (reply.status, reply.headers["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert list(marketo.received()) == []


async def test_a_burst_brings_the_captcha_page(call: Caller, marketo: Marketo, sandbox: Sandbox) -> None:
    marketo.subscription.posts_limit = 2
    replies = [await call("POST", SAVE, data=form_post()) for _ in range(3)]
    assert [reply.status for reply in replies] == [200, 200, 403]
    sandbox.clock.advance(31)
    assert (await call("POST", SAVE, data=form_post())).status == 200


async def test_a_form_is_no_longer_approved(call: Caller, marketo: Marketo) -> None:
    marketo.choose("formNotApproved")
    assert (await call("POST", SAVE, data=form_post())).json["error"] is True
