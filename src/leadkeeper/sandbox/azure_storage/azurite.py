"""Microsoft's storage emulator Azurite as a child process: what the stand-ins for Azure Storage keep their data in."""

from __future__ import annotations

import atexit
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

Service = Literal["table", "blob"]

ACCOUNT: Final = "devstoreaccount1"
KEY: Final = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""The emulator's account and key, published by Microsoft: the same everywhere, no secret."""

_STARTED: Final = (b"successfully started", b"successfully listens on")  # the services differ
_START_SECONDS: Final = 30.0
_PORTS: Final = range(15_000, 30_000)  # below those that the system gives to outgoing connections


class AzuriteMissing(RuntimeError):
    """Node.js or the npm packages are not on this machine; the text says how to get them."""


class AzuriteFailed(RuntimeError):
    """The emulator did not start; the text ends with what it wrote last."""


class Azurite:
    """One emulator of one service, in memory unless ``folder`` is given, on a free loopback port unless ``port`` is.

    ``node_modules`` is npm's folder with ``azurite`` in it. ``accounts`` maps further account names to base64 keys;
    the emulator's own account is always there. With ``certificate`` and ``key`` (PEM files) it speaks https.
    Methods block; call them with ``asyncio.to_thread`` where a loop must go on. The process ends with this one
    (except when this one is killed outright).
    """

    def __init__(
        self,
        node_modules: Path,
        *,
        service: Service = "table",
        port: int | None = None,
        folder: Path | None = None,
        accounts: Mapping[str, str] | None = None,
        certificate: Path | None = None,
        key: Path | None = None,
    ) -> None:
        """Raises :class:`AzuriteMissing`."""
        program = node_modules.resolve() / "azurite" / "dist" / "src" / service / "main.js"
        node = shutil.which("node")
        if not program.exists():
            raise AzuriteMissing(f"Azurite is not in {node_modules}: run make setup")
        if node is None:
            raise AzuriteMissing("Node.js is missing: install it (Debian: nodejs), then run make setup")
        self.service = service
        self._port = port
        self._tls = certificate is not None
        self._accounts = {ACCOUNT: KEY, **(accounts or {})}
        self._scratch = Path(tempfile.mkdtemp(prefix="leadkeeper-azurite-"))
        self._log = self._scratch / "log"
        self._process: subprocess.Popen[bytes] | None = None
        self._command = [node, str(program), "--silent", "--disableTelemetry", "--skipApiVersionCheck"]
        self._command += ["--location", str(folder.resolve())] if folder is not None else ["--inMemoryPersistence"]
        if certificate is not None and key is not None:
            self._command += ["--cert", str(certificate.resolve()), "--key", str(key.resolve())]
        atexit.register(self.close)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    @property
    def port(self) -> int:
        """The port on 127.0.0.1. Raises :class:`AzuriteFailed` before the first start."""
        if self._port is None:
            raise AzuriteFailed("Azurite has no port before it is started.")
        return self._port

    @property
    def url(self) -> str:
        """The emulator's address, without an account."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        """The child's process id while it runs."""
        return self._process.pid if self.running and self._process is not None else None

    @property
    def running(self) -> bool:
        """Whether the child is alive."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start and wait until it answers. Does nothing when it runs. Raises :class:`AzuriteFailed`."""
        if self.running:
            return
        for port in _free_ports() if self._port is None else (self._port,):
            if self._start_on(port):
                self._port = port
                return
        raise AzuriteFailed(f"Azurite did not start.{self._last_words()}")

    def stop(self) -> None:
        """End the child and wait for it; what was in memory is gone. Does nothing when it does not run."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGINT)  # at any other signal it forgets the last seconds' rows
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def close(self) -> None:
        """Stop, and remove what was written aside from ``folder``. May be called twice."""
        atexit.unregister(self.close)
        self.stop()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _start_on(self, port: int) -> bool:
        accounts = ";".join(f"{name}:{key}" for name, key in self._accounts.items())
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 (a program of ours with arguments of ours)
                [*self._command, f"--{self.service}Host", "127.0.0.1", f"--{self.service}Port", str(port)],
                cwd=self._scratch,
                env=_environment() | {"AZURITE_ACCOUNTS": accounts},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for us, who then stop it
            )
        end = time.monotonic() + _START_SECONDS
        while self.running and time.monotonic() < end:
            message = self._log.read_bytes()
            if any(words in message for words in _STARTED):
                return True
            time.sleep(0.05)
        self.stop()
        return False

    def _last_words(self) -> str:
        return "\n" + "\n".join(self._log.read_text(errors="replace").splitlines()[-15:])


def _environment() -> dict[str, str]:
    """Ours, without settings for another emulator."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AZURITE_")}


def _free_ports() -> list[int]:
    """A few ports that nobody listens on at this moment."""
    free = []
    for port in random.sample(_PORTS, 20):  # no secret
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        free.append(port)
    return free[:3]
