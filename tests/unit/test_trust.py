"""What TLS trusts is read once for a process, and anew when the operator renews the file."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

import pytest

from leadkeeper.network.trust import trusting
from leadkeeper.sandbox.authority import Authority


def test_mailers_and_networks_of_a_process_read_the_authorities_once() -> None:
    assert trusting(None) is trusting(None)
    assert trusting(None, "http/1.1") is trusting(None, "http/1.1")
    assert trusting(None) is not trusting(None, "http/1.1"), "a mail server would be offered HTTP"


def test_servers_are_verified() -> None:
    context = trusting(None)
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_a_file_of_authorities_that_was_renewed_is_read_anew(tmp_path: Path) -> None:
    first, second = Authority(tmp_path / "first").ca_file, Authority(tmp_path / "second").ca_file
    before = trusting(first)
    kept = before.get_ca_certs(binary_form=True)
    assert trusting(first) is before

    first.write_bytes(second.read_bytes())
    os.utime(first, ns=(0, first.stat().st_mtime_ns + 1_000_000_000))

    after = trusting(first)
    assert after is not before
    assert set(kept) != set(after.get_ca_certs(binary_form=True))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        trusting(tmp_path / "none.pem")
