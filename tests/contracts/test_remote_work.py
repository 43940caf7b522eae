"""Every command that is about an installation works on one elsewhere; with the same words as on its own machine."""

from __future__ import annotations

import csv
import io
import stat
from pathlib import Path

import pytest

from leadkeeper.access.permissions import Role
from leadkeeper.doors.cli.installation import with_services
from leadkeeper.doors.cli.program import run
from leadkeeper.offer import OfferRef
from leadkeeper.services import Services
from tests.contracts.commands import every_command
from tests.contracts.remote_commands import OFFER, authority, elsewhere, write_key
from tests.contracts.test_remote_commands import World, world
from tests.people import OPERATOR, PASSWORD
from tests.ports import free_port
from tests.shop import define

__all__ = ["authority", "elsewhere", "world"]

LEAD = "0192f3c0-0000-7000-8000-000000000000"
OF_THIS_MACHINE = {"serve", "api", "worker", "demo", "sandbox", "doctor", "db", "explain"}
"""What is about this machine, or about no installation."""
GIVEN = {
    "keys create": ("--role", "operator"),
    "keys revoke": (LEAD,),
    "marketplace put": ("--name", "Fabrikam"),
    "marketplace logo": ("--remove",),
    "publishers put": ("contoso",),
    "publishers suspend": ("contoso", "--reason", "It left."),
    "publishers release": ("contoso",),
    "publishers retention": ("contoso",),
    "connections put": (OFFER, "--to", "httpsEndpoint", "--set", "httpsEndpointUrl=https://contoso.example/leads"),
    "connections rename": (OFFER, "primary", "Sales"),
    "connections move": (OFFER, "primary", "1"),
    "connections accept-missing": (OFFER, "primary", "--lead", LEAD),
    "channels create": ("webhook", "Sales", "--address", "https://contoso.example/told"),
    "channels list": (),
    "contacts allow": ("contoso", "kim@contoso.example"),
    "cross-listings agree": (OFFER, "fabrikam.help"),
    "cross-listings withdraw": (OFFER, "fabrikam.help"),
    "offers certify": (OFFER, "--approve"),
    "leads find": ("ada@contoso.example",),
    "leads select send-again": ("--publisher", "contoso"),
    "leads select assign": ("--publisher", "contoso", "--to", "kim@contoso.example"),
    "leads select set-state": ("active", "--publisher", "contoso"),
    "leads views save": ("Mine", "--state", "held"),
    "leads views remove": ("Mine",),
    "leads download": ("-",),
    "leads upload": ("-", "--dry-run"),
}
"""With what each command is called; others take an offer, a hook of it, a channel or an id of a lead, or nothing."""
ALONE = {"attention", "audit", "keys list", "marketplace show", "publishers list", "offers list", "offers waiting"} | {
    "connections list",
    "contacts list",
    "leads list",
    "leads counts",
    "leads views list",
}


def called() -> list[tuple[str, ...]]:
    """Every command that is about an installation, with arguments."""
    every = [each for each in every_command() if each and each[0] not in OF_THIS_MACHINE]
    leaves = [each for each in every if not any(other[:-1] == each for other in every)]
    found = []
    for path in leaves:
        name = " ".join(path)
        usual: tuple[str, ...] = (
            (OFFER,) if path[0] in ("offers", "connections", "cross-listings") or name == "leads replay" else (LEAD,)
        )
        if name in ("leads send", "hooks list", "hooks create"):
            usual = (OFFER,)
        elif path[0] == "hooks":
            usual = (OFFER, LEAD)
        found.append((*path, *GIVEN.get(name, () if name in ALONE else usual)))
    return found


