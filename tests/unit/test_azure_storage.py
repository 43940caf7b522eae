"""Connection strings in every form that Azure hands out, and what the service's error codes mean."""

from __future__ import annotations

import base64
import itertools
import json
from datetime import UTC, datetime
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadkeeper.destinations.azure_storage.account import (
    DEVELOPMENT_ACCOUNT,
    DEVELOPMENT_KEY,
    ConnectionStringError,
    Service,
    StorageAccount,
    is_account_permitted,
    parse_connection_string,
)
from leadkeeper.destinations.azure_storage.diagnoses import AzureStorageKind
from leadkeeper.destinations.azure_storage.errors import (
    BEING_DELETED_SECONDS,
    CODES,
    StorageError,
    diagnose_storage,
    read_storage_error,
    storage_verdict_on,
)
from leadkeeper.diagnosis import AnyKind, Kind, Outcome
from leadkeeper.lead import Customer, OutgoingLead
from leadkeeper.network.client import NetworkPolicy

KEY = "c2VjcmV0LWtleS1vZi1jb250b3NvLWxlYWRzLTEyMzQ1Njc4OTA="
SIGNATURE = "8ZxY%2Bq1secretsecretsecretsecret0123456789%3D"
SAS = f"sv=2022-11-02&ss=t&srt=sco&sp=rwdlacu&se=2030-01-01T00:00:00Z&spr=https&sig={SIGNATURE}"
PORTAL = {"DefaultEndpointsProtocol": "https", "AccountName": "contosoleads", "AccountKey": KEY}


def joined(parts: dict[str, str]) -> str:
    return ";".join(f"{name}={value}" for name, value in parts.items())


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        (joined(PORTAL), "https://contosoleads.table.core.windows.net"),
        (joined(PORTAL) + ";", "https://contosoleads.table.core.windows.net"),
        (joined(PORTAL | {"EndpointSuffix": "core.windows.net"}), "https://contosoleads.table.core.windows.net"),
        (
            joined(PORTAL | {"EndpointSuffix": "core.chinacloudapi.cn"}) + ";",
            "https://contosoleads.table.core.chinacloudapi.cn",
        ),
        (
            f" accountname=ContosoLeads ; ACCOUNTKEY={KEY} ; endpointsuffix=core.usgovcloudapi.net ",
            "https://contosoleads.table.core.usgovcloudapi.net",
        ),
        (
            joined(PORTAL | {"TableEndpoint": "https://contosoleads.z12.table.storage.azure.net/"}),
            "https://contosoleads.z12.table.storage.azure.net",
        ),
        (
            joined(
                {"DefaultEndpointsProtocol": "https", "AccountName": "contoso-leads-cosmos", "AccountKey": KEY}
                | {"TableEndpoint": "https://contoso-leads-cosmos.table.cosmos.azure.com:443/"}
            ),
            "https://contoso-leads-cosmos.table.cosmos.azure.com",
        ),
        (
            joined(PORTAL | {"TableEndpoint": "https://127.0.0.1:10002/contosoleads"}),
            "https://127.0.0.1:10002/contosoleads",
        ),
    ],
)
def test_a_key_in_any_form(text: str, endpoint: str) -> None:
    account = parse_connection_string(text, Service.TABLE)
    assert account.endpoint == endpoint
    assert account.key == KEY
    assert account.name is not None
    assert account.name.lower() == account.name
    assert KEY not in repr(account)


def test_a_shared_access_signature_needs_no_account_name() -> None:
    text = f"BlobEndpoint=https://c.blob.core.windows.net/;TableEndpoint=https://c.table.core.windows.net/;SharedAccessSignature=?{SAS}"
    account = parse_connection_string(text, Service.TABLE)
    assert (account.endpoint, account.key, account.sas) == ("https://c.table.core.windows.net", None, SAS)
    assert account.permissions == "rwdlacu"
    assert SIGNATURE in account.secrets
    assert "8ZxY+q1secretsecretsecretsecret0123456789=" in account.secrets
    assert SIGNATURE not in repr(account)
    assert parse_connection_string(text, Service.BLOB).host == "c.blob.core.windows.net"


def test_a_signature_with_the_account_s_name_and_a_stored_policy() -> None:
    account = parse_connection_string(
        f"AccountName=contosoleads;SharedAccessSignature=si=p&sig={SIGNATURE}", Service.TABLE
    )
    assert account.endpoint == "https://contosoleads.table.core.windows.net"
    assert account.permissions is None


