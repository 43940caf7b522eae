"""Statements are compiled once for each kind of database, not again for each database that a test opens.

SQLAlchemy keeps what it compiled with the engine, and every installation has engines of its own. Compiling was a tenth
of the CPU of the contract tests. What is compiled depends on the kind of database alone: all of a process are of one
version, and are opened by the same settings.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Final
from unittest import mock

from sqlalchemy.engine import Engine
from sqlalchemy.util import LRUCache

_STATEMENTS: Final = 5_000

_Key = tuple[Hashable, ...]


class _OfTheKind(LRUCache[_Key, Any]):
    """What engines of one kind of database compiled: the first part of SQLAlchemy's key is the engine's own dialect."""

    def get(self, key: _Key, default: Any = None) -> Any:
        return super().get(key[1:], default)

    def __setitem__(self, key: _Key, value: Any) -> None:
        super().__setitem__(key[1:], value)


_compiled: Final[dict[str, _OfTheKind]] = {}


def _compiled_by(engine: Engine) -> LRUCache[_Key, Any] | None:
    found: LRUCache[_Key, Any] | None = vars(engine)["_compiled"]
    return found


def _share(engine: Engine, cache: LRUCache[_Key, Any] | None) -> None:
    if cache is not None:
        cache = _compiled.setdefault(engine.url.drivername, _OfTheKind(_STATEMENTS))
    vars(engine)["_compiled"] = cache


def compile_once() -> None:
    """From now on engines of this process share what they compile."""
    mock.patch.object(Engine, "_compiled_cache", property(_compiled_by, _share), create=True).start()
