"""Bearer tokens of the sandbox: shaped like Entra's (a JWT), signed with a key that only the sandbox has."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from typing import Final

from leadkeeper.sandbox.stand_in import Clock

_HEADER: Final = {"typ": "JWT", "alg": "HS256"}


@dataclass(frozen=True, slots=True)
class Bearer:
    """What a token says: for which ``audience``, from which tenant, for which application, and which user if any."""

    audience: str
    tenant: str
    client: str
    user: str | None
    expires_at: int


class Tokens:
    """Issues tokens and reads them back; two stand-ins that share one believe each other's tokens."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32)

    def issue(self, audience: str, tenant: str, client: str, user: str | None, lifetime: int) -> str:
        """A token for ``lifetime`` seconds from now."""
        now = int(self._clock.now())
        claims = {
            "aud": audience,
            "iss": f"https://sts.windows.net/{tenant}/",
            "iat": now,
            "nbf": now,
            "exp": now + lifetime,
            "appid": client,
            "idtyp": "app" if user is None else "user",
            "tid": tenant,
            "uti": secrets.token_urlsafe(12),
            "ver": "1.0",
        }
        if user is not None:
            claims["upn"] = user
        signed = f"{_packed(json.dumps(_HEADER).encode())}.{_packed(json.dumps(claims).encode())}"
        return f"{signed}.{self._signature(signed)}"

    def identity(self, tenant: str, client: str, user: str, lifetime: int) -> str:
        """An id token (version 2.0): who signed in at the application, for ``lifetime`` seconds from now."""
        now = int(self._clock.now())
        claims = {
            "aud": client,
            "iss": f"https://login.microsoftonline.com/{tenant}/v2.0",
            "iat": now,
            "nbf": now,
            "exp": now + lifetime,
            "tid": tenant,
            "preferred_username": user,
            "sub": hashlib.sha256(f"{client} {user}".encode()).hexdigest()[:43],
            "ver": "2.0",
        }
        signed = f"{_packed(json.dumps(_HEADER).encode())}.{_packed(json.dumps(claims).encode())}"
        return f"{signed}.{self._signature(signed)}"

    def read(self, token: str) -> Bearer | None:
        """What the token says, expired or not; None when it is not one of ours as it was issued."""
        signed, _, signature = token.rpartition(".")
        if not signed or not hmac.compare_digest(self._signature(signed).encode(), signature.encode()):
            return None
        claims = json.loads(_unpacked(signed.partition(".")[2]))
        return Bearer(claims["aud"], claims["tid"], claims["appid"], claims.get("upn"), claims["exp"])

    def expired(self, bearer: Bearer) -> bool:
        """Whether its time is over."""
        return self._clock.now() >= bearer.expires_at

    def _signature(self, text: str) -> str:
        return _packed(hmac.digest(self._key, text.encode(), hashlib.sha256))


def _packed(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unpacked(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
