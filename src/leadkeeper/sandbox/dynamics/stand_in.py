"""Dynamics 365: the Dataverse Web API v9.2 for leads, as strict as the real one.

Who asks must bring a token that the stand-in for Entra issued, for this environment, not expired; must be a member
with a role that holds the privilege; must send the OData headers, and only columns that exist with values that fit.
See ``dynamics_errors`` for every answer and every state, ``dynamics_organization`` for what can be set up.
"""

from __future__ import annotations

import asyncio
import re
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from leadkeeper.sandbox.dynamics import (
    bulk as dynamics_bulk,
)
from leadkeeper.sandbox.dynamics import by_hand, errors
from leadkeeper.sandbox.dynamics import (
    changes as dynamics_changes,
)
from leadkeeper.sandbox.dynamics import (
    metadata as dynamics_metadata,
)
from leadkeeper.sandbox.dynamics import (
    parts as dynamics_parts,
)
from leadkeeper.sandbox.dynamics.batch import batch
from leadkeeper.sandbox.dynamics.caller import JSON_HEADERS, Caller
from leadkeeper.sandbox.dynamics.errors import STATES, DataverseError, Refused
from leadkeeper.sandbox.dynamics.leads import Leads
from leadkeeper.sandbox.dynamics.organization import Member, Organization, privilege_id
from leadkeeper.sandbox.entra.directory import APPLICATION, TENANT, USER, Directory
from leadkeeper.sandbox.faults import FOREVER
from leadkeeper.sandbox.stand_in import OK, Answer, Clock, Request
from leadkeeper.sandbox.tokens import Bearer, Tokens

HOSTS: Final = ("org.crm4.dynamics.com", "contoso.crm4.dynamics.com")
"""The environments that every sandbox has from the start; the tenant's application and user are members."""
RETRY_AFTER: Final = 5
VERSION: Final = "9.2.25061.00170"

_HOST: Final = re.compile(r"(?P<name>[a-z0-9-]+)\.(?:api\.)?(?P<region>crm\d*)\.dynamics\.com")
_API: Final = "/api/data/"
_VERSION: Final = re.compile(r"v9\.[0-2]")
_LEADS: Final = re.compile(r"leads(?:\((?P<key>.*)\))?/?")
_PRIVILEGES: Final = re.compile(
    r"systemusers\((?P<user>[^)]*)\)/Microsoft\.Dynamics\.CRM\.RetrieveUserPrivilege"
    r"(?:s(?:\(\))?|ByPrivilegeName\(PrivilegeName='(?P<name>\w+)'\))"
)
_ALIAS: Final = re.compile(r"@\w+")
_MEMBERSHIP: Final = ("notMember", "noRoles", "noRoles401", "noLicence", "userDisabled", "adminOnly", "tenantForbidden")
_BUSY: Final = ("throttledRequests", "throttledTime", "throttledConcurrent", "serviceBusy", "serviceThrottled")
_GATEWAY: Final = (
    "<html><head><title>503 Service Temporarily Unavailable</title></head>"
    "<body><center><h1>503 Service Temporarily Unavailable</h1></center></body></html>"
)
_SIGN_IN: Final = "<!DOCTYPE html><html><head><title>Sign in to your account</title></head><body>Sign in</body></html>"