@pytest.mark.parametrize("command", called(), ids=lambda each: "-".join(each[:3]))
def test_every_command_asks_the_installation_that_is_named(
    command: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Nobody listens there, and that is what is said: no command works on this machine's database instead."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(f"Lead id,Follow-up\n{LEAD},active\n".encode())))
    key = write_key(tmp_path / "key", "lk_key")
    url = f"http://127.0.0.1:{free_port()}"
    assert run(["--url", url, "--key-file", str(key), *command]) == 1
    told = capsys.readouterr().err
    assert f"{url} cannot be reached" in told or f"{url} gave no answer" in told
    assert [each.name for each in tmp_path.iterdir()] == ["key"]


def test_leads_are_downloaded_there_as_here(world: World, tmp_path: Path) -> None:
    """Byte for byte, whatever was chosen; the file is its owner's alone, and there once it is whole."""
    awkward = ("--company", 'Two "lines"\r\nof text', "--last-name", "=1+1", "--country", "PT")
    assert world.here("leads", "send", OFFER, "--first-name", "Zoë", *awkward).code == 0
    for number, chosen in enumerate((("--publisher", "contoso"), ("--country", "PT"), ("--search", "zoë"))):
        files = [tmp_path / f"{where}{number}.csv" for where in ("here", "there")]
        places = zip((world.here, world.there), files, strict=True)
        done = [at("leads", "download", str(file), *chosen) for at, file in places]
        assert [(each.code, each.err) for each in done] == [(0, done[0].err)] * 2
        assert files[0].read_bytes() == files[1].read_bytes()
        rows = list(csv.DictReader(io.StringIO(files[1].read_text(encoding="utf-8-sig"), newline="")))
        assert {0: 3}.get(number, 1) == len(rows)
        assert (rows[0]["Last name"], rows[0]["First name"]) == ("'=1+1", "Zoë")
        count = "3 leads are in the file." if number == 0 else "1 lead is in the file."
        assert done[1].err == f"{count}\n"
        assert stat.S_IMODE(files[1].stat().st_mode) == 0o600
    (tmp_path / "linked.txt").write_text("untouched")
    (tmp_path / "drawn.csv.part").symlink_to(tmp_path / "linked.txt")
    (tmp_path / "loose.csv.part").touch(0o644)
    for name in ("drawn.csv", "loose.csv"):
        assert world.here("leads", "download", str(tmp_path / name)).code == 0
        assert stat.S_IMODE((tmp_path / name).lstat().st_mode) == 0o600
    assert (tmp_path / "linked.txt").read_text() == "untouched"
    broken = tmp_path / "none.csv"
    refused = world.there("leads", "download", str(broken), key_file=write_key(tmp_path / "wrong", "lk_wrong"))
    assert (refused.code, broken.exists(), list(tmp_path.glob("*.part"))) == (1, False, [])
    acts = [each for each in world.here("audit", "--json").json["entries"] if each["act"] == "lead.export"]
    assert len(acts) == 8
    assert not [each for each in acts if "zo" in each["detail"]]


def test_an_offer_is_published_and_withdrawn_there(world: World) -> None:
    refused = [at("offers", "publish", OFFER, "--no-wait") for at in (world.here, world.there)]
    assert (refused[1].code, refused[1].err) == (1, refused[0].err)
    world.patch.chdir(world.home)
    with_services(lambda services: define(services, OfferRef.parse(OFFER), "CRM Pro"))
    begun = world.there("offers", "publish", OFFER, "--no-wait", "--json")
    assert begun.json["state"] == "running"
    looks = [(look, OFFER, *form) for look in ("status", "difference", "cost") for form in ((), ("--json",))]
    for look in (*looks, ("waiting",), ("waiting", "--json")):
        here, there = world.here("offers", *look), world.there("offers", *look)
        assert (there.code, there.out, there.err) == (0, here.out, here.err), look
    assert "Publishing to the preview, version 1: canceled" in world.there("offers", "cancel", OFFER).err
    for act in ("golive", "withdraw"):
        here, there = world.here("offers", act, OFFER), world.there("offers", act, OFFER)
        assert (there.code, there.err) == (1, here.err)


def test_a_connection_is_put_proven_reconciled_and_removed_there(world: World) -> None:
    address = f"httpsEndpointUrl=https://127.0.0.1:{world.endpoint.port}/other"
    made = world.there("connections", "put", OFFER, "second", "--to", "httpsEndpoint", "--set", address)
    assert (made.code, made.err.splitlines()[0]) == (0, f"The connection {OFFER}/second is made.")
    again = world.there("connections", "put", OFFER, "second", "--to", "httpsEndpoint", "--set", address, "--json")
    assert (again.json["name"], again.json["offer"]) == ("second", OFFER)
    for act in (("found",), ("not-found",), ("reconcile",)):
        here, there = (at("connections", *act, OFFER, "second") for at in (world.here, world.there))
        assert (there.code, there.err) == (here.code, here.err)
        assert there.code == 1
    for form in ((), ("--json",)):
        here, there = (at("connections", "missing", OFFER, "second", *form) for at in (world.here, world.there))
        assert (there.code, there.out, there.err) == (here.code, here.out, here.err)
    assert world.there("connections", "send-missing", OFFER, "second").err == "0 leads are on their way again.\n"
    accepted = world.there("connections", "accept-missing", OFFER, "second", "--lead", LEAD, "--json")
    assert accepted.json == {"leads": 0}
    removed = world.there("connections", "remove", OFFER, "second")
    assert (removed.code, "is removed" in removed.err) == (0, True)
    gone = world.there("connections", "remove", OFFER, "second")
    assert (gone.code, gone.err) == (1, f"The offer {OFFER} has no connection 'second'.\n")


def test_channels_contacts_and_cross_listings_are_worked_there(world: World) -> None:
    made = world.there(
        "channels", "create", "webhook", "Sales", "--address", "https://contoso.example/told", "--json"
    ).json
    assert made["secret"].startswith("whsec_")
    for form in ((), ("--json",)):
        assert world.there("channels", "list", *form).out == world.here("channels", "list", *form).out
    assert world.there("channels", "rotate", made["id"]).out.startswith("whsec_")
    assert "waits for a worker" in world.there("channels", "test", made["id"]).err
    for form in ((), ("--json",)):
        here, there = (at("channels", "events", made["id"], *form) for at in (world.here, world.there))
        assert (there.code, there.out) == (0, here.out)
    assert "switched on" in world.there("channels", "switch-on", made["id"]).err
    assert "is removed" in world.there("channels", "remove", made["id"]).err
    assert world.there("channels", "remove", made["id"]).code == 1
    assert "gets the notices" in world.there("contacts", "allow", "contoso", "kim@contoso.example").err
    assert world.there("contacts", "allow", "nobody", "kim@contoso.example").err == "There is no publisher nobody.\n"
    for form in ((), ("--json",), ("contoso",)):
        here, there = (at("contacts", "list", *form) for at in (world.here, world.there))
        assert (there.code, there.out) == (0, here.out)
        assert "kim@contoso.example" in there.out
    assert world.here("publishers", "put", "fabrikam").code == 0
    assert world.here("offers", "put", "fabrikam.help").code == 0
    assert "It is shown once" in world.there("cross-listings", "agree", OFFER, "fabrikam.help").err
    for form in ((), ("--json",)):
        here, there = (at("cross-listings", "list", OFFER, *form) for at in (world.here, world.there))
        assert (there.code, there.out) == (0, here.out)
    assert "no longer shown" in world.there("cross-listings", "withdraw", OFFER, "fabrikam.help").err
    assert "has not agreed" in world.there("cross-listings", "withdraw", OFFER, "fabrikam.help").err


def test_leads_are_handed_in_and_their_records_shown_there(world: World) -> None:
    sent = ("leads", "send", OFFER, "--email", "kim@fabrikam.example", "--idempotency-key", "one")
    first, second = world.there(*sent), world.there(*sent)
    assert first.err == "The lead is kept.\nHTTPS endpoint: pending\n"
    assert (second.out, second.err) == (first.out, "The lead was kept before.\nHTTPS endpoint: pending\n")
    delivery = world.there("leads", "show", first.out.strip(), "--json").json["deliveries"][0]["id"]
    for form in ((), ("--json",)):
        here, there = (at("leads", "record", delivery, *form) for at in (world.here, world.there))
        assert (there.code, there.out) == (0, here.out)
        assert "kim@fabrikam.example" in there.out


def test_who_may_only_hand_in_leads_there_reads_where_they_go_by_name(world: World, tmp_path: Path) -> None:
    key = world.here("keys", "create", "--role", "marketplace", "--json").json["key"]
    sent = world.there(
        "leads", "send", OFFER, "--email", "kim@fabrikam.example", key_file=write_key(tmp_path / "m", key)
    )
    assert (sent.code, sent.err) == (0, "The lead is kept.\nprimary: pending\n")


def test_a_member_is_named_by_address_there(world: World) -> None:
    async def join(services: Services) -> None:
        link = await services.accounts.links.invite("kim@contoso.example", "contoso", Role.CONTRIBUTOR, by=OPERATOR)
        await services.accounts.links.accept(link.token, name="Kim", password=PASSWORD)

    world.patch.chdir(world.home)
    with_services(join)
    ids = [each["id"] for each in world.here("leads", "list", "--json").json["leads"]]
    assigned = world.there(
        "leads", "select", "assign", "--publisher", "contoso", "--state", "pending", "--to", "KIM@contoso.example"
    )
    assert (assigned.code, assigned.err) == (0, "2 of 2 leads were changed.\n")
    own = ("leads", "list", "--publisher", "contoso", "--owner", "kim@contoso.example", "--json")
    for key in (world.key_file, world.key("reader:contoso")):
        assert [each["id"] for each in world.there(*own, key_file=key).json["leads"]] == ids
    nobody = world.there("leads", "list", "--publisher", "contoso", "--owner", "ada@contoso.example")
    assert (nobody.code, nobody.err) == (1, "No member of contoso has this address.\n")
    world.here("publishers", "put", "fabrikam")
    other = world.there(
        "leads",
        "list",
        "--publisher",
        "contoso",
        "--owner",
        "kim@contoso.example",
        key_file=world.key("reader:fabrikam"),
    )
    assert other.code == 1
    assert "publisher:contoso" in other.err
