"""OpenID Connect: the code flow with state, nonce and PKCE, of Authlib's parts over our network.

What belongs to a sign-in that is under way (state, nonce, verifier) is sealed into a cookie of the browser that began
it: nobody else's browser can end it, and nothing is stored. Nothing that a provider says is logged but error codes.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final
from urllib.parse import quote_plus, urlencode

import structlog
from authlib.oauth2.client import OAuth2Client
from authlib.oauth2.rfc6749.parameters import prepare_token_request
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import OpenIDProviderMetadata, get_well_known_url
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from leadkeeper.access.provider.settings import ProviderSettings
from leadkeeper.clock import Clock, now_ms
from leadkeeper.network.client import NETWORK_ERRORS, Network
from leadkeeper.network.rest import read_json, request
from leadkeeper.problem import Problem, ProblemType
from leadkeeper.texts import lazy_gettext as _

log: Final = structlog.get_logger(__name__)

LASTS: Final = 600
"""How long (s) a sign-in at the provider may take."""
KNOWN: Final = 3_600_000
"""How long (ms) what the provider says about itself, and its keys, are believed."""
LEEWAY: Final = 60
"""How far (s) its clock may be off."""
_AFTER: Final = 500
_PURPOSE: Final = b"leadkeeper sign-in at the provider"
_ALGORITHMS: Final = (
    "RS256",
    "PS256",
    "ES256",
    "RS384",
    "RS512",
    "PS384",
    "PS512",
    "ES384",
    "ES512",
    "Ed25519",
    "EdDSA",
)
"""Signatures with a key of the provider's own; never none, never one made with the client's secret."""
_CODE: Final = re.compile(r"[a-z_]{1,40}")


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in that begins: where the browser goes, and what it keeps meanwhile."""

    address: str
    kept: str


@dataclass(frozen=True, slots=True)
class Claims:
    """Who signed in, as the provider says; ``after`` is where they wanted to go."""

    issuer: str
    subject: str
    email: str
    is_verified: bool
    name: str
    groups: frozenset[str]
    after: str


@dataclass(frozen=True, slots=True)
class _Way:
    state: str
    nonce: str
    verifier: str
    after: str


