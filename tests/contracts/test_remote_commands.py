"""Commands that work on another machine's installation: a server that listens, behind TLS, asked with a key."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import ssl
import threading
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

from leadkeeper.doors.cli.program import run
from leadkeeper.processes.plan import Duty
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.faults import FaultServer, answer, commit_then_drop
from leadkeeper.sandbox.https_endpoint.stand_in import ReceivingEndpoint
from leadkeeper.serving import serve
from leadkeeper.settings import load_settings
from tests.pictures import png

OFFER = "contoso.crm-pro"
R = TypeVar("R")


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


class Elsewhere:
    """An event loop in a thread of its own: what runs there is another machine to the commands."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever)
        self._thread.start()

    def do(self, work: Coroutine[Any, Any, R]) -> R:
        """What ``work`` answers."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    def end(self) -> None:
        """No more."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()


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


def write_key(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o600)
    return path


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    found = Elsewhere()
    yield found
    found.end()


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """Signs the certificates; the commands trust it, and so do the destinations."""
    for name in list(os.environ):
        if name.startswith("LEADKEEPER_"):
            monkeypatch.delenv(name)
    found = Authority(tmp_path / "authority")
    monkeypatch.setenv("LEADKEEPER_CA_FILE", str(found.ca_file))
    return found


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
    ended.result(30)
    elsewhere.do(made.endpoint.aclose())


def free_port() -> int:
    import socket

    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


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
    assert listens.wait(30)
    assert not ended.done(), ended.exception()
    return ended, stop, port


LOOKS = (
    ("leads", "list"),
    ("leads", "list", "--offer", OFFER, "--state", "pending", "--no-test", "--limit", "1"),
    ("leads", "list", "--email", "ada@contoso.example"),
    ("leads", "list", "--search", "lovel", "--sort", "-customer"),
    ("leads", "list", "--sort", "oldest", "--limit", "1"),
    ("leads", "list", "--until", "2020-01-01"),
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
    assert (by_delivery.code, by_delivery.err) == (0, "primary: waiting\n")
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
    offers = world.here("offers", "list", "--publisher", "fabrikam", "--json").json["offers"]
    assert [(each["id"], each["title"], each["live"]) for each in offers] == [("erp", "ERP", False)]
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
    assert run(["leads", "send", OFFER]) == 1
    assert "only on the installation's own machine" in world.capture.readouterr().err
    assert run(["--url", "", "leads", "list"]) == 0  # this folder's own database, which is new
    assert "There are no such leads." in world.capture.readouterr().err
    (outside / ".env").write_text(f"LEADKEEPER_URL={world.url}\nLEADKEEPER_KEY_FILE={world.key_file}\n")
    monkeypatch.delenv("LEADKEEPER_URL")
    monkeypatch.delenv("LEADKEEPER_KEY_FILE")
    assert run(["publishers", "list"]) == 0
    assert "contoso" in world.capture.readouterr().out


@dataclass
class Stranger:
    """A server that answers as it is told, and a command that asks it."""

    server: FaultServer
    key_file: Path
    capture: pytest.CaptureFixture[str]

    @property
    def url(self) -> str:
        """Its address."""
        return f"https://127.0.0.1:{self.server.port}"

    def call(self, *arguments: str, url: str | None = None) -> str:
        """What the command complains; it must be one line that does not hold the key."""
        self.capture.readouterr()
        assert run(["--url", url or self.url, "--key-file", str(self.key_file), *(arguments or ("leads", "list"))]) == 1
        ended = self.capture.readouterr()
        assert ended.out == ""
        (line,) = ended.err.splitlines()
        assert SECRET not in line
        return line


SECRET = "lk_this_is_the_secret_key"


@pytest.fixture
def stranger(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    authority: Authority,
    elsewhere: Elsewhere,
) -> Iterator[Stranger]:
    monkeypatch.chdir(tmp_path)
    server = FaultServer()
    elsewhere.do(server.start(authority.server_context("127.0.0.1")))
    yield Stranger(server, write_key(tmp_path / "key", SECRET + "\n"), capsys)
    elsewhere.do(server.aclose())


def problem(type_: str, detail: str) -> bytes:
    return json.dumps(
        {"type": f"/docs/reference/problems.html#{type_}", "detail": detail, "requestId": "req-7"}
    ).encode()


@pytest.mark.parametrize(
    ("status", "headers", "body", "told"),
    [
        (429, {"retry_after": "12"}, problem("too-many-requests", "Slow."), "Slow. Ask URL again in 12 seconds."),
        (429, {}, b"", "Ask URL again in a minute."),
        (
            503,
            {},
            problem("storage-away", "The database is away."),
            "The database is away. URL cannot do it now (503). Ask again in a minute; if it lasts, its operator finds "
            "the request req-7 in its log.",
        ),
        (502, {}, b"<html>", "URL cannot do it now (502). Ask again in a minute; if it lasts, ask its operator."),
        (404, {}, b"<html>", "URL answers 404, not as a Leadkeeper installation does. Give --url without /v1."),
        (404, {}, problem("not-found", "There is\x1b[2J none."), "There is [2J none."),
        (307, {"location": "https://other.example/"}, b"", "URL sends callers on to another address: give that one."),
        (200, {}, b"<html>", "URL answers what this version of the command does not understand."),
        (200, {}, b'{"leads": 5}', "URL answers what this version of the command does not understand."),
    ],
)  # fmt: skip
def test_a_refusal_is_one_line_with_a_remedy(
    status: int, headers: dict[str, str], body: bytes, told: str, stranger: Stranger
) -> None:
    stranger.server.fault = answer(status, body, **headers)
    assert stranger.call().startswith(told.replace("URL", stranger.url))


def test_an_address_that_does_not_answer_is_told(
    stranger: Stranger, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    closed = f"https://127.0.0.1:{free_port()}"
    assert stranger.call(url=closed) == (
        f"{closed} cannot be reached (ECONNREFUSED). Look whether the installation runs, and at --url."
    )
    monkeypatch.delenv("LEADKEEPER_CA_FILE")
    told = stranger.call()
    assert told.startswith(f"{stranger.url} cannot prove who it is, so nothing was sent")
    assert "LEADKEEPER_CA_FILE" in told
    monkeypatch.setenv("LEADKEEPER_CA_FILE", str(tmp_path / "none.pem"))
    assert stranger.call() == "Wrong setting LEADKEEPER_CA_FILE: there is no such file"
    (tmp_path / "none.pem").write_text("no certificate")
    assert stranger.call().startswith(f"LEADKEEPER_CA_FILE: {tmp_path / 'none.pem'} cannot be used: ")


def test_a_change_without_an_answer_may_have_been_made(stranger: Stranger) -> None:
    stranger.server.fault = commit_then_drop
    assert "may have been done: look before you ask again" in stranger.call("connections", "pause", OFFER)
    assert "cannot be reached (" in stranger.call("leads", "list")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://leads.example", "a key goes over https alone"),
        ("https://ada:secret@leads.example", "must not hold a user name"),
        ("https://leads.example/?a=1", "it may have no query"),
        ("leads.example", "https"),
    ],
)
def test_an_address_that_cannot_be_one_is_refused(url: str, told: str, stranger: Stranger) -> None:
    line = stranger.call(url=url)
    assert line.startswith("--url must be the address of an installation")
    assert told in line
    assert "secret" not in line


