"""What the error codes of Azure Storage mean, how long to wait, and that evidence shows nothing private."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadkeeper.destinations.azure_storage.account import StorageAccount
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

KEY = "c2VjcmV0LWtleS1vZi1jb250b3NvLWxlYWRzLTEyMzQ1Njc4OTA="
SIGNATURE = "8ZxY%2Bq1secretsecretsecretsecret0123456789%3D"
SAS = f"sv=2022-11-02&ss=t&srt=sco&sp=rwdlacu&se=2030-01-01T00:00:00Z&spr=https&sig={SIGNATURE}"
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


@pytest.mark.parametrize("form", ["json", "xml", "header"])
def test_each_code_means_what_the_facts_say(form: str) -> None:
    for fact in FACTS:
        assert_is_read_in(form, *fact)


def assert_is_read_in(form: str, status: int, code: str, kind: AnyKind, outcome: Outcome) -> None:
    """A storage service's error, told in this form, is read as the facts have it."""
    headers = {"x-ms-error-code": code} if form == "header" else {}
    body = {
        "json": json.dumps({"odata.error": {"code": code, "message": {"lang": "de", "value": "0:Nein."}}}),
        "xml": f'<?xml version="1.0"?><m:error><m:code>{code}</m:code><m:message>Nein.</m:message></m:error>',
        "header": "",
    }[form]
    error = read_storage_error(status, headers, body.encode(), now=0)
    assert error.code == code
    assert error.index == (0 if form == "json" else None), code
    diagnosis = diagnose_storage(error, (), ())
    assert (diagnosis.kind, diagnosis.outcome) == (kind, outcome), (status, code)
    assert diagnosis.evidence.status == status, code
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