@pytest.mark.parametrize("text", ["UseDevelopmentStorage=true", "usedevelopmentstorage=TRUE;"])
def test_the_emulator_by_its_short_name(text: str) -> None:
    account = parse_connection_string(text, Service.TABLE)
    assert account == StorageAccount(
        "http://127.0.0.1:10002/devstoreaccount1", DEVELOPMENT_ACCOUNT, key=DEVELOPMENT_KEY
    )
    elsewhere = parse_connection_string(f"{text};DevelopmentStorageProxyUri=http://[::1]", Service.BLOB)
    assert elsewhere.endpoint == "http://[::1]:10000/devstoreaccount1"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", "empty"),
        (" ; ", "empty"),
        ("hello", "Part 1"),
        (f"AccountName=contosoleads;{KEY}", "Part 2"),
        (f"AccountName=contosoleads;Password={KEY}", "Part 2"),
        (joined(PORTAL) + f";AccountKey={KEY}", "AccountKey occurs twice"),
        (joined(PORTAL | {"AccountKey": ""}), "AccountKey is empty"),
        (joined(PORTAL | {"AccountKey": KEY[:-2]}), "AccountKey is not complete base64"),
        (joined(PORTAL | {"AccountKey": "*********"}), "AccountKey is not complete base64"),
        (joined(PORTAL | {"AccountKey": "schlüssel"}), "AccountKey is not complete base64"),
        (f"AccountKey={KEY}", "AccountName"),
        (f"TableEndpoint=https://a.table.core.windows.net;AccountKey={KEY}", "AccountName is missing"),
        ("AccountName=contosoleads", "AccountKey (or SharedAccessSignature) is missing"),
        (joined(PORTAL | {"AccountName": "ab"}), "AccountName is not"),
        (joined(PORTAL | {"AccountName": "contoso-leads"}), "AccountName is not"),
        (joined(PORTAL | {"AccountName": "evil.example/x?"}), "AccountName is not"),
        (joined(PORTAL | {"DefaultEndpointsProtocol": "http"}), "DefaultEndpointsProtocol must be https"),
        (joined(PORTAL | {"EndpointSuffix": "evil.example/x"}), "EndpointSuffix"),
        (joined(PORTAL | {"EndpointSuffix": "evil.example?x"}), "EndpointSuffix"),
        (joined(PORTAL | {"EndpointSuffix": "x@evil.example"}), "EndpointSuffix"),
        (joined(PORTAL | {"TableEndpoint": "http://c.table.core.windows.net"}), "TableEndpoint"),
        (joined(PORTAL | {"TableEndpoint": "https://user:pass@c.table.core.windows.net"}), "TableEndpoint"),
        (joined(PORTAL | {"TableEndpoint": f"https://c.table.core.windows.net?{SAS}"}), "TableEndpoint"),
        (joined(PORTAL | {"TableEndpoint": "https://2130706433/"}), "TableEndpoint"),
        (f"TableEndpoint=https://c.table.core.windows.net;SharedAccessSignature={SAS[:20]}", "SharedAccessSignature"),
        (f"AccountName=contosoleads;SharedAccessSignature={SAS} x", "SharedAccessSignature"),
        (f"BlobEndpoint=https://c.blob.core.windows.net;SharedAccessSignature={SAS}", "TableEndpoint"),
        ("UseDevelopmentStorage=false", "UseDevelopmentStorage"),
        (f"UseDevelopmentStorage=true;AccountKey={KEY}", "UseDevelopmentStorage"),
        ("UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://evil.example", "DevelopmentStorageProxyUri"),
    ],
)
def test_what_cannot_be_used_is_named_and_never_repeated(text: str, names: str) -> None:
    with pytest.raises(ConnectionStringError) as raised:
        parse_connection_string(text, Service.TABLE)
    message = str(raised.value)
    assert names in message
    assert KEY[:12] not in message
    assert SIGNATURE[:12] not in message
    assert "evil" not in message


@given(
    st.permutations(
        [*PORTAL, "EndpointSuffix"],
    ),
    st.lists(st.booleans(), min_size=4, max_size=4),
    st.binary(min_size=1, max_size=64),
    st.booleans(),
)
def test_order_case_and_trailing_semicolon_do_not_matter(
    order: list[str], upper: list[bool], secret: bytes, trailing: bool
) -> None:
    key = base64.b64encode(secret).decode()
    values = PORTAL | {"AccountKey": key, "EndpointSuffix": "core.windows.net"}
    text = ";".join(
        f"{name.upper() if up else name.lower()}={values[name]}" for name, up in zip(order, upper, strict=True)
    )
    account = parse_connection_string(text + ";" * trailing, Service.TABLE)
    assert account == StorageAccount("https://contosoleads.table.core.windows.net", "contosoleads", key=key)


