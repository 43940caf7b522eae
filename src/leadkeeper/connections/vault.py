"""Connection secrets at rest: encrypted with keys that are not in the database, and bound to their row."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import secrets as randomness
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from leadkeeper.texts import lazy_gettext

_BOUND: Final = "b1."
"""How sealed text begins that is bound to its row; older text is not, and is read until it is sealed anew."""
_PURPOSE: Final = b"leadkeeper connection secrets, bound to their row"
_NONCE: Final = 12


class WrongKey(Exception):
    """The secrets in the database were encrypted with another key, or for another row."""


class Vault:
    """Encrypts with the newest key, decrypts with any of them: AES-256-GCM, a key for this purpose derived from each.

    ``row`` names the row that sealed text belongs to (:func:`row_of`); it is authenticated with the text, so that what
    is moved to another row cannot be opened. Text of before (Fernet, bound to nothing) is opened too.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        """``keys``: newest first, each 32 bytes in URL-safe base64. Raises ``ValueError`` for anything else."""
        try:
            self._old = MultiFernet([Fernet(key.strip()) for key in keys])
            self._ciphers = [AESGCM(_derived(key.strip())) for key in keys]
        except ValueError:
            raise ValueError(lazy_gettext("each key must be 32 bytes in URL-safe base64")) from None

    def seal(self, secrets: Mapping[str, str], row: str) -> str:
        """The secrets as one text fit for the database, good in ``row`` alone."""
        nonce = os.urandom(_NONCE)
        sealed = self._ciphers[0].encrypt(nonce, json.dumps(dict(secrets)).encode(), row.encode())
        return _BOUND + base64.urlsafe_b64encode(nonce + sealed).decode()

    def open(self, sealed: str, row: str) -> dict[str, str]:
        """The secrets again. Raises :class:`WrongKey` if none of the keys made ``sealed`` for ``row``."""
        opened: dict[str, str] = json.loads(self._opened(sealed, row))
        return opened

    def opens(self, sealed: str, row: str) -> bool:
        """Whether one of the keys made ``sealed`` for ``row``."""
        try:
            self._opened(sealed, row)
        except WrongKey:
            return False
        return True

    @staticmethod
    def is_bound(sealed: str) -> bool:
        """Whether ``sealed`` is bound to its row."""
        return sealed.startswith(_BOUND)

    def resealed(self, sealed: str, row: str) -> str:
        """``sealed`` encrypted with the newest key and bound to ``row``. Raises :class:`WrongKey` as :meth:`open`."""
        return self.seal(self.open(sealed, row), row)

    def _opened(self, sealed: str, row: str) -> bytes:
        if not self.is_bound(sealed):
            try:
                return self._old.decrypt(sealed.encode())
            except InvalidToken:
                raise WrongKey("none of the secret keys opens the stored secrets") from None
        try:
            text = base64.b64decode(sealed.removeprefix(_BOUND), altchars=b"-_", validate=True)
        except ValueError:
            text = b""
        for cipher in self._ciphers if len(text) > _NONCE else ():
            with contextlib.suppress(InvalidTag):
                return cipher.decrypt(text[:_NONCE], text[_NONCE:], row.encode())
        raise WrongKey("none of the secret keys opens the stored secrets")


def row_of(connection_id: str, destination: str) -> str:
    """What a connection's secrets are bound to, those in effect and those that wait."""
    return f"connection/{connection_id}/{destination}"


def channel_row(channel_id: str) -> str:
    """What a channel's address and secrets are bound to."""
    return f"channel/{channel_id}"


def _derived(key: str) -> bytes:
    derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE)
    return derive.derive(base64.urlsafe_b64decode(key))


def _make_key_file(path: Path) -> None:
    """Write a new key beside ``path`` and give it that name; follows no link and uses no file that was there."""
    draft = path.with_name(f".{path.name}.{randomness.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(new_secret_key() + "\n")
            file.flush()
            os.fsync(file.fileno())
        # A link is made whole or not at all, and never over another's.
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()


def new_secret_key() -> str:
    """A new key: 32 random bytes in URL-safe base64."""
    return Fernet.generate_key().decode()


def secret_keys_from_file(path: Path) -> list[str]:
    """The keys in ``path``, one a line, newest first; the file is made with one new key (mode 0600) if missing.

    Processes that start together end up with the same key.
    """
    if not path.exists():
        _make_key_file(path)
    return [line for line in path.read_text().split() if line]
