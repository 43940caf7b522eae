"""Commands that work on another machine's installation: a server that listens, behind TLS, asked with a key."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from leadkeeper.doors.cli.program import run
from leadkeeper.processes.plan import Duty
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.https_endpoint.stand_in import ReceivingEndpoint
from leadkeeper.serving import serve
from leadkeeper.settings import load_settings
from tests.contracts.remote_commands import OFFER, Elsewhere, authority, elsewhere, write_key
from tests.pictures import png
from tests.ports import free_port

__all__ = ["authority", "elsewhere"]


@dataclass(frozen=True)
class Ended:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its output as JSON."""
        return json.loads(self.out)


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(65_536):
            writer.write(chunk)
            await writer.drain()
    writer.close()


async def terminate_tls(context: ssl.SSLContext, port: int) -> asyncio.Server:
    """What stands before an installation: it speaks TLS outside, and hands on what comes."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inside_reader, inside_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(carry(reader, inside_writer), carry(inside_reader, writer))

    return await asyncio.start_server(connected, "127.0.0.1", 0, ssl=context)


@dataclass
class World:
    """An installation that listens, its address, and commands that are called here or there."""

    url: str
    key_file: Path
    home: Path
    endpoint: ReceivingEndpoint
    capture: pytest.CaptureFixture[str]
    patch: pytest.MonkeyPatch

    def here(self, *arguments: str) -> Ended:
        """On the installation's own machine."""
        self.patch.chdir(self.home)
        return self._run(arguments)

    def there(self, *arguments: str, key_file: Path | None = None, url: str | None = None) -> Ended:
        """From another: a folder with no database and no settings."""
        elsewhere = self.home.parent / "elsewhere"
        elsewhere.mkdir(exist_ok=True)
        self.patch.chdir(elsewhere)
        ended = self._run(("--url", url or self.url, "--key-file", str(key_file or self.key_file), *arguments))
        assert list(elsewhere.iterdir()) == [], "nothing is made on the machine that asks"
        return ended

    def key(self, role: str) -> Path:
        """A file with a new key of that role."""
        made = self.here("keys", "create", "--role", role)
        assert made.code == 0, made.err
        return write_key(self.home.parent / role.replace(":", "-"), made.out)

    def _run(self, arguments: tuple[str, ...]) -> Ended:
        self.capture.readouterr()
        code = run(arguments)
        captured = self.capture.readouterr()
        return Ended(code, captured.out, captured.err)


