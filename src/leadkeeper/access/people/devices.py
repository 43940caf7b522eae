"""Browsers that somebody signed in with before: wrong guesses of strangers lock no such browser out.

A browser keeps a token that says whose it is, made with the secret key: nothing of it is stored here, and it opens
nothing by itself. Guesses from it are counted by themselves (OWASP calls this a device cookie).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_PURPOSE: Final = b"leadkeeper known browsers"


class Devices:
    """Makes such tokens with the newest secret key, and knows those that any of them made."""

    def __init__(self, secret_keys: Sequence[str]) -> None:
        """``secret_keys``: newest first, each 32 bytes in URL-safe base64."""
        self._keys = [_derived(key.strip()) for key in secret_keys]

    def issue(self, email: str) -> str:
        """A token for a browser in which the person of ``email`` signed in."""
        name = secrets.token_urlsafe(16)
        return f"{name}.{_mac(self._keys[0], name, email)}"

    def known(self, token: str | None, email: str) -> str | None:
        """The browser's name, if ``token`` is of one in which the person of ``email`` signed in."""
        name, dot, mac = (token or "").partition(".")
        if not dot or not any(hmac.compare_digest(_mac(key, name, email), mac) for key in self._keys):
            return None
        return name


def _mac(key: bytes, name: str, email: str) -> str:
    digest = hmac.new(key, f"{name} {email}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _derived(key: str) -> bytes:
    derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE)
    return derive.derive(base64.urlsafe_b64decode(key))
