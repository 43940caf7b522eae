"""The HTTPS endpoint without a network: its settings, its body, how answers are read and masked."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, cast, get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError
from pydantic_core import PydanticSerializationError
from standardwebhooks import Webhook
from yarl import URL

from leadkeeper.destinations.https_endpoint import adapter
from leadkeeper.destinations.https_endpoint.adapter import encode_payload
from leadkeeper.destinations.https_endpoint.settings import HttpsEndpointConfig, KeyCasing
from leadkeeper.diagnosis import Receipt
from leadkeeper.lead import Customer, OutgoingLead
from leadkeeper.network.answer import LONGEST_WAIT, Private, read_error, retry_after, url_secrets
from leadkeeper.network.client import Answered, Network, parse_url

LEAD = OutgoingLead(
    id="0198c2a4-7d10-7c3e-8a55-1f2e3d4c5b6a",
    created_at=datetime(2026, 3, 4, 5, 6, 7, 89_999, tzinfo=UTC),
    source="AzureMarketplace",
    action="INS",
    lead_source="AzureMarketplace-INS|contoso.crm",
    publisher_id="contoso",
    publisher_name="Contoso",
    offer_id="crm",
    offer_title="CRM for everybody",
    customer=Customer(
        "Zoë", "Müller-Łęcka", "zoe@fabrikam.example", "+49 30 901820", "DE", "Fabrikam GmbH", "Head of IT"
    ),
    description="Please call me after 17:00, we need forty seats.",
    campaign="spring",
)
FLOW = (
    "https://prod-07.westeurope.logic.azure.com:443/workflows/0123456789abcdef0123456789abcdef/triggers/manual/paths/"
    "invoke?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=Ab-cD_eF0123456789Ab-cD_eF0123456789AbcdeFG"
)


def whsec(size: int) -> str:
    return "whsec_" + base64.b64encode(bytes(range(size))).decode()


def config(**settings: Any) -> HttpsEndpointConfig:
    return HttpsEndpointConfig.model_validate({"httpsEndpointUrl": "https://leads.example/in"} | settings)


@pytest.mark.parametrize(
    "url",
    [
        FLOW,
        "https://contoso.com",
        "https://contoso.com:8443/a/b.c?code=x%2Fy==&z=1;2,3#part",
        "https://contoso.com/?q=a+b~c!d@e^f&g*h(i)_j='k'.l:[m]",
        "https://bücher.example/lead",
        "https://198.51.100.7/lead",
        "https://[2606:4700::1111]:8443/",
        "https://" + "a" * 60 + ".example/" + "b" * 1900,
    ],
)
def test_addresses_that_are_taken(url: str) -> None:
    assert config(httpsEndpointUrl=f" {url}\n").https_endpoint_url.get_secret_value() == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://contoso.com/",
        "http://127.0.0.1/",
        "contoso.com",
        "https://user:geheim@contoso.com/",
        "https://contoso.com/a b",
        "https://contoso.com/<geheim>",
        "https://contoso.com/{geheim}",
        'https://contoso.com/"geheim"',
        "https://contoso.com/geh|eim",
        "https://contoso.com/gehéim",
        "https://contoso.com/\x00",
        "https://0x7f.1/",
        "https://contoso.com/" + "b" * 2048,
    ],
)
def test_addresses_that_are_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ValidationError) as caught:
        config(httpsEndpointUrl=url)
    assert "geheim" not in str(caught.value)
    assert "httpsEndpointUrl" in str(caught.value)


@pytest.mark.parametrize("size", [24, 32, 64])
def test_signing_secrets_that_are_taken(size: int) -> None:
    given_ = config(signingSecret=whsec(size), previousSigningSecret=whsec(size))
    assert given_.signing_secret is not None
    assert given_.signing_secret.get_secret_value() == whsec(size)


@pytest.mark.parametrize(
    "secret", [whsec(23), whsec(65), whsec(32)[6:], "whsec_", "whsec_not base64!", "whsk_" + whsec(32)[6:]]
)
def test_signing_secrets_that_are_refused_and_not_repeated(secret: str) -> None:
    with pytest.raises(ValidationError) as caught:
        config(signingSecret=secret)
    assert secret.removeprefix("whsec_")[:6] not in str(caught.value).replace("base64", "") or secret == "whsec_"


def test_an_empty_signing_secret_is_none_and_an_old_one_needs_a_new_one() -> None:
    assert config(signingSecret="", previousSigningSecret=" ").signing_secret is None
    with pytest.raises(ValidationError, match="previous signing secret"):
        config(previousSigningSecret=whsec(32))


def test_unknown_settings_are_refused() -> None:
    with pytest.raises(ValidationError):
        config(url="x")
    with pytest.raises(ValidationError):
        config(keyCasing="snake")


def test_secrets_do_not_show() -> None:
    settings = config(httpsEndpointUrl=FLOW, signingSecret=whsec(32))
    assert "sig=" not in repr(settings)
    assert "whsec_" not in repr(settings)
    assert settings.host == "prod-07.westeurope.logic.azure.com"


def test_the_body_is_microsofts_and_what_it_lacks() -> None:
    assert json.loads(encode_payload(LEAD)) == {
        "UserDetails": {
            "FirstName": "Zoë",
            "LastName": "Müller-Łęcka",
            "Email": "zoe@fabrikam.example",
            "Phone": "+49 30 901820",
            "Country": "DE",
            "Company": "Fabrikam GmbH",
            "Title": "Head of IT",
        },
        "LeadSource": "AzureMarketplace-INS|contoso.crm",
        "ActionCode": "INS",
        "OfferTitle": "CRM for everybody",
        "Description": "Please call me after 17:00, we need forty seats.",
        "LeadId": "0198c2a4-7d10-7c3e-8a55-1f2e3d4c5b6a",
        "PublisherId": "contoso",
        "OfferId": "crm",
        "CreatedTime": "2026-03-04T05:06:07.089Z",
        "Campaign": "spring",
        "IsTest": False,
    }
    assert "Müller-Łęcka".encode() in encode_payload(LEAD)


def test_the_keys_come_in_three_casings() -> None:
    pascal = json.loads(encode_payload(LEAD))
    mixed = json.loads(encode_payload(LEAD, casing="userDetailsCamel"))
    camel = json.loads(encode_payload(LEAD, casing="camel"))
    assert mixed == {"userDetails": pascal["UserDetails"]} | {k: v for k, v in pascal.items() if k != "UserDetails"}
    assert camel["userDetails"] == {k[0].lower() + k[1:]: v for k, v in pascal["UserDetails"].items()}
    assert {k for k in camel if k != "userDetails"} == {k[0].lower() + k[1:] for k in pascal} - {"userDetails"}
    assert camel["leadId"] == LEAD.id


def test_the_lead_source_may_be_bare() -> None:
    assert json.loads(encode_payload(LEAD, bare=True))["LeadSource"] == "AzureMarketplace"


def test_times_of_other_zones_are_sent_in_utc() -> None:
    east = replace(LEAD, created_at=LEAD.created_at.astimezone(timezone(timedelta(hours=5, minutes=45))))
    assert encode_payload(east) == encode_payload(LEAD)


_TEXTS = st.text(max_size=20) | st.text("aé\"\\/\n\t\r\b\f\0\x1f\x7f\x80\u2028\u2029\ufeff😀<>&'\ud83d", max_size=20)


@given(st.lists(_TEXTS, min_size=16, max_size=16), st.booleans(), st.integers(0, 999), st.booleans())
def test_the_bytes_are_those_of_the_standard_library(texts: list[str], test: bool, hops: int, bare: bool) -> None:
    id_, source, action, whole, publisher, offer, title, description, campaign, *person = texts
    lead = replace(LEAD, id=id_, source=source, action=action, lead_source=whole, publisher_id=publisher)
    lead = replace(lead, offer_id=offer, offer_title=title, description=description, campaign=campaign)
    lead = replace(lead, customer=Customer(*person), test=test, hops=hops)
    for casing in get_args(KeyCasing):
        body = encode_payload(lead, casing=casing, bare=bare)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(adapter, "to_json", _refuse)
            assert body == encode_payload(lead, casing=casing, bare=bare)


def _refuse(_: object) -> bytes:
    raise PydanticSerializationError("half of a pair")


class _Posts:
    """A network that keeps what it is given, and takes everything."""

    def __init__(self) -> None:
        self.sent: list[tuple[bytes, Mapping[str, str]]] = []

    async def post(self, _: URL, *, data: bytes, headers: Mapping[str, str], body_seconds: float) -> Answered:
        self.sent.append((data, headers))
        return Answered(200, {}, b"")


@given(st.binary(min_size=24, max_size=64), st.none() | st.binary(min_size=24, max_size=64), _TEXTS, st.floats(0, 4e9))
def test_the_headers_are_those_of_the_published_library(
    key: bytes, previous: bytes | None, description: str, now: float
) -> None:
    secrets = ["whsec_" + base64.b64encode(each).decode() for each in (key, previous) if each is not None]
    given_ = config(**dict(zip(("signingSecret", "previousSigningSecret"), secrets, strict=False)))
    network = _Posts()
    destination = adapter.HttpsEndpoint(given_, cast(Network, network), lambda: now)
    lead = replace(LEAD, description=description, hops=2)
    assert asyncio.run(destination.deliver([lead])) == [Receipt()]
    moment, body = datetime.fromtimestamp(int(now), UTC), encode_payload(lead)
    signatures = [Webhook(secret).sign(LEAD.id, moment, body.decode()) for secret in secrets]
    headers = {"content-type": "application/json", "webhook-id": LEAD.id, "webhook-timestamp": str(int(now))}
    headers |= {"webhook-signature": " ".join(signatures), "leadkeeper-hops": "3"}
    assert network.sent == [(body, headers)]


@given(st.text(max_size=50), st.text(max_size=50))
@example("half of a pair: \ud83d", "\x00\u2028")
def test_every_text_makes_a_body(name: str, description: str) -> None:
    body = json.loads(encode_payload(replace(LEAD, customer=Customer(first_name=name), description=description)))
    assert body["UserDetails"]["FirstName"] == name.encode("utf-8", "replace").decode()
    assert body["Description"] == description.encode("utf-8", "replace").decode()


NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        (" 7 ", 7.0),
        ("0", 1.0),
        ("99999999", LONGEST_WAIT),
        ("9" * 5000, None),
        ("Wed, 04 Mar 2026 05:08:07 GMT", 120.0),
        ("Wed, 04 Mar 2026 05:08:07 -0000", 120.0),
        ("Wednesday, 04-Mar-26 05:08:07 GMT", 120.0),
        ("Wed, 04 Mar 2026 05:00:00 GMT", 1.0),
        ("Wed, 04 Mar 2099 05:00:00 GMT", LONGEST_WAIT),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("Wed, 99 Mar 2026 05:08:07 GMT", None),
        ("٣", None),
        ("", None),
    ],
)
def test_retry_after_in_both_forms(header: str, seconds: float | None) -> None:
    assert retry_after({"Retry-After": header}, NOW) == seconds


@given(st.text(max_size=60))
def test_no_retry_after_is_believed_past_its_bounds(header: str) -> None:
    seconds = retry_after({"Retry-After": header}, NOW)
    assert seconds is None or 1.0 <= seconds <= LONGEST_WAIT


@pytest.mark.parametrize(
    ("content_type", "body", "code", "text"),
    [
        ("application/json", b'{"error":{"code":"TooBig","message":"no"}}', "TooBig", "no"),
        ("application/json", b'{"error":"invalid_grant","error_description":"no"}', "invalid_grant", "no"),
        ("application/json", b'{"code":"E-1","detail":"no"}', "E-1", "no"),
        ("application/problem+json", b'{"type":"x","title":"no"}', None, "no"),
        ("application/json", b'{"code":17}', None, '{"code":17}'),
        ("application/json", b'{"error":{"code":"two words"}}', None, '{"error":{"code":"two words"}}'),
        ("application/json", b"[1]", None, "[1]"),
        ("application/json", b"{", None, "{"),
        ("application/json", b"[" * 60_000, None, "[" * 4_096),
        ("text/html; charset=utf-8", b"<html><title>Sign &amp; in</title><body>x", None, "an HTML page: Sign & in"),
        ("text/html", b"<p>x</p>", None, "an HTML page"),
        ("", b"  <!DOCTYPE html><p>x", None, "an HTML page"),
        ("", b"\xff\xfe", None, "\ufffd\ufffd"),
        ("", b"", None, ""),
    ],
)
def test_what_an_answer_says(content_type: str, body: bytes, code: str | None, text: str) -> None:
    assert read_error(content_type, body) == (code, text)


PERSONAL = ("Zoë", "zoe@", "fabrikam", "Müller", "Łęcka", "901820", "Head of", "forty seats", "call me after")


@pytest.mark.parametrize(
    "text",
    [
        encode_payload(LEAD).decode(),
        json.dumps(json.loads(encode_payload(LEAD))),
        encode_payload(LEAD).decode().upper(),
        encode_payload(LEAD).decode().replace("ë", "&euml;").replace("@", "&#64;").replace("Ł", "&#x141;"),
        "".join(f"%{byte:02X}" for byte in encode_payload(LEAD)),
        "name ZOË is taken; FABRIKAM unknown; phone 4930901820; mail zoe at fabrikam",
        'Description "Please call me after 17:00, we ne..." is too long',
        encode_payload(LEAD).decode("utf-8").encode("utf-16-le").decode("latin-1"),
    ],
)
def test_no_echo_of_the_lead_gets_through(text: str) -> None:
    shown = Private(LEAD).mask(text).casefold()
    assert not [word for word in PERSONAL if word.casefold() in shown]


@pytest.mark.parametrize("text", [FLOW, f"POST {FLOW} failed", FLOW.partition("?")[2], FLOW[-43:], FLOW[-30:-5]])
def test_no_echo_of_the_address_gets_through(text: str) -> None:
    shown = Private(LEAD, (FLOW, *url_secrets(parse_url(FLOW)))).mask(text)
    assert "0123456789" not in shown
    assert FLOW[-43:][:8] not in shown


def test_useful_words_stay() -> None:
    assert Private(LEAD).mask("Property 'PublisherId' must not be longer than 4 characters") == (
        "Property 'PublisherId' must not be longer than 4 characters"
    )


@pytest.mark.parametrize(
    ("identifier", "shown"),
    [
        ("08585287554177334956853859655CU00", "08585287554177334956853859655CU00"),
        ("DirectApiAuthorizationRequired", "DirectApiAuthorizationRequired"),
        ("zoe-1", None),
        ("a b", None),
        ("id<script>", None),
        ("", None),
        (None, None),
        ("x" * 129, None),
        (FLOW[-20:], None),
    ],
)
def test_identifiers_are_shown_when_harmless(identifier: str | None, shown: str | None) -> None:
    assert Private(LEAD, (FLOW, *url_secrets(parse_url(FLOW)))).shown(identifier) == shown


PAGE = (Path(__file__).parents[2] / "docs" / "destinations" / "https_endpoint.md").read_text(encoding="utf-8")


def snippet(name: str) -> str:
    """The code on the docs page that stands below the comment ``name``."""
    found = re.search(rf"<!-- {name} -->\n```\w+\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_sample_on_the_page_is_what_is_sent() -> None:
    assert json.loads(snippet("sample")) == json.loads(encode_payload(LEAD))


def test_the_code_on_the_page_verifies_signatures() -> None:
    names: dict[str, Any] = {}
    exec(snippet("verify"), names)
    moment, body = datetime.now(UTC).replace(microsecond=0), encode_payload(LEAD)
    headers = {
        "webhook-id": LEAD.id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": "v1,b2xk " + Webhook(whsec(32)).sign(LEAD.id, moment, body.decode()),
    }
    assert names["is_genuine"](headers, body, whsec(32))
    assert not names["is_genuine"](headers, body + b" ", whsec(32))
    assert not names["is_genuine"](headers, body, whsec(24))
    assert not names["is_genuine"](headers | {"webhook-timestamp": str(int(time.time()) - 400)}, body, whsec(32))


def test_every_setting_stands_on_the_page() -> None:
    for field in HttpsEndpointConfig.model_fields.values():
        assert f"| `{field.alias}` |" in PAGE