@pytest.fixture
def world(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    authority: Authority,
    elsewhere: Elsewhere,
) -> Iterator[World]:
    """A publisher, an offer, a connection and two leads in an installation that listens."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(home)
    monkeypatch.setenv("LEADKEEPER_ALLOW_ADDRESSES", "127.0.0.0/8")
    monkeypatch.setenv("LEADKEEPER_PUBLIC_URL", "https://leads.example")
    made = World("", Path(), home, ReceivingEndpoint(), capsys, monkeypatch)
    elsewhere.do(made.endpoint.start(authority.server_context("127.0.0.1")))
    made.key_file = made.key("operator")
    assert made.here("publishers", "put", "contoso", "--name", "Contoso").code == 0
    assert made.here("offers", "put", OFFER, "--title", "Contoso CRM Pro").code == 0
    address = f"httpsEndpointUrl=https://127.0.0.1:{made.endpoint.port}/leads"
    assert made.here("connections", "put", OFFER, "--to", "httpsEndpoint", "--set", address).code == 0
    for name in ("Ada", "Grace"):
        assert made.here("leads", "send", OFFER, "--first-name", name, "--email", f"{name}@contoso.example").code == 0
    ended, stop, server = begin(elsewhere, free_port())
    door = elsewhere.do(terminate_tls(authority.server_context("127.0.0.1"), server))
    made.url = f"https://127.0.0.1:{door.sockets[0].getsockname()[1]}"
    yield made
    elsewhere.loop.call_soon_threadsafe(door.close)
    elsewhere.loop.call_soon_threadsafe(stop.set)
    ended.result(120)
    elsewhere.do(made.endpoint.aclose())


def begin(elsewhere: Elsewhere, port: int) -> tuple[Any, asyncio.Event, int]:
    """The API as ``leadkeeper api`` runs it, once it listens."""
    settings = load_settings()
    # The commands that are called here and there change the folder.
    database = f"sqlite+aiosqlite:///{Path.cwd() / 'leadkeeper.db'}"
    where = {"port": port, "database_url": database, "secret_key_file": settings.secret_key_file.absolute()}
    settings = settings.model_copy(update=where)
    stop, listens = asyncio.Event(), threading.Event()
    work = serve(settings, Duty.API, stop=stop, ready=listens.set)
    ended = asyncio.run_coroutine_threadsafe(work, elsewhere.loop)
    ended.add_done_callback(lambda _: listens.set())
    assert listens.wait(120)
    assert not ended.done(), ended.exception()
    return ended, stop, port


LOOKS = (
    ("leads", "list"),
    ("leads", "list", "--offer", OFFER, "--state", "pending", "--no-test", "--limit", "1"),
    ("leads", "list", "--email", "ada@contoso.example"),
    ("leads", "list", "--search", "lovel", "--sort", "-customer"),
    ("leads", "list", "--sort", "oldest", "--limit", "1"),
    ("leads", "list", "--until", "2020-01-01"),
    ("leads", "list", "--state", "attention", "--country", "PT", "--destination", "httpsEndpoint", "--no-withheld"),
    ("leads", "list", "--follow-up", "new", "--owner", "nobody", "--source", "AzureMarketplace", "--action", "PLT"),
    ("leads", "counts"),
    ("leads", "counts", "--offer", OFFER),
    ("leads", "find", "ada@contoso.example"),
    ("connections", "list"),
    ("connections", "list", OFFER),
    ("connections", "show", OFFER),
    ("offers", "list"),
    ("offers", "list", "--publisher", "contoso"),
    ("publishers", "list"),
    ("keys", "list", "--role", "operator"),
    ("attention",),
    ("audit", "--act", "offer.put", "--limit", "5"),
    ("leads", "select", "send-again", "--publisher", "contoso", "--dry-run"),
    ("leads", "replay", OFFER, "--state", "waiting", "--missing", "--since", "2020-01-01", "--dry-run"),
    ("publishers", "retention", "contoso"),
)
NOTHING = ("no such leads", "would be sent again", "are kept for")
"""What is said where the output is empty: what such a command says goes to people alone."""


def test_what_is_seen_there_is_what_is_seen_here(world: World) -> None:
    """Table and JSON, letter for letter."""
    assert world.there("publishers", "list").code == 0  # the key was used: its list is the same from now on
    for look in LOOKS:
        for form in ((), ("--json",)):
            here, there = world.here(*look, *form), world.there(*look, *form)
            if there.out != here.out:  # a minute ended between them, by which a key's last use is told
                here = world.here(*look, *form)
            assert (there.code, there.out, there.err) == (here.code, here.out, here.err), look
            assert there.code == 0, look
            assert there.out or any(end in there.err for end in NOTHING) or look == ("attention",), look


def test_a_lead_is_shown_and_sent_again_there(world: World) -> None:
    lead = world.here("leads", "list", "--json").json["leads"][0]["id"]
    for form in ((), ("--json",)):
        here, there = world.here("leads", "show", lead, *form), world.there("leads", "show", lead, *form)
        assert (there.code, there.out) == (0, here.out)
        assert "grace" in there.out.lower()
    sent = world.there("leads", "retry", lead, "--json")
    assert [each["state"] for each in sent.json["deliveries"]] == ["waiting"]
    by_delivery = world.there("leads", "retry", sent.json["deliveries"][0]["id"])
    assert (by_delivery.code, by_delivery.err) == (0, "HTTPS endpoint: waiting, sent again by itself\n")
    assert world.there("leads", "show", "nothing").err == "There is no lead 'nothing'.\n"
    unknown = world.there("leads", "retry", "0192f3c0-0000-7000-8000-000000000000")
    assert (unknown.code, unknown.out) == (1, "")
    assert "There is no delivery" in unknown.err


def test_things_are_made_and_changed_there(world: World) -> None:
    assert world.there("publishers", "put", "fabrikam", "--quota", "hooksPerOffer=7").err == (
        "The publisher fabrikam is made.\n"
    )
    assert (
        world.there("publishers", "put", "fabrikam", "--contact", "Kim").err == "The publisher fabrikam is changed.\n"
    )
    found = {each["id"]: each for each in world.here("publishers", "list", "--json").json["publishers"]}["fabrikam"]
    assert (found["displayName"], found["contact"], found["ownQuotas"]) == ("fabrikam", "Kim", {"hooksPerOffer": 7})
    assert "is suspended" in world.there("publishers", "suspend", "fabrikam", "--reason", "It left.").err
    assert "is released" in world.there("publishers", "release", "fabrikam").err
    assert "was not suspended" in world.there("publishers", "release", "fabrikam").err
    assert world.there("offers", "put", "fabrikam.erp", "--title", "ERP", "--not-live").err == (
        "The offer fabrikam.erp is made.\n"
    )
    assert world.there("offers", "put", "fabrikam.erp", "--price", "20 EUR", "--json").json["title"] == "ERP"
    assert world.there("offers", "put", "fabrikam.crm", "--json").json["title"] == "crm", "at first its id"
    offers = world.here("offers", "list", "--publisher", "fabrikam", "--json").json["offers"]
    assert [(each["id"], each["title"], each["live"]) for each in offers] == [
        ("crm", "crm", True),
        ("erp", "ERP", False),
    ]
    made = world.there("keys", "create", "--role", "reader:contoso", "--note", "for reports", "--json").json
    assert "is revoked" in world.there("keys", "revoke", made["id"]).err
    assert world.there("keys", "revoke", made["id"]).code == 1
    acts = [each["act"] for each in world.here("audit", "--json").json["entries"]]
    assert {"publisher.put", "publisher.suspend", "offer.put", "key.create", "key.revoke"} <= set(acts)


def test_data_are_kept_for_a_shorter_time_there(world: World) -> None:
    made = world.there("publishers", "retention", "contoso", "--personal-days", "90", "--json")
    assert (made.json["ownPersonalDays"], made.json["ownEvidenceDays"]) == (90, None)
    made = world.there("publishers", "retention", "contoso", "--evidence-days", "30", "--json")
    assert (made.json["ownPersonalDays"], made.json["ownEvidenceDays"]) == (90, 30)
    assert world.here("publishers", "retention", "contoso", "--json").json == made.json


def test_withheld_leads_are_seen_there(world: World) -> None:
    assert world.here("leads", "send", OFFER, "--first-name", "Ada", "--email", "ada@college.edu").code == 0
    assert world.there("attention", "--withheld-seen", "contoso", "--json").json == {"leads": 1}
    assert world.there("leads", "found", "019a9e3b-7c2e-7d41-b1a5-3f0f6f3c2a11").code == 1


def test_a_connection_is_validated_paused_and_resumed_there(world: World) -> None:
    assert (
        world.there("connections", "pause", OFFER).err
        == f"The connection {OFFER}/primary is paused: its leads are held.\n"
    )
    assert "paused" in world.here("connections", "list").out
    assert world.there("connections", "resume", OFFER).err == f"The connection {OFFER}/primary is resumed.\n"
    done = world.there("connections", "validate", OFFER, "--json")
    assert (done.code, done.json["ok"]) == (0, True)
    assert len(world.endpoint.received) == 1
    assert "working" in world.there("connections", "show", OFFER).out
    missing = world.there("connections", "validate", OFFER, "other")
    assert (missing.code, missing.err) == (1, f"The offer {OFFER} has no connection 'other'.\n")


def test_leads_are_acted_on_there(world: World) -> None:
    ids = [each["id"] for each in world.here("leads", "list", "--json").json["leads"]]
    ended = world.there("leads", "select", "set-state", "active", *ids, "--json")
    assert ended.code == 0, ended.err
    assert [(each["leadId"], each["done"]) for each in ended.json["outcomes"]] == [(each, True) for each in ids]
    assert world.there("leads", "select", "set-state", "active", *ids).err.startswith("0 of 2 leads")
    both = world.there("leads", "select", "send-again", *ids, "--publisher", "contoso")
    assert (both.code, both.err) == (
        1,
        "Name leads, or choose them by --publisher or --offer: at --url not both.\n",
    )


def test_a_key_does_there_what_its_role_may(world: World) -> None:
    reader = world.key("reader:contoso")
    assert world.there("leads", "list", "--json", key_file=reader).json["leads"]
    refused = world.there("keys", "list", key_file=reader)
    assert refused.code == 1
    assert refused.err == (
        f"This needs a key of role operator. The key in {reader} may not do this: ask for one whose role may.\n"
    )
    unknown = write_key(world.home.parent / "unknown", "lk_nobody_has_made_this_key")
    ended = world.there("leads", "list", key_file=unknown)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(f"{world.url} does not know the key in {unknown}: it was revoked")
    assert "nobody_has_made" not in ended.err


def test_the_setting_names_the_installation_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADKEEPER_URL", world.url)
    monkeypatch.setenv("LEADKEEPER_KEY_FILE", str(world.key_file))
    outside = world.home.parent / "outside"
    outside.mkdir()
    monkeypatch.chdir(outside)
    assert run(["publishers", "list"]) == 0
    assert "contoso" in world.capture.readouterr().out
    assert list(outside.iterdir()) == []
    assert run(["doctor"]) == 1
    assert "only on the installation's own machine" in world.capture.readouterr().err
    assert run(["--url", "", "leads", "list"]) == 0  # this folder's own database, which is new
    assert "There are no such leads." in world.capture.readouterr().err
    (outside / ".env").write_text(f"LEADKEEPER_URL={world.url}\nLEADKEEPER_KEY_FILE={world.key_file}\n")
    monkeypatch.delenv("LEADKEEPER_URL")
    monkeypatch.delenv("LEADKEEPER_KEY_FILE")
    assert run(["publishers", "list"]) == 0
    assert "contoso" in world.capture.readouterr().out


def test_follow_up_is_uploaded_here_and_there(world: World) -> None:
    """What it would change is said first; errors name line and column; nothing is changed before somebody agrees."""
    ids = [each["id"] for each in world.here("leads", "list", "--json").json["leads"]]
    table = world.home.parent / "leads.csv"
    table.write_text(f"Lead id;Follow-up;Reason\n{ids[0]};lost;too dear\n{ids[1]};gone;\n", encoding="utf-8")

    def state() -> str:
        return str(world.here("leads", "show", ids[0], "--json").json["followUp"]["state"])

    shown = [at("leads", "upload", str(table), "--dry-run") for at in (world.here, world.there)]
    assert shown[0] == shown[1]
    assert (shown[0].code, shown[0].err) == (1, "1 lead would be changed.\n")
    assert "lost, too dear" in shown[0].out
    assert "There is no such state" in shown[0].out
    assert "Follow-up" in shown[0].out
    assert "state " not in shown[0].out, "columns are called as the file heads them"
    asked = world.there("leads", "upload", str(table))
    assert (asked.code, "Nothing was changed" in asked.err) == (1, True)
    assert state() == "new"
    done = world.there("leads", "upload", str(table), "--yes", "--json")
    assert (done.json["dryRun"], done.json["changed"]) == (False, 1)
    assert [(each["line"], each["column"]) for each in done.json["errors"]] == [(3, "state")]
    assert state() == "lost"
    assert "0 leads were changed." in world.here("leads", "upload", str(table), "--yes").err
    assert world.there("leads", "upload", str(table.with_name("none.csv"))).code == 2


def test_the_marketplaces_looks_are_given_from_elsewhere_and_here(world: World, tmp_path: Path) -> None:
    picture = tmp_path / "logo.png"
    picture.write_bytes(png(64, 32))
    put = world.there("marketplace", "put", "--name", "Fabrikam", "--accent-color", "#AA2200", "--json")
    assert (put.json["name"], put.json["accentColor"], put.json["accentColorIsSet"]) == ("Fabrikam", "#aa2200", False)
    given = world.there("marketplace", "logo", str(picture), "--json").json["logo"]
    assert given.startswith("https://leads.example/store/static/logo?")
    assert world.here("marketplace", "show", "--json").json == world.there("marketplace", "show", "--json").json
    assert "#aa2200" in world.there("marketplace", "show").out
    assert world.there("marketplace", "logo", "--remove", "--json").json["logo"] is None
    assert world.there("marketplace", "logo", "--remove").code == 0, "there is none any more"
    assert world.here("marketplace", "logo", str(picture), "--json").json["logo"] == given
    assert world.here("marketplace", "logo", "--remove", "--json").json["logo"] is None
    assert world.here("marketplace", "put", "--accent-color", "", "--json").json["accentColor"] is None
    for wrong in (("put", "--accent-color", "red"), ("logo", str(tmp_path / "nothing.png")), ("logo", __file__)):
        assert world.here("marketplace", *wrong).code == 1
        assert world.there("marketplace", *wrong).code == 1
    assert world.here("marketplace", "logo").code == 2


def test_hooks_are_made_rotated_tried_and_revoked_from_elsewhere(world: World) -> None:
    made = world.there("hooks", "create", OFFER, "--json")
    assert made.code == 0, made.err
    hook = made.json["id"]
    rotated = world.there("hooks", "rotate", OFFER, hook)
    assert rotated.code == 0, rotated.err
    assert rotated.out.strip() != made.json["url"]
    assert "/hooks/lh_" in rotated.out
    (listed,) = world.there("hooks", "list", OFFER, "--json").json["hooks"]
    assert listed["id"] == hook
    assert listed["oldAddressUntil"] is not None
    assert world.there("hooks", "end-old-address", OFFER, hook).code == 0
    posted = world.there("hooks", "test", OFFER, hook, "--json")
    assert posted.json["marker"].startswith("MSFT_TEST_"), posted.err
    assert world.there("leads", "show", posted.json["leadId"]).code == 0
    assert world.there("hooks", "revoke", OFFER, hook).code == 0
    again = world.there("hooks", "revoke", OFFER, hook)
    assert again.code == 1
    assert "has no hook" in again.err
