"""Commands choose leads by every filter of the page of leads, under the same words."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

import pytest

from leadkeeper.doors.api.leads import LeadQuery
from leadkeeper.doors.cli.leads.filters import LeadOptions
from leadkeeper.doors.cli.program import run
from leadkeeper.doors.portal.leads.choice import _SHAPES

OFFER: Final = "contoso.crm-pro"
PLACES: Final = {"cursor", "newer"}
Command = Callable[..., tuple[int, str, str]]


def test_page_api_and_command_have_the_same_filters() -> None:
    page = set(_SHAPES) - PLACES
    api = {name.removesuffix("_id") for name in LeadQuery.model_fields} - {"limit", "cursor"}
    assert {{"follow": "follow_up"}.get(name, name) for name in page} == api
    options = {{"in_state": "state"}.get(each.name, each.name) for each in fields(LeadOptions)}
    assert options - {"email", "search", "view"} == api - {"sort"}


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Calls the program on a database of its own."""
    for name in list(os.environ):
        if name.startswith("LEADKEEPER_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def called(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run(arguments)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return called


@pytest.fixture
def leads(command: Command) -> dict[str, str]:
    """The ids of leads of two offers by the customer's name."""
    assert command("publishers", "put", "contoso", "--name", "Contoso")[0] == 0
    for offer in (OFFER, "contoso.other"):
        assert command("offers", "put", offer, "--title", "An offer")[0] == 0
    address = "httpsEndpointUrl=https://crm.contoso.example/leads"
    assert command("connections", "put", OFFER, "--to", "httpsEndpoint", "--set", address)[0] == 0
    found: dict[str, str] = {}
    for name, offer, country, action in (
        ("Ada", OFFER, "PT", "PLT"),
        ("Bob", OFFER, "DE", "DNC"),
        ("Eve", "contoso.other", "PT", "INS"),
    ):
        who = ("--first-name", name, "--email", f"{name}@contoso.example", "--country", country, "--action", action)
        code, out, err = command("leads", "send", offer, *who)
        assert code == 0, err
        found[name] = out.strip()
    code, _, err = command("leads", "select", "set-state", "active", found["Eve"])
    assert code == 0, err
    return found


CHOICES: Final[tuple[tuple[tuple[str, ...], set[str]], ...]] = (
    (("--country", "pt"), {"Ada", "Eve"}),
    (("--destination", "httpsEndpoint"), {"Ada", "Bob"}),
    (("--destination", "https_endpoint"), {"Ada", "Bob"}),
    (("--destination", "salesforce"), set()),
    (("--follow-up", "new"), {"Ada"}),
    (("--follow-up", "active"), {"Eve"}),
    (("--owner", "nobody"), {"Ada", "Bob", "Eve"}),
    (("--owner", "0192f3c0-0000-7000-8000-000000000000"), set()),
    (("--withheld",), set()),
    (("--no-withheld", "--source", "AzureMarketplace"), {"Ada", "Bob", "Eve"}),
    (("--action", "DNC"), {"Bob"}),
    (("--state", "attention"), set()),
    (("--state", "pending", "--country", "DE"), {"Bob"}),
    (("--search", "eve"), {"Eve"}),
    (("--email", "ada@contoso.example"), {"Ada"}),
)


def test_each_filter_chooses_for_the_list_and_for_what_is_done_to_many(command: Command, leads: dict[str, str]) -> None:
    names = {id_: name for name, id_ in leads.items()}

    def chosen(*arguments: str, entries: str, name: str) -> set[str]:
        code, out, err = command(*arguments, "--json")
        assert code == 0, err
        found: list[Any] = json.loads(out)[entries]
        return {names[each[name]] for each in found}

    for choice, wanted in CHOICES:
        assert chosen("leads", "list", *choice, entries="leads", name="id") == wanted, choice
        acted = ("leads", "select", "set-state", "won", "--dry-run", *choice)
        assert chosen(*acted, entries="outcomes", name="leadId") == wanted, choice


def test_what_is_no_filter_is_refused(command: Command, leads: dict[str, str]) -> None:
    for wrong in (("--follow-up", "old"), ("--owner", "somebody"), ("--state", "gone"), ("--destination", "crm")):
        code, out, err = command("leads", "list", *wrong)
        assert (code, out, err.count("\n")) == (2, "", 1), err
    code, _, err = command("leads", "list", "--owner", "ada@contoso.example", "--publisher", "contoso")
    assert (code, err) == (1, "No member of contoso has this address.\n")
    for choice in ([leads["Ada"], "--country", "DE"], []):
        code, _, err = command("leads", "select", "send-again", *choice)
        assert (code, "name the leads" in err) == (2, True), err


def test_tabs_are_counted(command: Command, leads: dict[str, str]) -> None:
    assert leads
    code, out, err = command("leads", "counts", "--json")
    assert code == 0, err
    assert json.loads(out) == {"all": 3, "attention": 0, "waiting": 0, "held": 0, "setAside": 0}
    assert command("connections", "pause", OFFER)[0] == 0
    code, out, err = command("leads", "counts", "--offer", OFFER)
    assert out.splitlines() == [
        "All            2",
        "Need attention 2",
        "Waiting        0",
        "Held           2",
        "Set aside      0",
    ], err


def test_a_view_keeps_filters_under_a_name(command: Command, leads: dict[str, str]) -> None:
    kept = ("--country", "PT", "--follow-up", "new", "--since", "2026-01-01", "--no-test", "--sort", "customer")
    code, out, err = command("leads", "views", "save", "from  Portugal", *kept, "--json")
    assert code == 0, err
    assert json.loads(out)["filters"]["followUp"] == "new"
    code, out, err = command("leads", "list", "--view", "from Portugal", "--json")
    assert code == 0, err
    assert [each["id"] for each in json.loads(out)["leads"]] == [leads["Ada"]]
    code, out, err = command("leads", "select", "set-state", "won", "--view", "from Portugal", "--dry-run", "--json")
    assert [each["leadId"] for each in json.loads(out)["outcomes"]] == [leads["Ada"]], err
    assert "followUp new" in command("leads", "views", "list")[1]
    assert command("leads", "views", "save", "another", "--email", "ada@contoso.example")[0] == 2
    assert command("leads", "list", "--view", "from Portugal", "--country", "DE")[0] == 2
    assert command("leads", "views", "remove", "from Portugal")[0] == 0
    assert command("leads", "list", "--view", "from Portugal")[2] == "There is no view from Portugal.\n"
