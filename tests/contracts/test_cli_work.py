"""By command: keys, publishers, offers, connections and leads, from a new database on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from leadkeeper.sandbox.https_endpoint.stand_in import ReceivingEndpoint
from tests.contracts.commands import OFFER, Call, call, endpoint, put_connection, put_offer

__all__ = ["call", "endpoint"]


def test_keys_on_a_new_database(call: Call, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADKEEPER_DATABASE_URL", database_url)
    made = call("keys", "create", "--role", "operator", "--note", "first", "--json")
    assert made.code == 0
    assert made.err == ""
    assert set(made.json) == {"id", "role", "key"}
    assert made.json["role"] == "operator"
    (listed,) = call("keys", "list", "--json").json["keys"]
    assert listed == {
        "id": made.json["id"],
        "role": "operator",
        "note": "first",
        "createdTime": listed["createdTime"],
        "lastUsedTime": None,
        "revokedTime": None,
    }
    assert made.json["key"] not in call("keys", "list").out
    assert call("keys", "revoke", made.json["id"]).code == 0
    assert call("keys", "list", "--json").json["keys"][0]["revokedTime"]
    again = call("keys", "revoke", made.json["id"])
    assert again.code == 1
    assert "keys list" in again.line


def test_a_key_for_people_is_alone_on_standard_output(call: Call) -> None:
    message = call("keys", "create", "--role", "marketplace")
    assert message.out.startswith("lk_")
    assert len(message.out.split()) == 1
    assert "not shown again" in message.err


def test_key_of_a_publisher_that_is_not_there(call: Call) -> None:
    message = call("keys", "create", "--role", "publisher:contoso", "--json")
    assert message.code == 1
    assert "There is no publisher contoso" in message.line
    assert message.out == ""


def test_publishers_and_offers(call: Call) -> None:
    refused = call("offers", "put", OFFER)
    assert refused.code == 1
    assert "There is no publisher 'contoso'" in refused.line
    put_offer(call)
    assert call("publishers", "list", "--json").json["publishers"][0]["displayName"] == "Contoso"
    (offer,) = call("offers", "list", "--json").json["offers"]
    assert (offer["publisherId"], offer["id"], offer["title"], offer["live"]) == (
        "contoso",
        "crm-pro",
        "Contoso CRM Pro",
        True,
    )
    assert call("offers", "put", OFFER, "--not-live", "--json").json["live"] is False
    before = call("offers", "list", "--json").json["offers"][0]["title"]
    assert call("offers", "put", OFFER, "--category", "Sales", "--price", "20 EUR a month").code == 0
    assert call("offers", "list", "--json").json["offers"][0]["title"] == before
    difference = call("offers", "difference", OFFER, "--json").json["changes"]
    assert {"Sales", "20 EUR a month"} <= {each["new"] for each in difference}
    assert OFFER in call("offers", "list", "--publisher", "contoso").out
    assert call("publishers", "put", "x", "--name", "n" * 201).code == 1


def test_listings_of_nothing_say_so_on_standard_error(call: Call) -> None:
    for command in ("keys", "publishers", "offers", "connections", "leads"):
        people, machine = call(command, "list"), call(command, "list", "--json")
        assert (people.code, people.out) == (0, "")
        assert "There are no" in people.line
        assert machine.json[command] == []


def test_a_connection_from_making_to_removing(call: Call, endpoint: ReceivingEndpoint) -> None:
    put_offer(call)
    made = put_connection(call, endpoint)
    assert made.json["name"] == "primary"
    assert made.json["httpsEndpointLeadConfiguration"]["signingSecret"].startswith("whsec_"), "shown this once"
    listed = call("connections", "list", "--json")
    assert listed.json["connections"][0]["httpsEndpointLeadConfiguration"]["signingSecret"] == "*********"
    assert "very-secret" not in made.out + listed.out + call("connections", "list").out
    assert call("connections", "pause", OFFER).code == 0
    assert call("connections", "list", OFFER, "--json").json["connections"][0]["health"]["state"] == "paused"
    assert call("connections", "resume", OFFER).code == 0
    validated = call("connections", "validate", OFFER, "--json")
    assert validated.code == 0
    assert validated.json["ok"]
    assert list(endpoint.received) == [validated.json["testLead"]["id"]]
    assert "test lead MSFT_TEST_" in call("connections", "validate", OFFER, "primary").out
    assert call("connections", "remove", OFFER).code == 0
    assert "has no connection" in call("connections", "pause", OFFER).line
    assert call("connections", "remove", OFFER).code == 1


def test_settings_that_cannot_be_taken_name_the_field(call: Call) -> None:
    put_offer(call)
    message = call("connections", "put", OFFER, "--to", "httpsEndpoint", "--set", "httpsEndpointUrl=http://x.example/")
    assert message.code == 1
    assert "httpsEndpointUrl" in message.line
    Path("settings.json").write_text(json.dumps({"leadDestination": "table"}))
    assert "tableLeadConfiguration" in call("connections", "put", OFFER, "--file", "settings.json").line


def test_validation_that_fails_explains_itself(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    put_offer(call)
    address = "httpsEndpointUrl=https://127.0.0.1:9/leads"
    assert call("connections", "put", OFFER, "--to", "httpsEndpoint", "--set", address).code == 0
    message = call("connections", "validate", OFFER)
    assert message.code == 1
    assert "Who acts: publisher" in message.out
    assert "LEADKEEPER_ALLOW_ADDRESSES" in message.out


def test_leads_from_sending_to_showing(call: Call) -> None:
    put_offer(call)
    sent = call("leads", "send", OFFER, "--first-name", "Ada", "--email", "ada@contoso.com", "--json")
    assert sent.json["deliveries"] == []
    Path("lead.json").write_text(
        json.dumps({"publisherId": "contoso", "offerId": "crm-pro", "source": "SPZA", "action": "INS"})
    )
    from_file = call("leads", "send", "--file", "lead.json", "--idempotency-key", "one", "--json").json
    assert call("leads", "send", "--file", "lead.json", "--idempotency-key", "one", "--json").json == from_file
    page = call("leads", "list", "--limit", "1", "--json").json
    assert page["leads"][0]["id"] == from_file["id"]
    older = call("leads", "list", "--cursor", page["nextCursor"], "--json").json["leads"]
    assert [lead["id"] for lead in older] == [sent.json["id"]]
    assert call("leads", "list", "--email", "ADA@contoso.com", "--since", "1h", "--json").json["leads"] == older
    shown = call("leads", "show", sent.json["id"])
    assert "AzureMarketplace-PLT|contoso.crm-pro" in shown.out
    assert "ada@contoso.com" in shown.out
    assert call("leads", "show", sent.json["id"], "--json").json["customer"]["firstName"] == "Ada"
    assert "ada@contoso.com" in call("leads", "list").out


def test_what_a_destination_gets_of_a_lead(call: Call, endpoint: ReceivingEndpoint) -> None:
    put_offer(call)
    put_connection(call, endpoint)
    lead_id = call("leads", "send", OFFER, "--company", "Analytical Engines", "--json").json["id"]
    (delivery,) = call("leads", "show", lead_id, "--json").json["deliveries"]
    shown = call("leads", "record", delivery["id"], "--json").json
    assert (shown["sent"], shown["record"]["UserDetails"]["Company"]) == (False, "Analytical Engines")
    assert "Analytical Engines" in call("leads", "record", delivery["id"]).out
    unknown = call("leads", "record", lead_id)
    assert (unknown.code, unknown.line) == (1, f"There is no delivery {lead_id}.")


def test_leads_that_cannot_be_taken(call: Call) -> None:
    put_offer(call)
    unknown = call("leads", "send", "contoso.crm-pr0")
    assert unknown.code == 1
    assert "no offer 'crm-pr0'" in unknown.line
    wrong = call("leads", "send", OFFER, "--email", "no-at-sign")
    assert wrong.code == 1
    assert "customer.email" in wrong.line
    assert "no-at-sign" not in wrong.line, "personal data in an error"
    assert "There is no lead" in call("leads", "show", "0199").line
    assert "There is no delivery" in call("leads", "retry", "0199").line


def test_retry_and_replay(call: Call, endpoint: ReceivingEndpoint) -> None:
    put_offer(call)
    put_connection(call, endpoint)
    lead = call("leads", "send", OFFER, "--json").json
    assert lead["deliveries"] == [{"connection": "primary", "state": "pending"}]
    (again,) = call("leads", "retry", lead["id"], "--json").json["deliveries"]
    assert again["state"] == "waiting"
    assert call("leads", "retry", again["id"]).code == 0
    counted = call("leads", "replay", OFFER, "--state", "waiting", "--dry-run", "--json")
    assert counted.json == {"deliveries": 1, "dryRun": True}
    assert (
        call("leads", "replay", OFFER, "--state", "waiting", "--until", "2020-01-01", "--json").json["deliveries"] == 0
    )
    assert "1 delivery is sent again" in call("leads", "replay", OFFER, "--state", "waiting").err


def test_contacts_are_listed_and_allowed(call: Call) -> None:
    call("publishers", "put", "contoso")
    call("offers", "put", OFFER, "--title", "CRM Pro", "--live")
    settings = ("--set", "httpsEndpointUrl=https://leads.example/h", "--set", "contactEmail=ops@corp.local")
    put = call("connections", "put", OFFER, "--to", "httpsEndpoint", *settings, "--json").json
    assert put["contacts"] == [{"email": "ops@corp.local", "state": "confirmed", "diagnosis": None}]
    assert call("contacts", "allow", "contoso", "root@localhost").code == 0
    summary = call("contacts", "list", "contoso", "--json").json["contacts"]
    assert [(one["email"], one["state"]) for one in summary] == [
        ("ops@corp.local", "confirmed"),
        ("root@localhost", "confirmed"),
    ]
    assert "corp.local" in call("contacts", "list").out
    assert "no publisher" in call("contacts", "allow", "nobody", "root@localhost").line
    assert call("contacts", "allow", "contoso", "nonsense").code == 2


def test_a_publisher_s_data_are_kept_for_a_shorter_time(call: Call) -> None:
    put_offer(call)
    kept = call("publishers", "retention", "contoso", "--personal-days", "60", "--json").json
    assert (kept["personalDays"], kept["evidenceDays"], kept["ownPersonalDays"]) == (60, 60, 60)
    assert "60 days" in call("publishers", "retention", "contoso").err
    assert call("publishers", "retention", "contoso", "--personal-days", "500").code == 1
    assert call("publishers", "retention", "contoso", "--personal-days", "").code == 0
    assert call("publishers", "retention", "contoso", "--json").json["personalDays"] == 400
    (finding,) = [each for each in call("doctor", "--json").json["findings"] if each["name"] == "data kept"]
    assert finding["state"] == "ok"
    assert "personal data of leads 400 days (0 removed)" in finding["detail"]


def test_one_act_on_many_leads(call: Call) -> None:
    put_offer(call)
    ids = [call("leads", "send", OFFER, "--last-name", name, "--json").json["id"] for name in ("Lovelace", "Hopper")]
    none = call("leads", "select", "set-state", "won")
    assert (none.code, "name the leads" in none.err) == (2, True)
    for which in (("--offer", OFFER), tuple(ids)):
        tried = call("leads", "select", "set-state", "won", *which, "--dry-run", "--json").json
        assert (tried["dryRun"], [each["done"] for each in tried["outcomes"]]) == (True, [True, True])
    assert call("leads", "show", ids[0], "--json").json["followUp"]["state"] == "new"
    assert "2 of 2 leads were changed." in call("leads", "select", "set-state", "won", "--offer", OFFER).err
    assert {call("leads", "show", each, "--json").json["followUp"]["state"] for each in ids} == {"won"}
    again = call("leads", "select", "send-again", ids[0], "--json").json["outcomes"]
    assert [(each["done"], each["reason"]) for each in again] == [(False, "noConnection")]
    lost = call("leads", "select", "set-state", "lost", ids[0])
    assert (lost.code, lost.line) == (1, "Say why: others learn from it.")
    nobody = call("leads", "select", "assign", "--to", "nobody@contoso.example", "--publisher", "contoso", ids[0])
    assert (nobody.code, nobody.line) == (1, "No member of contoso has this address.")
    unowned = call("leads", "select", "assign", "--to", "-", "--publisher", "contoso", ids[0], "--json").json
    assert unowned["outcomes"][0]["reason"] == "unchanged"
