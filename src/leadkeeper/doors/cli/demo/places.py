"""Where a lead goes in the demo: settings as a publisher enters them, a look at the remote system, what breaks it."""

from __future__ import annotations

import base64
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from leadkeeper.destinations.registry import OURS
from leadkeeper.doors.cli.demo import found
from leadkeeper.doors.cli.demo.found import FoundLead
from leadkeeper.doors.cli.demo.stage import Stage
from leadkeeper.doors.cli.demo.storage import CONTAINER, HOST, connection_string, host_name
from leadkeeper.sandbox.azure_storage.azurite import ACCOUNT, KEY
from leadkeeper.sandbox.entra.directory import APPLICATION, SECRET, TENANT, Secret
from leadkeeper.sandbox.entra.stand_in import Entra
from leadkeeper.sandbox.https_endpoint.stand_in import ReceivingEndpoint
from leadkeeper.sandbox.hubspot.stand_in import HubSpot
from leadkeeper.sandbox.marketo.stand_in import Marketo
from leadkeeper.sandbox.salesforce.fields import EXTERNAL_ID
from leadkeeper.sandbox.salesforce.stand_in import Salesforce

INSTANCE: Final = "https://org.crm4.dynamics.com"
CONTACT: Final = "leads@contoso.example"
_OLD_SECRET: Final = "Old8~sandbox.secret-value_9876543210zyxwvuTS"
_WRONG_KEY: Final = base64.b64encode(b"not the key of this account, but as long as it is, so 64 bytes.!").decode()


@dataclass(frozen=True, slots=True)
class Mishap:
    """What goes wrong with a connection: other settings, or a stand-in in another state. ``fixed`` says what helps."""

    what: str
    fixed: str
    settings: Mapping[str, Any] | None = None
    state: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """One connection of an offer. ``look`` reads the leads at the remote system itself, by their ids.

    ``confirms``: the destination says whether it kept a lead; where it does not, Leadkeeper calls it unconfirmed.
    ``once``: a lead must never be there twice; an endpoint may be sent one again, and knows it by its id.
    """

    connection: str
    destination: str
    title: str
    settings: Mapping[str, Any]
    look: Callable[[], Awaitable[Mapping[str, FoundLead]]]
    mishap: Mishap
    confirms: bool = True
    once: bool = True


def every_place(stage: Stage, endpoint: ReceivingEndpoint, secret: str) -> list[Place]:
    """A connection to each kind of destination there is, to Salesforce and Marketo by both of their doors."""
    makers: list[Callable[[], Place]] = [
        lambda: dynamics(stage),
        lambda: salesforce_web(stage),
        lambda: salesforce_rest(stage),
        lambda: hubspot(stage),
        lambda: marketo_form(stage),
        lambda: marketo_rest(stage),
        lambda: table(stage),
        lambda: blob(stage),
        lambda: https_endpoint("https", endpoint, secret),
        lambda: email(stage),
    ]
    return [place for place in (make() for make in makers) if place.destination in OURS.names]


def dynamics(stage: Stage) -> Place:
    """Dynamics 365 with an application of Entra, whose old secret has expired."""
    tenant = stage.sandbox.stand_in(Entra).directory.tenants[TENANT]
    tenant.applications[APPLICATION].secrets.append(Secret(_OLD_SECRET, expires_at=0.0))

    def settings(key: str) -> dict[str, Any]:
        own = {"applicationId": APPLICATION, "applicationKey": key, "directoryId": TENANT}
        return _resource("dynamics", {"instanceUrl": INSTANCE, "authentication": "azureAD", **own})

    async def look() -> Mapping[str, FoundLead]:
        return found.in_dynamics(stage.sandbox.stand_in("dynamics").received())

    mishap = Mishap("its client secret has expired", "a new client secret is entered", settings(_OLD_SECRET))
    return Place("dynamics", "dynamics", "Dynamics 365", settings(SECRET), look, mishap)


def salesforce_web(stage: Stage) -> Place:
    """Salesforce by Web-to-Lead, with the organization's id alone."""
    org = stage.sandbox.stand_in(Salesforce).org

    async def look() -> Mapping[str, FoundLead]:
        return found.by_web_to_lead(stage.sandbox.stand_in(Salesforce).received())

    right = _resource("salesforce", {"objectIdentifier": org.oid})
    wrong = _resource("salesforce", {"objectIdentifier": "00D5e000000Nope"})
    mishap = Mishap("its organization id has a typing error", "the right id is entered", wrong)
    return Place("salesforce-web", "salesforce", "Salesforce, Web-to-Lead", right, look, mishap, confirms=False)


def salesforce_rest(stage: Stage) -> Place:
    """Salesforce over its REST API."""
    org = stage.sandbox.stand_in(Salesforce).org

    async def look() -> Mapping[str, FoundLead]:
        return found.by_rest(stage.sandbox.stand_in(Salesforce).received(), EXTERNAL_ID)

    own = {"clientId": org.client_id, "clientSecret": org.client_secret, "externalIdField": EXTERNAL_ID}
    right = _resource("salesforce", {"objectIdentifier": org.oid, "myDomainUrl": f"https://{org.host}", **own})
    mishap = Mishap("its API is switched off", "the API is switched on", state=("salesforce", "apiDisabled"))
    return Place("salesforce", "salesforce", "Salesforce, REST", right, look, mishap)