@given(st.text(), st.sampled_from(list(Service)))
def test_any_text_gives_an_account_or_an_error_of_ours(text: str, service: Service) -> None:
    try:
        account = parse_connection_string(text, service)
    except ConnectionStringError:
        return
    assert account.host


@given(st.text(alphabet=st.characters(codec="utf-8"), min_size=8))
def test_no_error_repeats_a_key(key: str) -> None:
    try:
        parse_connection_string(f"AccountName=contosoleads;AccountKey={key}", Service.TABLE)
    except ConnectionStringError as error:
        assert key not in str(error)  # noqa: PT017 (most keys are refused, some are not)


LOOPBACK = NetworkPolicy(allow_addresses=(ip_network("127.0.0.0/8"),))
MAPPED = NetworkPolicy(hosts={"*.stack.example": ("10.1.2.3", None), "leads.example": ("10.1.2.4", 443)})


@pytest.mark.parametrize(
    ("endpoint", "policy", "permitted"),
    [
        ("https://a.table.core.windows.net", NetworkPolicy(), True),
        ("https://a.table.cosmos.azure.com", NetworkPolicy(), True),
        ("https://evilcore.windows.net", NetworkPolicy(), False),
        ("https://a.table.core.windows.net.evil.example", NetworkPolicy(), False),
        ("https://leads.example", NetworkPolicy(), False),
        ("https://leads.example", MAPPED, True),
        ("https://a.table.stack.example", MAPPED, True),
        ("https://stack.example", MAPPED, False),
        ("https://127.0.0.1:10002/a", NetworkPolicy(), False),
        ("https://127.0.0.1:10002/a", LOOPBACK, True),
        ("http://127.0.0.1:10002/a", LOOPBACK, True),
        ("http://localhost:10002/a", LOOPBACK, True),
        ("http://localhost:10002/a", NetworkPolicy(), False),
        ("https://192.0.2.1/a", LOOPBACK, False),
        ("https://20.60.0.1/a", NetworkPolicy(), False),
    ],
)
def test_where_leads_may_go(endpoint: str, policy: NetworkPolicy, permitted: bool) -> None:
    assert is_account_permitted(StorageAccount(endpoint, "a", key=KEY), policy) is permitted


CONFIG, DATA, THROTTLE, WAIT, UNSURE = (
    Outcome.BROKEN,
    Outcome.REFUSED,
    Outcome.THROTTLED,
    Outcome.FAILED,
    Outcome.AMBIGUOUS,
)
FACTS = [  # docs/reference/vendors/azure_storage.md#errors
    (403, "AuthenticationFailed", AzureStorageKind.KEY_REJECTED, CONFIG),
    *(
        (403, code, AzureStorageKind.ACCESS_BLOCKED, CONFIG)
        for code in (
            *("AuthorizationFailure", "AuthorizationPermissionMismatch", "AuthorizationProtocolMismatch"),
            *("AuthorizationSourceIPMismatch", "AuthorizationResourceTypeMismatch", "AuthorizationServiceMismatch"),
            *("InsufficientAccountPermissions", "KeyBasedAuthenticationNotPermitted"),
        )
    ),
    (403, "AccountIsDisabled", AzureStorageKind.ACCOUNT_DISABLED, CONFIG),
    (400, "InvalidAuthenticationInfo", AzureStorageKind.KEY_REJECTED, CONFIG),
    *(
        (400, code, AzureStorageKind.SETTING_INVALID, CONFIG)
        for code in (
            *("AccountRequiresHttps", "InvalidHeaderValue", "InvalidUri", "InvalidResourceName", "OutOfRangeInput"),
        )
    ),
    *(
        (404, code, Kind.ENDPOINT_NOT_FOUND, CONFIG)
        for code in ("TableNotFound", "ContainerNotFound", "ResourceNotFound", "EntityNotFound", "BlobNotFound")
    ),
    (409, "TableBeingDeleted", AzureStorageKind.TABLE_BEING_DELETED, WAIT),
    (409, "ContainerBeingDeleted", AzureStorageKind.TABLE_BEING_DELETED, WAIT),
    *(
        (409, code, AzureStorageKind.SETTING_INVALID, CONFIG)
        for code in ("InvalidBlobType", "BlockCountExceedsLimit", "LeaseIdMissing")
    ),
    *(
        (status, code, Kind.LEAD_TOO_LARGE, DATA)
        for status, code in (
            (400, "EntityTooLarge"),
            (400, "PropertyValueTooLarge"),
            (413, "RequestBodyTooLarge"),
        )
    ),
    *(
        (400, code, Kind.LEAD_REFUSED, DATA)
        for code in (
            *("TooManyProperties", "PropertyNameInvalid", "PropertyNameTooLong", "PropertiesNeedValue"),
            *("InvalidInput", "InvalidDuplicateRow", "InvalidValueType"),
        )
    ),
    *(
        (412, code, Kind.SERVER_ERROR, WAIT)
        for code in ("UpdateConditionNotSatisfied", "ConditionNotMet", "AppendPositionConditionNotMet")
    ),
    (503, "ServerBusy", Kind.THROTTLED, THROTTLE),
    (500, "OperationTimedOut", Kind.SERVER_ERROR, UNSURE),
    (500, "InternalError", Kind.SERVER_ERROR, UNSURE),
]