class IdentityProvider:
    """One identity provider. ``redirect_uri`` is our page that it sends browsers back to."""

    def __init__(
        self,
        settings: ProviderSettings,
        network: Network,
        secret_keys: Sequence[str],
        redirect_uri: str,
        clock: Clock = now_ms,
    ) -> None:
        """``secret_keys``: newest first, each 32 bytes in URL-safe base64."""
        self.settings = settings
        self._network = network
        self._fernet = MultiFernet([Fernet(_derived(key.strip())) for key in secret_keys])
        self._redirect_uri = redirect_uri
        self._clock = clock
        self._metadata: Mapping[str, Any] = {}
        self._keys: KeySet | None = None
        self._known_at = self._keys_at = -KNOWN

    async def begin(self, after: str) -> Begun:
        """Send somebody there. Raises :class:`Problem` while the provider cannot be used."""
        metadata = await self._about()
        way = _Way(_random(), _random(), _random(), after[:_AFTER])
        client = OAuth2Client(
            None,
            client_id=self.settings.client_id,
            scope=self.settings.scopes,
            redirect_uri=self._redirect_uri,
            code_challenge_method="S256",
        )
        address, _state = client.create_authorization_url(
            metadata["authorization_endpoint"], state=way.state, code_verifier=way.verifier, nonce=way.nonce
        )
        kept = self._fernet.encrypt_at_time(json.dumps(asdict(way)).encode(), self._clock() // 1_000)
        return Begun(address, kept.decode())

    async def finish(self, sent: Mapping[str, str], kept: str) -> Claims:
        """Whoever comes back with ``sent`` to the browser that ``kept`` this. Raises :class:`Problem`."""
        way = self._way(kept)
        if way is None or not secrets.compare_digest(sent.get("state", "").encode(), way.state.encode()):
            raise _again()
        if "error" in sent or "code" not in sent:
            code = sent.get("error", "")
            log.warning("the identity provider refused a sign-in", code=code if _CODE.fullmatch(code) else "unreadable")
            raise Problem(ProblemType.FORBIDDEN, _("The sign-in service did not let you in. Try again, or ask there."))
        metadata = await self._about()
        if sent.get("iss", self.settings.issuer) != self.settings.issuer:  # RFC 9207
            raise _again()
        token = await self._redeem(metadata, sent["code"], way.verifier)
        claims = await self._verified(metadata, token, way.nonce)
        return self._read(await self._completed(metadata, claims, str(token.get("access_token", ""))), way.after)

    async def sign_out_address(self) -> str | None:
        """Where somebody who signed out here signs out there, too, if the provider has such a page."""
        try:
            end = (await self._about()).get("end_session_endpoint")
        except Problem:
            return None
        return None if not end else f"{end}?{urlencode({'client_id': self.settings.client_id})}"

    def _way(self, kept: str) -> _Way | None:
        try:
            text = self._fernet.decrypt_at_time(kept.encode(), LASTS, self._clock() // 1_000)
            return _Way(**json.loads(text))
        except (InvalidToken, ValueError, TypeError):
            return None

    async def _about(self) -> Mapping[str, Any]:
        """What the provider says about itself."""
        if self._clock() - self._known_at < KNOWN:
            return self._metadata
        found = await self._ask("GET", get_well_known_url(self.settings.issuer, external=True))
        if found.get("issuer") != self.settings.issuer:
            raise self._trouble("its issuer is not LEADKEEPER_OIDC_ISSUER")
        try:
            metadata = OpenIDProviderMetadata(found)
            for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                if self.settings.issuer.startswith("https:"):  # Authlib takes no plain http, not even on this machine
                    getattr(metadata, f"validate_{name}")()
                elif not isinstance(found.get(name), str):
                    raise ValueError(name)
        except ValueError:
            raise self._trouble("its discovery document is not complete") from None
        self._metadata, self._known_at = found, self._clock()
        return found

    async def _redeem(self, metadata: Mapping[str, Any], code: str, verifier: str) -> Mapping[str, Any]:
        body = prepare_token_request(
            "authorization_code", code=code, redirect_uri=self._redirect_uri, code_verifier=verifier
        )
        mine = {"client_id": self.settings.client_id, "client_secret": self.settings.client_secret}
        headers = {}
        if "client_secret_post" in metadata.get("token_endpoint_auth_methods_supported", ()):
            body = f"{body}&{urlencode(mine)}"
        else:
            pair = ":".join(quote_plus(each) for each in mine.values())
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        return await self._ask("POST", metadata["token_endpoint"], headers, body)

    async def _verified(self, metadata: Mapping[str, Any], token: Mapping[str, Any], nonce: str) -> dict[str, Any]:
        """The claims of the id token, whose signature, issuer, audience, time and nonce are right."""
        wanted = metadata.get("id_token_signing_alg_values_supported", ["RS256"])
        allowed = [name for name in _ALGORITHMS if name in wanted]
        text = str(token.get("id_token", ""))
        try:
            try:
                found = jwt.decode(text, await self._signers(metadata), algorithms=allowed)
            except (JoseError, ValueError):  # perhaps it signs with a new key
                found = jwt.decode(text, await self._signers(metadata, anew=True), algorithms=allowed)
            options = {
                "iss": {"essential": True, "value": self.settings.issuer},
                "aud": {"essential": True, "value": self.settings.client_id},
                "sub": {"essential": True},
            }
            params = {"nonce": nonce, "client_id": self.settings.client_id, "access_token": token.get("access_token")}
            claims = CodeIDToken(found.claims, found.header, options, params)
            claims.validate(now=self._clock() // 1_000, leeway=LEEWAY)
        except (JoseError, ValueError, TypeError) as error:
            raise self._trouble(f"its id token is not right: {type(error).__name__}") from None
        return dict(claims)

    async def _signers(self, metadata: Mapping[str, Any], *, anew: bool = False) -> KeySet:
        if self._keys is None or anew or self._clock() - self._keys_at >= KNOWN:
            self._keys = KeySet.import_key_set(await self._ask("GET", metadata["jwks_uri"]))  # type: ignore[arg-type]
            self._keys_at = self._clock()
        return self._keys

    async def _completed(self, metadata: Mapping[str, Any], claims: dict[str, Any], token: str) -> dict[str, Any]:
        """With what only the userinfo endpoint tells."""
        wanted = [self.settings.email_claim] + ([self.settings.groups_claim] if self.settings.groups else [])
        endpoint = metadata.get("userinfo_endpoint")
        if not endpoint or not token or all(name in claims for name in wanted):
            return claims
        more = await self._ask("GET", endpoint, {"Authorization": f"Bearer {token}"})
        if more.get("sub") != claims["sub"]:
            raise self._trouble("userinfo is of somebody else")
        return {**more, **claims}

    def _read(self, claims: Mapping[str, Any], after: str) -> Claims:
        groups = claims.get(self.settings.groups_claim, [])
        if self.settings.groups_claim in (claims.get("_claim_names") or ()):
            message = _(
                "You are in more groups than the sign-in service tells at once. Your operator can have it send roles."
            )
            raise Problem(ProblemType.FORBIDDEN, message)
        if isinstance(groups, str):
            groups = [groups]
        named = [str(claims.get(name) or "") for name in ("name", "preferred_username")]
        email = claims.get(self.settings.email_claim)
        return Claims(
            issuer=self.settings.issuer,
            subject=str(claims["sub"])[:255],
            email=email if isinstance(email, str) else "",
            is_verified=claims.get("email_verified") is True and self.settings.email_claim == "email",
            name=named[0] or named[1],
            groups=frozenset(each for each in groups if isinstance(each, str))
            if isinstance(groups, list)
            else frozenset(),
            after=after,
        )

    async def _ask(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, body: str | None = None
    ) -> dict[str, Any]:
        sent = {"Accept": "application/json", **(headers or {})}
        if body is not None:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            answered = await request(
                self._network, method, url, headers=sent, data=None if body is None else body.encode()
            )
        except NETWORK_ERRORS as error:
            raise self._trouble(f"it cannot be reached: {type(error).__name__}") from None
        found = read_json(answered)
        if answered.status != 200 or not isinstance(found, dict):
            code = found.get("error") if isinstance(found, dict) else None
            code = code if isinstance(code, str) and _CODE.fullmatch(code) else ""
            raise self._trouble(f"it answered {answered.status} {code}".strip())
        return found

    def _trouble(self, why: str) -> Problem:
        """The operator reads why in the log; who signs in cannot do anything about it."""
        log.error("the identity provider cannot be used", issuer=self.settings.issuer, why=why)
        message = _("The sign-in service cannot be used just now. Try again; if it lasts, tell your operator.")
        return Problem(ProblemType.TOO_BUSY, message, retry_after=5)


def _random() -> str:
    return secrets.token_urlsafe(32)


def _again() -> Problem:
    message = _("This sign-in was begun in another browser, or too long ago. Begin again.")
    return Problem(ProblemType.FORBIDDEN, message)


def _derived(key: str) -> bytes:
    derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE)
    return base64.urlsafe_b64encode(derive.derive(base64.urlsafe_b64decode(key)))