def hubspot(stage: Stage) -> Place:
    """HubSpot over its REST API, with a lead tied to a contact."""
    there = stage.sandbox.stand_in(HubSpot)

    async def look() -> Mapping[str, FoundLead]:
        return found.in_hubspot(there.received())

    own = {"accessToken": there.account.token, "leadFields": {"marketplace_note": "{leadSource}"}}
    right = _resource("hubSpot", own)
    mishap = Mishap("its token lost a scope", "the scope is given back", state=("hubspot", "leadWriteScopeMissing"))
    return Place("hubspot", "hubspot", "HubSpot", right, look, mishap)


def marketo_form(stage: Stage) -> Place:
    """Marketo by its web form, with three ids alone."""
    there = stage.sandbox.stand_in(Marketo).subscription

    def settings(form: str) -> dict[str, Any]:
        ids = {"serverId": there.server_id, "munchkinId": there.munchkin_id, "formId": form}
        return _resource("marketo", {**ids, "fields": {"MarketplaceLeadId__c": "{leadId}"}})

    async def look() -> Mapping[str, FoundLead]:
        return found.in_marketo(there)

    mishap = Mishap("its form is a draft again", "a form that is approved is chosen", settings("1181"))
    return Place("marketo-form", "marketo", "Marketo, form", settings("1179"), look, mishap, confirms=False)


def marketo_rest(stage: Stage) -> Place:
    """Another Marketo subscription over the REST API: in one and the same, both doors would lead to one person."""
    there = stage.sandbox.stand_in(Marketo).subscriptions[1]

    async def look() -> Mapping[str, FoundLead]:
        return found.in_marketo(there)

    ids = {"serverId": there.server_id, "munchkinId": there.munchkin_id, "formId": "1179"}
    own = {"clientId": there.client_id, "clientSecret": there.client_secret}
    right = _resource("marketo", {**ids, **own, "fields": {"marketplaceLeadId": "{leadId}"}})
    mishap = Mishap("its API user lost the right", "the right is given back", state=("marketo", "accessDenied"))
    return Place("marketo", "marketo", "Marketo, REST", right, look, mishap)


def table(stage: Stage, connection: str = "table") -> Place:
    """Azure Table under its production host name."""

    def settings(string: str) -> dict[str, Any]:
        return _resource("table", {"storageAccountConnectionString": string})

    async def look() -> Mapping[str, FoundLead]:
        return found.in_table(await stage.storage.rows())

    wrong = settings(connection_string(_WRONG_KEY))
    mishap = Mishap("its account key was rotated", "the new connection string is entered", wrong)
    return Place(connection, "azure_table", "Azure Table", settings(connection_string()), look, mishap)


def blob(stage: Stage) -> Place:
    """Azure Blob under its production host name."""

    def settings(key_or_sas: str) -> dict[str, Any]:
        return _resource("blob", {"storageAccountConnectionString": key_or_sas, "containerName": CONTAINER})

    async def look() -> Mapping[str, FoundLead]:
        return found.in_blobs(await stage.storage.files())

    wrong = settings(_expired_signature())
    mishap = Mishap("its shared access signature has expired", "the connection string is renewed", wrong)
    return Place("blob", "azure_blob", "Azure Blob", settings(connection_string()), look, mishap)


def https_endpoint(connection: str, endpoint: ReceivingEndpoint, secret: str) -> Place:
    """An endpoint over HTTPS that demands signatures."""

    def settings(signing_secret: str) -> dict[str, Any]:
        url = f"https://{HOST}:{endpoint.port}/leads"
        return _resource("httpsEndpoint", {"httpsEndpointUrl": url, "signingSecret": signing_secret})

    async def look() -> Mapping[str, FoundLead]:
        return found.at_endpoint(endpoint.received)

    mishap = Mishap("its signing secret is another", "the right secret is entered", settings(signing_secret()))
    return Place(connection, "https_endpoint", "HTTPS endpoint", settings(secret), look, mishap, once=False)


def email(stage: Stage) -> Place:
    """A notice by mail."""

    async def look() -> Mapping[str, FoundLead]:
        return found.in_mailbox(stage.mail.mails)

    right = _resource("email", {"contactEmail": [CONTACT]})
    mishap = Mishap("the mailbox was closed", "the mailbox is open again", state=("email", "recipientRefused"))
    return Place("email", "email", "E-mail notice", right, look, mishap, confirms=False)


def signing_secret() -> str:
    """A signing secret as Standard Webhooks writes it."""
    return "whsec_" + base64.b64encode(os.urandom(32)).decode()


def _resource(kind: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Microsoft's ``customer-leads`` resource."""
    return {"leadDestination": kind, f"{kind}LeadConfiguration": dict(settings)}


def _expired_signature() -> str:
    """A connection string as the portal's 'Shared access signature' makes it, whose time is over."""
    from azure.storage.blob import AccountSasPermissions, ResourceTypes, generate_account_sas

    allowed = AccountSasPermissions(read=True, write=True, create=True, list=True)
    types = ResourceTypes(service=True, container=True, object=True)
    sas = generate_account_sas(ACCOUNT, KEY, types, allowed, expiry=datetime.now(UTC) - timedelta(days=30))
    return f"BlobEndpoint=https://{host_name('blob')};SharedAccessSignature={sas}"
