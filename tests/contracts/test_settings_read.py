"""What settings take and refuse, and what an empty one means."""

from __future__ import annotations

import errno
import io
import os
import socket
from pathlib import Path

import pytest

from leadkeeper.doors.cli.showing import complain, say
from leadkeeper.doors.client_address import ClientAddresses
from leadkeeper.settings import Settings, WrongSetting, load_settings
from tests.contracts.commands import Call, call
from tests.languages import PORTUGUESE

__all__ = ["call"]


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(call: Call) -> None:
    """No setting of whoever runs the tests is read."""


def refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> str:
    monkeypatch.setenv(f"LEADKEEPER_{name}", value)
    with pytest.raises(WrongSetting) as error:
        load_settings()
    return str(error.value)


@pytest.mark.parametrize(
    "address",
    [
        "leads.example.com",
        "ftp://leads.example",
        "https://",
        "https:leads.example",
        "https://ada:secret@leads.example",
        "https://leads.example:port",
        "https://leads.example:",
        "https://leads..example",
        "https://leads.example /",
        "https://leads.example\t",
        "https://[::1",
    ],
)
def test_a_public_address_that_no_link_can_begin_with_is_refused(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    summary = refused(monkeypatch, "PUBLIC_URL", address)
    assert summary == "LEADKEEPER_PUBLIC_URL: write the whole address, such as https://leads.example"


@pytest.mark.parametrize("behind", ["/?a", "?", "#", "/#top"])
def test_a_public_address_has_no_query_and_no_fragment(monkeypatch: pytest.MonkeyPatch, behind: str) -> None:
    summary = refused(monkeypatch, "PUBLIC_URL", f"https://leads.example{behind}")
    assert summary == "LEADKEEPER_PUBLIC_URL: write the whole address, such as https://leads.example"


@pytest.mark.parametrize(
    ("address", "base"),
    [
        ("https://leads.example", "https://leads.example"),
        ("HTTPS://Leads.Example/", "https://leads.example"),
        ("https://leads.example/Below/", "https://leads.example/Below"),
        ("http://127.0.0.1:8700", "http://127.0.0.1:8700"),
        ("http://[::1]:8700/", "http://[::1]:8700"),
        ("https://leads.example:8443", "https://leads.example:8443"),
    ],
)
def test_links_begin_with_the_public_address(monkeypatch: pytest.MonkeyPatch, address: str, base: str) -> None:
    monkeypatch.setenv("LEADKEEPER_PUBLIC_URL", address)
    assert load_settings().base_url == base


@pytest.mark.parametrize("host", ["nonsense..host", "http://127.0.0.1", "127.0.0.1:8700", "a b", "1.2.3"])
def test_a_host_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    assert refused(monkeypatch, "HOST", host).startswith("LEADKEEPER_HOST: write a host name or an address")


@pytest.mark.parametrize("origin", ["https://shop.example:shop", "https://ada@shop.example", "https://shop.example/"])
def test_a_site_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, origin: str) -> None:
    for name in ("FORM_ORIGINS", "FRAME_ANCESTORS"):
        assert "is no site" in refused(monkeypatch, name, f"https://good.example, {origin}")
        monkeypatch.delenv(f"LEADKEEPER_{name}")


@pytest.mark.parametrize("contact", ["https://", "https://a..b", "help"])
def test_a_support_contact_that_leads_nowhere_is_refused(monkeypatch: pytest.MonkeyPatch, contact: str) -> None:
    assert "use an e-mail address" in refused(monkeypatch, "SUPPORT_CONTACT", contact)


@pytest.mark.parametrize("name", [*Settings.model_fields])
@pytest.mark.parametrize("place", ["environment", ".env"])
def test_an_empty_setting_is_not_set(monkeypatch: pytest.MonkeyPatch, name: str, place: str) -> None:
    if place == ".env":
        Path(".env").write_text(f"LEADKEEPER_{name.upper()}=\n")
    else:
        monkeypatch.setenv(f"LEADKEEPER_{name.upper()}", "")
    given, usual = load_settings(), Settings(_env_file=None)
    if name == "withheld_domains":
        assert given.withheld_domains == "", "its default withholds something"
        return
    assert getattr(given, name) == getattr(usual, name)
    assert name not in given.model_fields_set


def test_an_authority_file_without_a_certificate_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("none.pem").write_text("root:x:0:0\n")
    summary = refused(monkeypatch, "CA_FILE", "none.pem")
    assert summary == "LEADKEEPER_CA_FILE: none.pem cannot be used: it holds no certificate in PEM"
    assert refused(monkeypatch, "CA_FILE", ".") == "LEADKEEPER_CA_FILE: . cannot be used: Is a directory"
    monkeypatch.setenv("LEADKEEPER_CA_FILE", "missing.pem")
    with pytest.raises(WrongSetting) as error:
        load_settings()
    assert PORTUGUESE.can_tell(error.value.args[0]) or "No such file" in str(error.value)


