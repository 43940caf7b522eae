"""Connection secrets at rest: encrypted with keys that are not in the database."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class WrongKey(Exception):
    """The secrets in the database were encrypted with another key."""


class Vault:
    """Encrypts with the newest key, decrypts with any of them (authenticated, AES-CBC with HMAC: Fernet)."""

    def __init__(self, keys: list[str]) -> None:
        """``keys``: newest first, each 32 bytes in URL-safe base64. Raises ``ValueError`` for anything else."""
        try:
            self._fernet = MultiFernet([Fernet(key.strip()) for key in keys])
        except ValueError:
            raise ValueError("each key must be 32 bytes in URL-safe base64") from None

    def seal(self, secrets: Mapping[str, str]) -> str:
        """The secrets as one text fit for the database."""
        return self._fernet.encrypt(json.dumps(dict(secrets)).encode()).decode()

    def open(self, sealed: str) -> dict[str, str]:
        """The secrets again. Raises :class:`WrongKey` if none of the keys made ``sealed``."""
        try:
            opened: dict[str, str] = json.loads(self._fernet.decrypt(sealed.encode()))
        except InvalidToken:
            raise WrongKey("none of the secret keys opens the stored secrets") from None
        return opened

    def opens(self, sealed: str) -> bool:
        """Whether one of the keys made ``sealed``."""
        try:
            self._fernet.decrypt(sealed.encode())
        except InvalidToken:
            return False
        return True

    def resealed(self, sealed: str) -> str:
        """``sealed`` encrypted with the newest key. Raises :class:`WrongKey` if none of the keys made it."""
        try:
            return self._fernet.rotate(sealed.encode()).decode()
        except InvalidToken:
            raise WrongKey("none of the secret keys opens the stored secrets") from None


def _make_key_file(path: Path) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(new_secret_key() + "\n")
        file.flush()
        os.fsync(file.fileno())
    # A link is made whole or not at all, and never over another's.
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
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