class Dynamics:
    """The stand-in. ``organizations`` are by host; ``retry_after`` is what a throttling state says.

    ``answers`` counts what was said: ``"POST 204"``, ``"PATCH 412 0x80060892"``.
    """

    name: Final = "dynamics"
    hosts: Final = ("*.dynamics.com",)
    states: Final[Mapping[str, str]] = {OK: "as it should be"} | {key: each.about for key, each in STATES.items()}

    def __init__(self, clock: Clock, tokens: Tokens, directory: Directory) -> None:
        self.organizations: dict[str, Organization] = {}
        self.retry_after = RETRY_AFTER
        self.answers: Counter[str] = Counter()
        self._state = OK
        self._clock = clock
        self._tokens = tokens
        self._directory = directory
        for host in HOSTS:
            members = self.add_organization(host, TENANT).members
            members.update({APPLICATION: Member(), USER: Member()})

    def add_organization(self, host: str, tenant: str) -> Organization:
        """A new environment without members, known to the tenant as a resource under both of its names."""
        organization = Organization(host, tenant, self._clock)
        self.organizations[host] = organization
        self._directory.tenants[tenant].resources |= {f"https://{host}", f"https://{_api_host(host)}"}
        return organization

    @property
    def state(self) -> str:
        return self._state

    def choose(self, state: str) -> None:
        """Be in ``state``, in every environment."""
        self._state = state

    def reset(self) -> None:
        """Behave again, without leads; environments, members, columns and limits stay."""
        self._state = OK
        self.answers.clear()
        for organization in self.organizations.values():
            organization.forget()

    def received(self) -> Sequence[Mapping[str, object]]:
        """Every lead once: its environment, how often it was written, and its columns that hold something."""
        return [
            {"environment": organization.host, "writes": lead.writes}
            | {name: value for name, value in lead.values.items() if value is not None}
            for organization in self.organizations.values()
            for lead in organization.leads.values()
        ]

    def by_hand(self, asked: Mapping[str, object]) -> Mapping[str, object]:
        """What a person does, by :mod:`.by_hand`; raises :class:`ValueError` when it cannot be done."""
        return by_hand.act(self.organizations, asked)

    async def handle(self, request: Request) -> Answer:
        """Answer a call of the Web API; a host that is no environment never answers."""
        organization = self.organizations.get(_organization_host(request.host))
        if organization is None or self._state == "noAnswer":
            await asyncio.sleep(FOREVER)
        if organization is None or self._state == "gateway":
            return Answer.html(503, _GATEWAY)
        if self._state == "signInPage" or not request.path.startswith("/api/"):
            return Answer.html(200, _SIGN_IN)
        try:
            answer = await self._answer(organization, request)
        except Refused as refusal:
            annotated = "odata.include-annotations" in request.headers.get("prefer", "")
            answer = refusal.answer(annotated=annotated)
            self.answers[f"{request.method} {answer.status} {refusal.error.code}".strip()] += 1
        else:
            self.answers[f"{request.method} {answer.status}"] += 1
        ids = {"x-ms-service-request-id": str(uuid.uuid4()), "REQ_ID": str(uuid.uuid4())}
        return answer.with_headers(ids | {"Set-Cookie": "ARRAffinity=sandbox; path=/; secure; HttpOnly"})

    async def _answer(self, organization: Organization, request: Request) -> Answer:
        bearer = self._bearer(organization, request)
        if bearer is None:
            return _unauthorized(organization)
        if not request.path.startswith(_API):
            raise Refused(errors.NOT_BUILT, what=f"the API {request.path.split('/')[2]}")
        version, _, path = request.path.removeprefix(_API).partition("/")
        if not _VERSION.fullmatch(version):
            raise Refused(errors.NO_SEGMENT, name=version)
        member = self._member(organization, bearer)
        if self._state in _BUSY:
            raise Refused(_error(self._state), self.retry_after, limit=_limit(organization, self._state), window=300)
        async with organization.window(member).entered(organization.limits, organization.work_seconds) as rates:
            caller = Caller(organization, member, self._state, f"https://{request.host}{_API}{version}/")
            if path == "$batch":
                return batch(request, organization, lambda part: _part(part, caller)).with_headers(rates)
            _check_headers(request)
            return _routed(path, caller, request).with_headers(rates)

    def _bearer(self, organization: Organization, request: Request) -> Bearer | None:
        """The token, if it is good here: issued by our Entra, for this environment, in this tenant, in its time."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        bearer = self._tokens.read(token.strip()) if scheme.lower() == "bearer" else None
        audiences = {f"https://{organization.host}", f"https://{_api_host(organization.host)}"}
        if bearer is None or self._tokens.expired(bearer):
            return None
        return bearer if bearer.audience.rstrip("/") in audiences and bearer.tenant == organization.tenant else None

    def _member(self, organization: Organization, bearer: Bearer) -> Member:
        """Who it is; raises :class:`Refused` for whom the environment does not let in."""
        member = organization.members.get(bearer.user or bearer.client)
        if member is None:
            raise Refused(errors.NOT_MEMBER)
        if self._state in _MEMBERSHIP and (self._state != "noLicence" or bearer.user is not None):
            raise Refused(_error(self._state), user=member.id)
        if member.disabled:
            raise Refused(errors.DISABLED, user=member.id)
        if bearer.user is not None and not member.licensed:
            raise Refused(errors.NO_LICENCE)
        if member.roles == 0:
            raise Refused(errors.NO_ROLES, user=member.id)
        return member


def _part(request: Request, caller: Caller) -> Answer:
    """The answer to one request of a batch."""
    annotated = "odata.include-annotations" in request.headers.get("prefer", "")
    try:
        _check_headers(request)
        path = request.path.removeprefix(caller.base.removeprefix(f"https://{request.host}"))
        return _routed(path, caller, request)
    except Refused as refusal:
        return refusal.answer(annotated=annotated)


def _routed(path: str, caller: Caller, request: Request) -> Answer:
    if path == "leads/$count" and request.method == "GET":
        return Leads(caller, request).count()
    if found := dynamics_parts.PATH.fullmatch(path):
        return dynamics_parts.part(found, caller, request)
    if found := _LEADS.fullmatch(path):
        return Leads(caller, request).answer(found["key"])
    if found := dynamics_bulk.PATH.fullmatch(path):
        return dynamics_bulk.multiple(found["action"], caller, request)
    if path == "BulkDelete":
        return dynamics_bulk.bulk_delete(caller, request)
    if path.startswith(dynamics_metadata.SERVICES):
        return dynamics_metadata.metadata(path, caller, request)
    if path.startswith(dynamics_changes.PATH):
        return dynamics_changes.changes(path, caller, request)
    return _function(_inserted(path, request), caller, request)


def _inserted(path: str, request: Request) -> str:
    """The path with the parameters of a function in the places that their aliases (``@p1``) hold."""
    return _ALIAS.sub(lambda alias: request.query.get(alias[0], alias[0]), path)


def _function(path: str, caller: Caller, request: Request) -> Answer:
    own = _PRIVILEGES.fullmatch(path)
    if own or path in {"WhoAmI", "WhoAmI()"}:
        if request.method != "GET":
            raise Refused(errors.NO_METHOD, method=request.method)
        return _privileges(caller, own["user"], own["name"]) if own else _who_am_i(caller)
    if path == "$metadata":
        raise Refused(errors.NOT_BUILT, what="the service's CSDL document")
    if path in {"RetrieveVersion", "RetrieveVersion()"} and request.method == "GET":
        context = f"{caller.base}$metadata#Microsoft.Dynamics.CRM.RetrieveVersionResponse"
        return Answer.json(200, {"@odata.context": context, "Version": VERSION}, JSON_HEADERS)
    raise Refused(errors.NO_SEGMENT, name=path.partition("(")[0].partition("/")[0])


def _who_am_i(caller: Caller) -> Answer:
    return Answer.json(
        200,
        {
            "@odata.context": f"{caller.base}$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse",
            "BusinessUnitId": caller.organization.unit,
            "UserId": caller.member.id,
            "OrganizationId": caller.organization.id,
        },
        JSON_HEADERS,
    )


def _privileges(caller: Caller, user: str, wanted: str | None) -> Answer:
    """What the caller may do, or that of the ``wanted`` name; of others it is not said."""
    if user.lower() != caller.member.id:
        raise Refused(errors.NO_RECORD, entity="systemuser", id=user)
    shown = [
        {
            "Depth": "Global",
            "PrivilegeId": privilege_id(name),
            "BusinessUnitId": caller.organization.unit,
            "PrivilegeName": name,
        }
        for name in sorted(caller.privileges)
        if wanted in (None, name)
    ]
    function = "RetrieveUserPrivileges" if wanted is None else "RetrieveUserPrivilegeByPrivilegeName"
    context = f"{caller.base}$metadata#Microsoft.Dynamics.CRM.{function}Response"
    return Answer.json(200, {"@odata.context": context, "RolePrivileges": shown}, JSON_HEADERS)


def _check_headers(request: Request) -> None:
    """What a call must not say otherwise (it may leave it out), and the media type of a body."""
    accepted = request.headers.get("accept", "*/*").lower()
    wanted = (
        "application/json",
        "application/*",
        "*/*",
        *(("application/xml",) if request.path.endswith("$metadata") else ()),
    )
    if not any(each in accepted for each in wanted):
        raise Refused(errors.NOT_ACCEPTED)
    if request.headers.get("odata-version", "4.0") != "4.0":
        raise Refused(errors.NO_VERSION, name="OData-Version")
    if request.headers.get("odata-maxversion", "4.0") != "4.0":
        raise Refused(errors.NO_VERSION, name="OData-MaxVersion")
    if (request.body or request.method in {"POST", "PATCH"}) and request.content_type != "application/json":
        raise Refused(errors.NO_MEDIA)


def _unauthorized(organization: Organization) -> Answer:
    challenge = (
        f"Bearer authorization_uri=https://login.microsoftonline.com/{organization.tenant}/oauth2/authorize, "
        f"resource_id=https://{organization.host}/"
    )
    text = "HTTP Error 401 - Unauthorized: Access is denied"
    return Answer.text(401, text, {"WWW-Authenticate": challenge})


def _error(state: str) -> DataverseError:
    error = STATES[state].error
    assert error is not None
    return error


def _limit(organization: Organization, state: str) -> str:
    limits = organization.limits
    if state == "throttledTime":
        return f"{limits.seconds_worked * 1000:,.0f}"
    return str(limits.concurrent if state == "throttledConcurrent" else limits.requests)


def _organization_host(host: str) -> str:
    found = _HOST.fullmatch(host)
    return f"{found['name']}.{found['region']}.dynamics.com" if found else host


def _api_host(host: str) -> str:
    name, _, rest = host.partition(".")
    return f"{name}.api.{rest}"
