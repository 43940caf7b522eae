"""The command line on a destination that confirms nothing: the same words, and a command to say what was found."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from leadkeeper.sandbox.https_endpoint.stand_in import ReceivingEndpoint
from tests.contracts.commands import OFFER, Call, call, put_connection, put_offer, receiving
from tests.contracts.honest import claims

__all__ = ["call"]


@pytest.fixture
def queueing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: Call) -> Iterator[ReceivingEndpoint]:
    """An endpoint that takes leads with 202: it queued them, and nobody knows what becomes of them."""
    yield from receiving(tmp_path, monkeypatch, ReceivingEndpoint(status=202))


def test_found_and_not_found(call: Call, queueing: ReceivingEndpoint) -> None:
    put_offer(call)
    put_connection(call, queueing)
    assert "not tried" in call("connections", "list").out
    assert "no test lead" in call("connections", "found", OFFER).line
    validated = call("connections", "validate", OFFER)
    assert validated.code == 0
    assert "sent, unconfirmed" in validated.out
    assert f"leadkeeper connections found {OFFER} primary" in validated.out + validated.err
    assert claims(validated.out + validated.err) == []
    listed = call("connections", "list")
    assert "unconfirmed" in listed.out
    assert claims(listed.out) == []
    doctor = call("doctor", "--test-leads")
    assert "sent, unconfirmed" in doctor.out
    assert claims(doctor.out + doctor.err) == []
    assert "well" not in doctor.err, "nobody knows whether all is well where nothing is confirmed"
    message = call("connections", "not-found", OFFER)
    assert message.code == 0
    assert "202" in message.out + message.err, "the usual causes"
    assert "broken" in call("connections", "list").out
    call("connections", "validate", OFFER)
    assert call("connections", "found", OFFER, "--marker", "MSFT_TEST_1").code == 1
    message = call("connections", "found", OFFER, "--json")
    assert message.json["health"]["state"] == "working"
    assert message.json["testLead"]["message"]["by"] == "cli"
    assert "working" in call("connections", "list").out


def test_to_retry_a_lead_that_nobody_confirmed_claims_nothing(call: Call, queueing: ReceivingEndpoint) -> None:
    put_offer(call)
    put_connection(call, queueing)
    lead_id = call("connections", "validate", OFFER, "--json").json["testLead"]["id"]
    message = call("leads", "retry", lead_id)
    assert message.code == 0
    assert "unconfirmed" in message.out + message.err
    assert claims(message.out + message.err) == []


def test_in_portuguese(
    call: Call,
    queueing: ReceivingEndpoint,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LEADKEEPER_LANGUAGE", "pt")
    put_offer(call)
    put_connection(call, queueing)
    assert "por testar" in call("connections", "list").out
    validated = call("connections", "validate", OFFER)
    assert "enviado, sem confirmação" in validated.out
    assert claims(validated.out + validated.err) == []
    assert "sem confirmação" in call("connections", "list").out
    assert "fila" in call("connections", "not-found", OFFER).out
    assert "com problema" in call("connections", "list").out


@pytest.mark.parametrize(
    ("policy", "language", "words"),
    [
        ("warn", "en", "once a test lead is taken with them"),
        ("wait", "en", "or somebody says that it was found"),
        ("wait", "pt", "ou alguém disser que foi encontrado"),
    ],
)
def test_new_settings_are_told_to_take_effect_as_they_do(
    call: Call, queueing: ReceivingEndpoint, monkeypatch: pytest.MonkeyPatch, policy: str, language: str, words: str
) -> None:
    monkeypatch.setenv("LEADKEEPER_DATABASE_URL", "sqlite:///hub.db")
    monkeypatch.setenv("LEADKEEPER_UNCONFIRMED_TEST_LEADS", policy)
    monkeypatch.setenv("LEADKEEPER_LANGUAGE", language)
    put_offer(call)
    put_connection(call, queueing)
    with closing(sqlite3.connect("hub.db")) as database, database:
        database.execute("UPDATE offer SET live = 1, production_version = 1")
        database.execute("UPDATE connection SET tried = 1, proven = 1")
    put = ("connections", "put", OFFER, "--to", "httpsEndpoint", "--set", "httpsEndpointUrl=https://127.0.0.1/other")
    message = call(*put)
    assert message.code == 0
    assert words in message.out + message.err