@pytest.mark.parametrize(("status", "code", "kind", "outcome"), FACTS, ids=str)
@pytest.mark.parametrize("form", ["json", "xml", "header"])
def test_each_code_means_what_the_facts_say(status: int, code: str, kind: AnyKind, outcome: Outcome, form: str) -> None:
    headers = {"x-ms-error-code": code} if form == "header" else {}
    body = {
        "json": json.dumps({"odata.error": {"code": code, "message": {"lang": "de", "value": "0:Nein."}}}),
        "xml": f'<?xml version="1.0"?><m:error><m:code>{code}</m:code><m:message>Nein.</m:message></m:error>',
        "header": "",
    }[form]
    error = read_storage_error(status, headers, body.encode(), now=0)
    assert error.code == code
    assert error.index == (0 if form == "json" else None)
    diagnosis = diagnose_storage(error, (), ())
    assert (diagnosis.kind, diagnosis.outcome) == (kind, outcome)
    assert diagnosis.evidence.status == status
    assert diagnosis.evidence.code == code


def test_the_table_of_codes_has_no_more_than_one_meaning_each() -> None:
    words = list(itertools.chain.from_iterable(code.split() for code in CODES))
    assert len(words) == len(set(words)) == len(CODES)


@pytest.mark.parametrize(
    ("status", "kind", "outcome"),
    [
        (200, Kind.ANSWER_NOT_UNDERSTOOD, UNSURE),
        (302, Kind.REDIRECTED, CONFIG),
        (400, Kind.LEAD_REFUSED, DATA),
        (401, AzureStorageKind.KEY_REJECTED, CONFIG),
        (403, AzureStorageKind.ACCESS_BLOCKED, CONFIG),
        (404, Kind.ENDPOINT_NOT_FOUND, CONFIG),
        (405, Kind.METHOD_REFUSED, CONFIG),
        (409, Kind.SERVER_ERROR, WAIT),
        (410, Kind.ENDPOINT_GONE, CONFIG),
        (413, Kind.LEAD_TOO_LARGE, DATA),
        (422, Kind.LEAD_REFUSED, DATA),
        (429, Kind.THROTTLED, THROTTLE),
        (500, Kind.SERVER_ERROR, WAIT),
        (503, Kind.SERVER_ERROR, WAIT),
        (599, Kind.SERVER_ERROR, WAIT),
    ],
)
def test_an_unknown_code_goes_by_its_status(status: int, kind: AnyKind, outcome: Outcome) -> None:
    for code in (None, "NeverHeardOf"):
        diagnosis = diagnose_storage(StorageError(status, code), (), ())
        assert (diagnosis.kind, diagnosis.outcome) == (kind, outcome)


def test_a_busy_gateway_that_says_when_is_throttling() -> None:
    assert storage_verdict_on(StorageError(503, None, retry_after=5.0)).kind is Kind.THROTTLED


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "17"}, 17.0),
        ({"Retry-After": "Thu, 01 Jan 1970 00:01:30 GMT"}, 30.0),
        ({"Retry-After": "soon"}, None),
        ({"x-ms-retry-after-ms": "1500"}, 1.5),
    ],
)
def test_how_long_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert read_storage_error(429, headers, b"", now=60).retry_after == seconds


