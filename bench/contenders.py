"""Those that do the same work in one run: a lead comes in over REST, is on disk when it is answered, and goes out."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Protocol

import psutil

from bench.children import ROOT, Child, ChildFailed, Usage, total, usage_of
from bench.installation import Installation, https, installation
from bench.place import Kind, Place, free_port

WORDS: Final[Mapping[Kind, tuple[str, ...]]] = {"sqlite": ("serve",), "postgresql": ("api", "worker")}
"""The processes that carry while they take in."""
PEER: Final = "FastAPI + Celery + Redis"
_READY_SECONDS: Final = 60.0
_PEERS: Final = ROOT / "build" / "peers" / "bin"


class Contender(Protocol):
    """A program that takes leads in at ``port`` from whoever has ``token``, and posts them to the sink."""

    @property
    def name(self) -> str:
        """As a table shows it."""

    @property
    def kind(self) -> Kind | None:
        """Our database; ``None`` for others."""

    @property
    def port(self) -> int:
        """Where ``POST /v1/leads`` is answered."""

    @property
    def token(self) -> str:
        """What lets leads in."""

    def usage(self) -> tuple[Usage, Usage]:
        """What its own processes have used so far, and what they and its database have. Raises ``ChildFailed``."""

    def check(self) -> None:
        """Raise ``ChildFailed`` if one of its processes has ended."""

    def unfinished(self) -> int:
        """Of how many leads it has not yet written down that they arrived."""


class Ours:
    """``serve`` on SQLite, ``api`` and ``worker`` on PostgreSQL."""

    def __init__(self, place: Place, kind: Kind, made: Installation) -> None:
        self._place = place
        self._made = made
        self.kind: Kind | None = kind
        self.name = f"{' + '.join(WORDS[kind])}, {kind}"
        self.port, self.token = made.port, made.token
        self._children = [made.start(word) for word in WORDS[kind]]

    def usage(self) -> tuple[Usage, Usage]:
        own = total([child.usage() for child in self._children])
        if self.kind == "sqlite":
            return own, own
        return own, total([own, usage_of(psutil.Process(self._place.postgres.pid))])

    def check(self) -> None:
        for child in self._children:
            child.check()

    def unfinished(self) -> int:
        return self._made.unsent()


class Peer:
    """A web application and a task queue as a good practitioner sets them up, on a Redis that fsyncs each write."""

    name = PEER
    kind: Kind | None = None

    def __init__(self, redis: Child, children: list[Child], redis_port: int, port: int, token: str) -> None:
        self._redis, self._children, self._redis_port = redis, children, redis_port
        self.port, self.token = port, token

    def usage(self) -> tuple[Usage, Usage]:
        own = total([child.usage() for child in self._children])
        return own, total([own, self._redis.usage()])

    def check(self) -> None:
        for child in (self._redis, *self._children):
            child.check()

    def unfinished(self) -> int:
        """Tasks that wait and tasks that a worker holds and has not acknowledged."""
        return _redis_number(self._redis_port, "LLEN celery") + _redis_number(self._redis_port, "HLEN unacked")


@contextlib.contextmanager
def ours(place: Place, kind: Kind) -> Iterator[Contender]:
    """Our program on this database, ready."""
    with installation(place, kind, crm=https()) as made:
        yield Ours(place, kind, made)


@contextlib.contextmanager
def peer(place: Place) -> Iterator[Contender]:
    """The peer, ready. Raises :class:`ChildFailed` where ``scripts/setup-peers`` has not been run."""
    redis = shutil.which("redis-server")
    if redis is None or not (_PEERS / "celery").exists():
        raise ChildFailed("the peers are missing: run scripts/setup-peers")
    folder = place.folder / "peer"
    folder.mkdir(exist_ok=True)
    redis_port, port, token = free_port(), free_port(), secrets.token_urlsafe(24)
    env = _environment(place, redis_port, token)
    with contextlib.ExitStack() as stack:

        def start(name: str, program: Path, *arguments: str) -> Child:
            return stack.enter_context(Child(folder, name, *arguments, env=env, program=[str(program)]))

        durable = ("--appendonly", "yes", "--appendfsync", "always", "--save", "")
        bound = ("--port", str(redis_port), "--bind", "127.0.0.1", "--dir", str(folder))
        server = start("redis-server", Path(redis), *bound, *durable)
        _await_port(server, redis_port)
        worker = start("celery", _PEERS / "celery", *_WORKER)
        served = ("--host", "127.0.0.1", "--port", str(port), "--log-level", "error", "--no-access-log")
        api = start("uvicorn", _PEERS / "uvicorn", *_API, *served)
        _await_port(api, port)
        yield Peer(server, [api, worker], redis_port, port, token)


_cores: Final = str(os.cpu_count() or 1)
_WORKER: Final = ("--app", "tasks", "worker", "--loglevel", "error", "--concurrency", _cores, *("--without-gossip",))
_API: Final = ("intake:app", "--loop", "uvloop", "--http", "httptools", "--workers", _cores)


def _environment(place: Place, redis_port: int, token: str) -> dict[str, str]:
    return {
        "PYTHONPATH": str(ROOT / "bench" / "peers"),
        "PEER_BROKER": f"redis://127.0.0.1:{redis_port}/0",
        "PEER_URL": f"https://127.0.0.1:{place.sink_port}/takes",
        "PEER_CA_FILE": str(place.ca_file),
        "PEER_KEY": token,
        "PEER_SECRET": "whsec_" + "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    }


def setup_peers() -> None:
    """Install what is compared with, unless it is there. Raises :class:`ChildFailed`."""
    if subprocess.run([ROOT / "scripts" / "setup-peers"], check=False).returncode:
        raise ChildFailed("the peers could not be installed")


def _await_port(child: Child, port: int) -> None:
    end = time.monotonic() + _READY_SECONDS
    while time.monotonic() < end:
        child.check()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise ChildFailed(f"{child.name} does not answer")


def _redis_number(port: int, command: str) -> int:
    """The number that Redis answers to an inline command."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        line.sendall(command.encode() + b"\r\n")
        return int(line.makefile("rb").readline().strip().removeprefix(b":"))
