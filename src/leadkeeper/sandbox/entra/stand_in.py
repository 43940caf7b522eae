"""Microsoft Entra ID's token endpoint: v2.0, v1, and the discovery document, as strict as the real one.

Client credentials and user name with password are known. Checks come in this order: tenant, form, parameters,
application, secret, user, resource, and at last the state chosen. See ``entra_errors`` for every answer,
``entra_directory`` for who is known.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import uuid
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import unquote_plus, urlsplit

from leadkeeper.sandbox.entra.directory import Application, Directory, Tenant
from leadkeeper.sandbox.entra.errors import ERRORS, HEADERS, STATES, EntraError
from leadkeeper.sandbox.stand_in import OK, Answer, Clock, Request
from leadkeeper.sandbox.tokens import Tokens

LIFETIME: Final = 3_599
RETRY_AFTER: Final = 5
KEPT: Final = 10_000
"""Most token requests that are remembered."""

_TOKEN: Final = re.compile(r"/(?P<tenant>[^/]+)/oauth2/(?P<v2>v2\.0/)?token")
_DISCOVERY: Final = re.compile(r"/(?P<tenant>[^/]+)/(?P<v2>v2\.0/)?\.well-known/openid-configuration")
_DOMAIN: Final = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}", re.IGNORECASE)
_REALM: Final = re.compile(r"/common/userrealm/(?P<user>[^/]+)", re.IGNORECASE)
_HOST: Final = "login.microsoftonline.com"
_SHARED: Final = frozenset({"common", "organizations", "consumers"})
_USUAL_SCOPES: Final = frozenset({"openid", "offline_access", "profile", "email"})


class _Refused(Exception):
    def __init__(self, error: EntraError, **names: str) -> None:
        super().__init__(error.code)
        self.error = error
        self.names = names


@dataclass(frozen=True, slots=True)
class _Asked:
    """A token request in order: which resource (as the token's audience), for whom, and in which words."""

    tenant: Tenant
    client: str
    user: str | None
    audience: str
    scope: str
    v2: bool


class Entra:
    """The stand-in. ``lifetime`` is how long new tokens live, ``retry_after`` what a throttled caller is told.

    ``status`` is the HTTP status that the state's error comes with, None for its own.
    """

    name: Final = "entra"
    hosts: Final = ("login.microsoftonline.com",)
    states: Final[Mapping[str, str]] = {OK: "as it should be"} | {key: each.about for key, each in STATES.items()}

    def __init__(self, clock: Clock, tokens: Tokens, directory: Directory | None = None) -> None:
        self.directory = directory or Directory()
        self.lifetime = LIFETIME
        self.retry_after = RETRY_AFTER
        self.status: int | None = None
        self._state = OK
        self._clock = clock
        self._tokens = tokens
        self._refresh_tokens: dict[str, tuple[str, str, str]] = {}
        self._received: deque[dict[str, object]] = deque(maxlen=KEPT)

    @property
    def state(self) -> str:
        return self._state

    def choose(self, state: str) -> None:
        """Be in ``state``; those of one grant leave the other as it is."""
        self._state = state

    def reset(self) -> None:
        """Behave again and forget what was asked; the directory stays."""
        self._state, self.status = OK, None
        self._received.clear()

    def received(self) -> Sequence[Mapping[str, object]]:
        """Every token request: when, tenant, grant, application, user, scope, and the answer (``token`` or a code)."""
        return list(self._received)

    async def handle(self, request: Request) -> Answer:
        """Answer a token request or give the discovery document."""
        if request.path == "/common/discovery/instance" and request.method == "GET":
            return self._instance(request)
        if (found := _REALM.fullmatch(request.path)) and request.method == "GET":
            domain = found["user"].partition("@")[2].lower()
            kind = "Managed" if self.directory.find(domain) else "Unknown"
            cloud = {
                "cloud_instance_name": "microsoftonline.com",
                "cloud_audience_urn": "urn:federation:MicrosoftOnline",
            }
            return Answer.json(200, {"ver": "1.0", "account_type": kind, "domain_name": domain} | cloud)
        if found := _TOKEN.fullmatch(request.path):
            return self._token(request, found["tenant"], v2=bool(found["v2"]))
        if (found := _DISCOVERY.fullmatch(request.path)) and request.method == "GET":
            return self._discovery(request, found["tenant"])
        return Answer.html(404, "<html><head><title>Sign in to your account</title></head><body></body></html>")

    def _token(self, request: Request, tenant: str, *, v2: bool) -> Answer:
        form = request.form() if request.content_type == "application/x-www-form-urlencoded" else {}
        basic = _basic(request.headers.get("authorization", ""))
        form = form | basic
        note: dict[str, object] = {
            "at": self._clock.moment().isoformat(timespec="milliseconds"),
            "tenant": tenant,
            "grant": form.get("grant_type", ""),
            "application": form.get("client_id", ""),
            "user": form.get("username", ""),
            "scope": form.get("scope", form.get("resource", "")),
        }
        self._received.append(note)
        try:
            asked = self._checked(request, tenant, form, v2=v2)
        except _Refused as refusal:
            note["answer"] = refusal.error.code or refusal.error.status
            names = {"tenant": tenant, "app": form.get("client_id", ""), "resource": _resource(form)} | refusal.names
            headers = {"Retry-After": str(self.retry_after)} if refusal.error.status == 429 else {}
            now, correlation = self._clock.moment(), request.headers.get("client-request-id")
            error = refusal.error
            if basic and error.error == "invalid_client":
                error, headers = replace(error, status=401), headers | {"WWW-Authenticate": "Basic"}
            return error.answer(now, correlation, headers, **names)
        note["answer"] = "token"
        return self._granted(asked)

    def _checked(self, request: Request, identifier: str, form: Mapping[str, str], *, v2: bool) -> _Asked:
        if request.method != "POST":
            raise _Refused(ERRORS[900561], value=request.method)
        tenant = self._tenant(identifier, form)
        for name in ("grant_type", "client_id", *(("scope",) if v2 else ("resource",))):
            if not form.get(name):
                raise _Refused(ERRORS[900144], value=name)
        if v2 and "resource" in form:
            raise _Refused(ERRORS[901002])
        grant = form["grant_type"]
        if grant not in {"client_credentials", "password", "refresh_token"}:
            raise _Refused(ERRORS[70003], value=grant)
        audience = _audience(form["scope"], grant) if v2 else form["resource"]
        application = tenant.applications.get(form["client_id"].lower())
        if application is None:
            raise _Refused(ERRORS[700016])
        self._check_secret(application, form)
        user = self._user(tenant, form) if grant == "password" else None
        if grant == "refresh_token":
            user = self._refreshed(tenant, form)
        if audience.rstrip("/") not in tenant.resources:
            raise _Refused(ERRORS[500011], resource=audience)
        self._check_state(form)
        return _Asked(tenant, form["client_id"].lower(), user, audience, form.get("scope", ""), v2)

    def _check_state(self, form: Mapping[str, str]) -> None:
        chosen = STATES.get(self._state)
        if chosen is None or form["grant_type"] not in chosen.grants:
            return
        if chosen.with_secret is None or chosen.with_secret == bool(form.get("client_secret")):
            status = chosen.error.status if self.status is None else self.status
            raise _Refused(replace(chosen.error, status=status), value=form.get("username", ""))

    def _tenant(self, identifier: str, form: Mapping[str, str]) -> Tenant:
        password = form.get("grant_type") == "password"
        wanted = identifier.lower()
        if wanted == "organizations" and form.get("grant_type") == "refresh_token":
            wanted = self._refresh_tokens.get(form.get("refresh_token", ""), (wanted,))[0]
            if wanted == "organizations":
                raise _Refused(ERRORS[9002313])
        if wanted in _SHARED:
            if not password or wanted != "organizations":
                raise _Refused(ERRORS[9001023 if password else 50059])
            wanted = form.get("username", "").partition("@")[2].lower()
        elif not _is_guid(wanted) and not _DOMAIN.fullmatch(wanted):
            raise _Refused(ERRORS[900023])
        tenant = self.directory.find(wanted)
        if tenant is None:
            raise _Refused(ERRORS[90002], tenant=wanted)
        return tenant

    def _check_secret(self, application: Application, form: Mapping[str, str]) -> None:
        sent = form.get("client_secret")
        if not sent:
            if form["grant_type"] in {"password", "refresh_token"} and application.public:
                return
            raise _Refused(ERRORS[7000218])
        secret = next((each for each in application.secrets if each.value == sent), None)
        if secret is None:
            raise _Refused(ERRORS[7000215])
        if secret.expires_at is not None and self._clock.now() >= secret.expires_at:
            raise _Refused(ERRORS[7000222])

    def _user(self, tenant: Tenant, form: Mapping[str, str]) -> str:
        for name in ("username", "password"):
            if not form.get(name):
                raise _Refused(ERRORS[900144], value=name)
        name = form["username"].lower()
        user = tenant.users.get(name)
        if user is None:
            raise _Refused(ERRORS[50034], value=form["username"])
        if user.password != form["password"]:
            raise _Refused(ERRORS[50126])
        if user.trouble is not None:
            raise _Refused(ERRORS[user.trouble])
        return name

    def _refreshed(self, tenant: Tenant, form: Mapping[str, str]) -> str:
        """The user of a refresh token, which must be of this tenant and this application."""
        if not form.get("refresh_token"):
            raise _Refused(ERRORS[900144], value="refresh_token")
        owner = self._refresh_tokens.get(form["refresh_token"])
        if owner is None or owner[:2] != (tenant.id, form["client_id"].lower()) or owner[2] not in tenant.users:
            raise _Refused(ERRORS[9002313])
        return owner[2]

    def _granted(self, asked: _Asked) -> Answer:
        token = self._tokens.issue(asked.audience, asked.tenant.id, asked.client, asked.user, self.lifetime)
        body: dict[str, object] = {
            "token_type": "Bearer",
            "expires_in": self.lifetime,
            "ext_expires_in": self.lifetime,
            "access_token": token,
        }
        if asked.user is not None:
            # What was asked for by '/.default' is named beside what it came to: libraries find the token again by it.
            every = f"{asked.audience}/.default"
            body["scope"] = " ".join([f"{asked.audience}/user_impersonation", *({every} & {*asked.scope.split()})])
            if "offline_access" in asked.scope.split():
                refresh = f"0.{uuid.uuid4().hex}"
                body["refresh_token"] = refresh
                self._refresh_tokens[refresh] = (asked.tenant.id, asked.client, asked.user)
            if "openid" in asked.scope.split():
                body["id_token"] = self._tokens.identity(asked.tenant.id, asked.client, asked.user, self.lifetime)
            if "offline_access" in asked.scope.split():
                account = {"uid": str(uuid.uuid5(uuid.NAMESPACE_DNS, asked.user)), "utid": asked.tenant.id}
                body["client_info"] = base64.urlsafe_b64encode(json.dumps(account).encode()).rstrip(b"=").decode()
        if not asked.v2:
            now = int(self._clock.now())
            body |= {"expires_in": str(self.lifetime), "ext_expires_in": str(self.lifetime)}
            body |= {"expires_on": str(now + self.lifetime), "not_before": str(now), "resource": asked.audience}
        return Answer.json(200, body, HEADERS | {"x-ms-request-id": str(uuid.uuid4())})

    def _instance(self, request: Request) -> Answer:
        """Which hosts are one cloud, and where the tenant's document is: what libraries ask before a sign-in."""
        sought = urlsplit(request.query.get("authorization_endpoint", ""))
        if sought.scheme != "https" or not sought.netloc:
            now, correlation = self._clock.moment(), request.headers.get("client-request-id")
            return ERRORS[900144].answer(now, correlation, {}, value="authorization_endpoint")
        tenant = sought.path.strip("/").partition("/")[0]
        version = "v2.0/" if "/v2.0/" in sought.path else ""
        document = f"https://{_HOST}/{tenant}/{version}.well-known/openid-configuration"
        cloud = {"preferred_network": _HOST, "preferred_cache": "login.windows.net"}
        metadata = [cloud | {"aliases": [_HOST, "login.windows.net", "login.microsoft.com", "sts.windows.net"]}]
        found = {"tenant_discovery_endpoint": document, "api-version": "1.1", "metadata": metadata}
        return Answer.json(200, found)

    def _discovery(self, request: Request, identifier: str) -> Answer:
        unknown = identifier.lower() not in _SHARED and self.directory.find(identifier) is None
        if unknown or self._state == "tenantMissing":
            error = EntraError(90002, 400, "invalid_tenant", ERRORS[90002].text)
            now, correlation = self._clock.moment(), request.headers.get("client-request-id")
            return error.answer(now, correlation, {}, tenant=identifier)
        base = f"https://login.microsoftonline.com/{identifier}"
        return Answer.json(
            200,
            {
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "issuer": f"{base}/v2.0",
            },
        )


def _audience(scope: str, grant: str) -> str:
    """The resource of a v2 scope: exactly one scope names one."""
    wanted = [each for each in scope.split() if grant == "client_credentials" or each not in _USUAL_SCOPES]
    endings = ("/.default",) if grant == "client_credentials" else ("/.default", "/user_impersonation")
    if len(wanted) != 1 or not urlsplit(wanted[0]).scheme:
        raise _Refused(ERRORS[70011], value=scope)
    for ending in endings:
        if wanted[0].endswith(ending):
            return wanted[0].removesuffix(ending)
    raise _Refused(ERRORS[1002012 if grant == "client_credentials" else 70011], value=scope)


def _basic(header: str) -> dict[str, str]:
    """Application and secret from HTTP Basic, each escaped as in a form; empty without it."""
    scheme, _, packed = header.partition(" ")
    if scheme.lower() != "basic":
        return {}
    try:
        name, _, secret = base64.b64decode(packed, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return {}
    return {"client_id": unquote_plus(name), "client_secret": unquote_plus(secret)}


def _resource(form: Mapping[str, str]) -> str:
    return form.get("resource") or form.get("scope", "").removesuffix("/.default")


def _is_guid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False
