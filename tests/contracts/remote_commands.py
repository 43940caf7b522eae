"""A machine elsewhere, and the certificates between it and the commands that are called here."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from leadkeeper.sandbox.authority import Authority

OFFER = "contoso.crm-pro"
R = TypeVar("R")


class Elsewhere:
    """An event loop in a thread of its own: what runs there is another machine to the commands."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever)
        self._thread.start()

    def do(self, work: Coroutine[Any, Any, R]) -> R:
        """What ``work`` answers."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(120)

    def end(self) -> None:
        """No more."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(120)
        self.loop.close()


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
