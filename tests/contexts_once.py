"""A stand-in's side of TLS is made once for each authority and set of names, not again for each test's server.

To load a certificate and its key takes milliseconds, and a test before the sandbox needed two or three of them: an
eighth of what those tests cost. The sandbox's own context is made anew each time, since each sandbox gives it a
callback that chooses among its own certificates; nobody changes the others.
"""

from __future__ import annotations

import functools
import ssl
from typing import Final
from unittest import mock

from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.control import CONTROL_HOSTS

_CONTEXTS: Final = 1_000

_make: Final = Authority.server_context


@functools.lru_cache(maxsize=_CONTEXTS)
def _made(of: _SameAuthority, names: tuple[str, ...]) -> ssl.SSLContext:
    return _make(of.authority, *names)


class _SameAuthority:
    """An authority as a key: two of the same certificate and key are one, whatever folder they were read from."""

    def __init__(self, authority: Authority) -> None:
        self.authority = authority
        self._is = (authority._certificate, authority._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _SameAuthority) and self._is == other._is

    def __hash__(self) -> int:
        return hash(self._is)


def _known_or_made(authority: Authority, *names: str) -> ssl.SSLContext:
    if names == tuple(CONTROL_HOSTS):
        return _make(authority, *names)
    return _made(_SameAuthority(authority), names)


def make_contexts_once() -> None:
    """From now on in this process."""
    mock.patch.object(Authority, "server_context", _known_or_made).start()
