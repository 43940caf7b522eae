"""The emulator as a child process: it starts, keeps what it is told to keep, and ends."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest
import trustme

from leadkeeper.sandbox.azure_storage.azurite import Azurite, AzuriteFailed, AzuriteMissing
from tests.conftest import missing_service

NODE_MODULES = Path(__file__).parents[2] / "node_modules"


def emulator(**settings: Path | int) -> Azurite:
    try:
        return Azurite(NODE_MODULES, **settings)  # type: ignore[arg-type] # one test, one setting
    except AzuriteMissing as error:
        missing_service(str(error))
        raise


def test_missing_packages_name_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(AzuriteMissing, match="run make setup"):
        Azurite(tmp_path)


def test_a_child_ends_with_its_block_and_starts_again_on_the_same_port(tmp_path: Path) -> None:
    with emulator(folder=tmp_path) as azurite:
        port, pid = azurite.port, azurite.pid
        assert azurite.running
        assert pid is not None
        azurite.start()
        assert azurite.pid == pid
        azurite.stop()
        assert not psutil.pid_exists(pid)
        azurite.start()
        assert azurite.port == port
        pid = azurite.pid
    assert not azurite.running
    assert pid is not None
    assert not psutil.pid_exists(pid)
    azurite.close()


def test_it_speaks_https(tmp_path: Path) -> None:
    certificate = trustme.CA().issue_cert("127.0.0.1")
    certificate.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    certificate.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    with emulator(certificate=tmp_path / "cert.pem", key=tmp_path / "key.pem") as azurite:
        assert azurite.url == f"https://127.0.0.1:{azurite.port}"


def test_a_port_that_is_taken_is_named_in_the_error() -> None:
    with emulator() as azurite:
        second = emulator(port=azurite.port)
        with pytest.raises(AzuriteFailed, match="EADDRINUSE"):
            second.start()
        second.close()
        assert azurite.running