def test_a_table_being_deleted_takes_its_time() -> None:
    diagnosis = diagnose_storage(StorageError(409, "TableBeingDeleted", retry_after=1.0), (), ())
    assert diagnosis.retry_after == BEING_DELETED_SECONDS >= 40


@given(st.integers(100, 599), st.binary(max_size=300))
def test_any_answer_can_be_read(status: int, body: bytes) -> None:
    error = read_storage_error(status, {}, body, now=0)
    assert len(diagnose_storage(error, (), ()).evidence.text or "") <= 500


@pytest.mark.parametrize(
    "body", ["[" * 50_000, '{"odata.error": 1}', '{"odata.error": {"code": 5, "message": 6}}', "[]"]
)
def test_answers_that_look_like_the_service_s_and_are_not(body: str) -> None:
    assert read_storage_error(400, {}, body.encode(), now=0).code is None


def test_of_a_web_page_only_the_title_is_shown() -> None:
    page = "<!DOCTYPE html><html><head><title>Sign in &amp; go</title></head><body><code>Code</code> x</body></html>"
    error = read_storage_error(403, {"content-type": "text/html"}, page.encode(), now=0)
    assert (error.code, error.message) == (None, "an HTML page: Sign in & go")


def test_the_service_s_trailer_is_not_part_of_its_message() -> None:
    trailer = "RequestId:5a0a5b7e-0002-00a1-1b2c-3d4e5f000000\nTime:2026-11-22T08:15:30.1234567Z"
    body = json.dumps({"odata.error": {"code": "InvalidInput", "message": {"value": f"7:Nein.\n{trailer}"}}})
    error = read_storage_error(400, {}, body.encode(), now=0)
    assert (error.index, error.message) == (7, "7:Nein.")
    assert error.request_id == "5a0a5b7e-0002-00a1-1b2c-3d4e5f000000"


LEADS = [
    OutgoingLead(
        id=str(number),
        created_at=datetime(2026, 11, 22, tzinfo=UTC),
        source="AzureMarketplace",
        action="INS",
        lead_source="AzureMarketplace-INS|contoso.crm-pro",
        publisher_id="contoso",
        publisher_name="Contoso",
        offer_id="crm-pro",
        offer_title="CRM",
        customer=Customer("Zoltan", name, f"{name}@fabrikam.example", "+49 30 901820", company="Fabrikam Works"),
        description="Please call about forty seats",
    )
    for number, name in enumerate(["Quist", "Xylander"])
]


@pytest.mark.parametrize(
    "echo",
    [
        "Quist",
        "quist@fabrikam.example",
        "Quist%40fabrikam",
        "about forty seats",
        "call about f",
        "Works",
        "+49 30 901820",
    ],
)
@pytest.mark.parametrize("place", ["message", "header", "id", "page"])
def test_evidence_repeats_nothing_of_a_lead(echo: str, place: str) -> None:
    headers = {"header": {"x-ms-error-code": echo}, "id": {"x-ms-request-id": echo}}.get(place, {})
    body = f"<html><title>Sorry {echo}</title>" if place == "page" else f"cannot take {echo} for some reason"
    error = read_storage_error(400, headers, body.encode(), now=0)
    for leads in (LEADS[:1], LEADS):
        shown = str(diagnose_storage(error, leads, ()).evidence).casefold()
        for text in ("quist", "forty seats", "call about f", "works", "901820"):
            assert text not in shown


def test_what_repeats_several_leads_is_not_shown_but_its_known_code_is() -> None:
    error = read_storage_error(400, {"x-ms-error-code": "InvalidInput"}, b"Quist and Xylander", now=0)
    evidence = diagnose_storage(error, LEADS, ()).evidence
    assert (evidence.code, evidence.text) == ("InvalidInput", None)


def test_evidence_shows_no_secret() -> None:
    secrets = StorageAccount("https://a.table.core.windows.net", "a", key=KEY, sas=SAS).secrets
    body = f"key {KEY} and url https://a.table.core.windows.net/T?{SAS} in it".encode()
    for text in (body, body.replace(b" ", b"_")):
        evidence = diagnose_storage(
            read_storage_error(400, {"x-ms-error-code": KEY}, text, now=0), (), secrets
        ).evidence
        assert KEY[:10] not in str(evidence)
        assert SIGNATURE[:10] not in str(evidence)