def test_a_key_that_others_may_read_is_not_used(stranger: Stranger) -> None:
    for mode in (0o640, 0o604, 0o620):
        stranger.key_file.chmod(mode)
        assert stranger.call() == (
            f"Others may read or change the key file {stranger.key_file}: chmod 600 {stranger.key_file}."
        )
    assert stranger.server.port
    stranger.key_file.chmod(0o600)
    for content in ("", "two words", "x" * 600, "ä"):
        stranger.key_file.write_text(content)
        assert stranger.call().startswith(f"The file {stranger.key_file} does not hold a key")
    stranger.key_file.unlink()
    assert stranger.call() == f"The key file {stranger.key_file} cannot be read: No such file or directory."


@pytest.mark.parametrize(
    "command",
    [("db", "status"), ("doctor",), ("serve",), ("worker",), ("leads", "send", OFFER), ("offers", "cost", OFFER)],
    ids=" ".join,
)
def test_commands_without_a_remote_way_say_so(command: tuple[str, ...], stranger: Stranger) -> None:
    assert stranger.call(*command) == (
        "This command works only on the installation's own machine: run it there, without --url and LEADKEEPER_URL. "
        "--url '' does without the setting."
    )


def test_refusals_are_told_in_portuguese(stranger: Stranger) -> None:
    assert run(["--url", "x", "--key-file", str(stranger.key_file), "--language", "pt", "leads", "send", OFFER]) == 1
    assert "só funciona" in stranger.capture.readouterr().err
    assert run(["--language", "pt", "connections", "show", OFFER]) == 1
    assert stranger.capture.readouterr().err == "Não há oferta 'crm-pro' de um publicador 'contoso'.\n"


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