def test_a_name_that_no_setting_has_is_warned_of_and_found_by_the_doctor(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert call("db", "upgrade").code == 0
    Path(".env").write_text("LEADKEEPER_PROT=9000\nLEADKEEPER_KEEP_PERSONAL_DAY=30\nLEADKEEPER_URL=\n")
    monkeypatch.setenv("leadkeeper_frobnicate", "s3cret")
    monkeypatch.setenv("LEADKEEPER_KEY_FILE", "key")
    message = call("doctor", "--json")
    found = [(each["state"], each["detail"]) for each in message.json["findings"] if each["name"] == "settings"]
    assert message.code == 1
    assert found == [
        ("wrong", "LEADKEEPER_FROBNICATE is no setting"),
        ("wrong", "LEADKEEPER_KEEP_PERSONAL_DAY is no setting; did you mean LEADKEEPER_KEEP_PERSONAL_DAYS?"),
        ("wrong", "LEADKEEPER_PROT is no setting; did you mean LEADKEEPER_PORT?"),
    ]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        for command in ("serve", "api"):
            refused = call(command, "--port", str(taken.getsockname()[1]))
            assert "did you mean LEADKEEPER_PORT?" in refused.err + refused.out
            assert "is taken" in refused.line, "it does not stop the start"
            assert "s3cret" not in refused.err + refused.out


def test_a_host_that_leads_nowhere_is_explained(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    assert call("db", "upgrade").code == 0
    monkeypatch.setenv("LEADKEEPER_HOST", "no-such-host.invalid")
    refused = call("serve")
    assert refused.code == 1
    assert refused.line.startswith("no-such-host.invalid is no address and no host name that leads to one")
    assert "LEADKEEPER_HOST" in refused.line
    assert refused.line in [each["detail"] for each in call("doctor", "--json").json["findings"]]
    monkeypatch.setenv("LEADKEEPER_HOST", "192.0.2.1")
    assert "192.0.2.1:8700 is not here" in call("doctor").out
    assert call("serve", "--host", "a..b").code == 2


def test_an_ipv6_address_is_listened_on_and_written_in_brackets(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    assert call("db", "upgrade").code == 0
    monkeypatch.setenv("LEADKEEPER_HOST", "::1")
    assert Settings(_env_file=None).base_url == "http://[::1]:8700"
    assert [each["state"] for each in call("doctor", "--json").json["findings"] if each["name"] == "settings"] == ["ok"]
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as taken:
        port = taken.getsockname()[1]
        assert f"[::1]:{port} is taken" in call("serve", "--port", str(port)).line
    monkeypatch.setenv("LEADKEEPER_HOST", "2001:db8::1")
    assert "[2001:db8::1]:8700 is not here" in call("doctor").out


@pytest.mark.parametrize("ranges", ["10.0.0.5/32 10.0.0.6/32", "10.0.0.5, 10.0.0.6/32", "10.0.0.5\t10.0.0.6,"])
def test_trusted_proxies_are_those_that_were_checked(monkeypatch: pytest.MonkeyPatch, ranges: str) -> None:
    monkeypatch.setenv("LEADKEEPER_TRUSTED_PROXIES", ranges)
    addresses = ClientAddresses(load_settings().proxies)
    assert [addresses.is_proxy(f"10.0.0.{last}") for last in (4, 5, 6, 7)] == [False, True, True, False]


@pytest.mark.parametrize("password", ["p@ss:word", "p:ss@w:rd@", "half[of", "a/b:c@d"])
def test_no_part_of_a_password_stands_in_the_error(monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    summary = refused(monkeypatch, "DATABASE_URL", f"postgresql+asyncpg://lead:{password}@host:port/db")
    assert summary.startswith("LEADKEEPER_DATABASE_URL: not a database address")
    assert "@ %40" in summary
    assert password not in summary
    assert not any(part in summary.split() for part in ("word@host", "ss", "rd@@host", "port"))


def test_what_standard_error_cannot_take_stops_no_command(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.TextIOBase):
        def write(self, _: str) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("sys.stderr", Full())
    say("listens")
    complain("refused")


def test_an_empty_host_listens_on_this_machine_alone(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADKEEPER_HOST", "")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"127.0.0.1:{port} is taken" in call("serve", "--port", str(port)).line


def test_an_empty_database_address_is_the_usual_one(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADKEEPER_DATABASE_URL", "")
    assert call("leads", "list").code == 0
    assert Path("leadkeeper.db").is_file()


def test_the_number_of_processes_that_sqlite_does_not_take_is_named(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert call("db", "upgrade").code == 0
    monkeypatch.setenv("LEADKEEPER_PROCESSES", "4")
    refused = call("serve").line
    assert refused.startswith("LEADKEEPER_PROCESSES=4 needs PostgreSQL")
    assert refused in [each["detail"] for each in call("doctor", "--json").json["findings"]]
    assert "--processes 1" in call("serve", "--processes", "2").line
