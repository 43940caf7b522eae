"""The check of Azure Table proves the credentials and writes nothing; what is written down shows nothing private."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from leadkeeper.destinations.azure_storage.diagnoses import AzureStorageKind
from leadkeeper.diagnosis import AnyKind, Kind, Outcome
from leadkeeper.sandbox import faults
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.azure_storage.azurite import Azurite
from leadkeeper.sandbox.azure_table.stand_in import error
from leadkeeper.sandbox.faults import Fault
from tests.contracts.faults import PATIENCE, seconds_for
from tests.contracts.storage_leads import ADA, ADA_PRIVATE, make_lead, make_leads, refused, results
from tests.contracts.table_line import Line, opened, signature


@pytest.fixture
async def line(azurite: Azurite, authority: Authority, storage_account: str) -> AsyncIterator[Line]:
    async with opened(azurite, authority, storage_account) as made:
        yield made


# Checks


async def test_a_check_proves_the_credentials_and_writes_nothing(line: Line) -> None:
    adapter = line.open()
    check = await adapter.check()
    assert check.ok
    assert [(step.name, step.ok) for step in check.steps] == [
        (name, True) for name in ("settings", "address", "name", "network", "tls", "credentials")
    ]
    assert "will be made with the first lead" in check.steps[-1].detail
    assert [request.method for request in line.service.received] == ["GET"]
    await adapter.deliver([make_lead()])
    again = await adapter.check()
    assert again.ok
    assert "is there" in again.steps[-1].detail


@pytest.mark.parametrize(
    ("permissions", "ok"),
    [
        ({"read": True, "add": True, "create": True}, True),
        ({"add": True, "create": True}, None),
        ({"read": True}, False),
    ],
)
async def test_a_check_of_a_signature(line: Line, permissions: dict[str, bool], ok: bool | None) -> None:
    await line.open().deliver([make_lead()])
    adapter = line.open(line.setting(sas=signature(line.account, **permissions)))
    check = await adapter.check()
    assert check.steps[-1].name == "credentials"
    assert check.steps[-1].ok is ok
    assert check.ok is (ok is not False)
    if ok is False:
        assert check.diagnosis is not None
        assert check.diagnosis.kind is AzureStorageKind.ACCESS_BLOCKED
        assert (await refused(adapter)).kind is AzureStorageKind.ACCESS_BLOCKED
    else:
        assert results(await adapter.deliver([make_lead(1)])) == ["created"]


async def test_a_forged_signature(line: Line) -> None:
    sas = signature(line.account, read=True, add=True).replace("sig=", "sig=AAAA")
    adapter = line.open(line.setting(sas=sas))
    assert (await refused(adapter)).kind is AzureStorageKind.KEY_REJECTED
    check = await adapter.check()
    assert check.diagnosis is not None
    assert check.diagnosis.kind is AzureStorageKind.KEY_REJECTED


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (faults.hang, Kind.NO_ANSWER),
        (faults.html(200), Kind.ANSWER_NOT_UNDERSTOOD),
        (faults.endless(200), Kind.ANSWER_TOO_LARGE),
        (faults.reset_in_body(200), Kind.CONNECTION_LOST),
        (faults.redirect("https://10.0.0.1/"), Kind.REDIRECTED),
        (error(400, "SomethingNew"), AzureStorageKind.SETTING_INVALID),
        (error(503, "ServerBusy"), Kind.THROTTLED),
    ],
    ids=["hang", "page", "giant", "reset", "redirect", "new", "busy"],
)
async def test_a_check_of_what_misbehaves(line: Line, fault: Fault, kind: AnyKind) -> None:
    line.service.fail(fault)
    async with asyncio.timeout(PATIENCE):
        check = await line.open(total_seconds=seconds_for(kind)).check()
    assert check.diagnosis is not None
    assert check.diagnosis.kind is kind
    assert check.diagnosis.outcome is not Outcome.AMBIGUOUS
    assert check.steps[-1].name == "credentials"
    assert not check.ok


async def test_a_certificate_of_another_authority(line: Line) -> None:
    check = await line.open(ca_file=None).check()
    assert check.diagnosis is not None
    assert check.diagnosis.kind is Kind.TLS_FAILED
    assert (await refused(line.open(ca_file=None))).kind is Kind.TLS_FAILED


async def test_nothing_is_there(line: Line) -> None:
    await line.service.aclose()
    diagnosis = await refused(line.open())
    assert (diagnosis.kind, diagnosis.outcome) == (Kind.CONNECTION_FAILED, Outcome.FAILED)


# What is written down


async def test_nothing_private_is_logged(line: Line, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    adapter = line.open(line.setting(sas=signature(line.account, read=True, add=True, create=True)))
    await adapter.deliver(make_leads(range(2)))
    line.service.fail(faults.echo(400))
    await adapter.deliver([make_lead(5)])
    logged = caplog.text.lower()
    for text in (*ADA_PRIVATE, "sig=", "x-ms-", line.account):
        assert text.lower() not in logged


async def test_evidence_names_code_and_request(line: Line) -> None:
    line.service.fail(error(403, "AuthenticationFailed", f"The MAC signature 'abc' for {ADA.email} is not right."))
    evidence = (await refused(line.open())).evidence
    assert (evidence.status, evidence.code) == (403, "AuthenticationFailed")
    assert evidence.request_id
    assert evidence.text
    assert "MAC signature" in evidence.text


async def test_an_instance_closes_without_closing_the_network(line: Line) -> None:
    adapter = line.open()
    await adapter.deliver([make_lead()])
    await adapter.aclose()
    assert not line.opened[0][1].session.closed
