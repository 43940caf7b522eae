"""Access tokens: stand for a key for a while, and can be checked without the database."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

PREFIX: Final = "lkt_"
API: Final = "api"
"""The audience of a token that is sent as ``Authorization: Bearer``: the only one so far. The portal takes none."""
_PURPOSE: Final = b"leadkeeper access token"


class Tokens:
    """Makes tokens with a key derived from the newest secret key; those made with older ones are good too."""

    def __init__(self, secret_keys: Sequence[str]) -> None:
        """``secret_keys``: newest first, each 32 bytes in URL-safe base64."""
        self._fernet = MultiFernet([Fernet(_derived(key.strip())) for key in secret_keys])

    def issue(self, key_id: str, until: int, audience: str = API) -> str:
        """A token for a key, good until ``until`` (ms since 1970) and for ``audience`` alone."""
        return PREFIX + self._fernet.encrypt(f"{until} {audience} {key_id}".encode()).decode()

    def key_id(self, token: str, now: int, audience: str = API) -> str | None:
        """The key that ``token`` stands for; ``None`` if it is not ours, not for ``audience``, or its time is over."""
        try:
            text = self._fernet.decrypt(token.removeprefix(PREFIX).encode()).decode()
            until, meant, key_id = text.split(" ")
            is_good = meant == audience and now < int(until)
        except (InvalidToken, ValueError):
            return None
        return key_id if is_good else None


def _derived(key: str) -> bytes:
    derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE)
    return base64.urlsafe_b64encode(derive.derive(base64.urlsafe_b64decode(key)))
