"""Which setting usually is wrong when a connection is: the field that its form marks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from leadkeeper.catalogue import kind_of
from leadkeeper.destinations.azure_storage.diagnoses import AzureStorageKind
from leadkeeper.destinations.dynamics.diagnoses import DynamicsKind
from leadkeeper.destinations.https_endpoint.diagnoses import HttpsEndpointKind
from leadkeeper.destinations.hubspot.diagnoses import HubSpotKind
from leadkeeper.destinations.marketo.diagnoses import MarketoKind
from leadkeeper.destinations.salesforce.diagnoses import SalesforceKind
from leadkeeper.diagnosis import AnyKind, Kind
from leadkeeper.mail.diagnoses import MailKind
from leadkeeper.network.entra.diagnoses import EntraKind

_ADDRESS: Final = ("httpsEndpointUrl", "instanceUrl", "myDomainUrl", "storageAccountConnectionString", "serverId")
_SECRET: Final = ("applicationKey", "password", "clientSecret", "storageAccountConnectionString", "httpsEndpointUrl")
_APPLICATION: Final = ("applicationId", "directoryId")
_USER: Final = ("username", "password")
_MAPPED: Final = ("fields",)

_KINDS: Final[Mapping[tuple[str, ...], tuple[AnyKind, ...]]] = {
    _ADDRESS: (
        Kind.ADDRESS_NOT_FOUND,
        Kind.ADDRESS_REFUSED,
        Kind.OWN_ADDRESS,
        Kind.CONNECTION_FAILED,
        Kind.TLS_FAILED,
        Kind.REDIRECTED,
        DynamicsKind.ADDRESS_WRONG,
        EntraKind.RESOURCE_NOT_IN_TENANT,
        SalesforceKind.DOMAIN_NOT_FOUND,
        MarketoKind.SERVER_NOT_FOUND,
        AzureStorageKind.ACCOUNT_NOT_FOUND,
    ),
    _SECRET: (
        Kind.CREDENTIALS_REJECTED,
        EntraKind.CLIENT_SECRET_WRONG,
        EntraKind.CLIENT_SECRET_EXPIRED,
        AzureStorageKind.KEY_REJECTED,
    ),
    ("httpsEndpointUrl",): (
        Kind.ENDPOINT_NOT_FOUND,
        Kind.ENDPOINT_GONE,
        Kind.METHOD_REFUSED,
        HttpsEndpointKind.FLOW_SIGNATURE_REJECTED,
        HttpsEndpointKind.FLOW_NOT_FOUND,
        HttpsEndpointKind.ENDPOINT_LEAD_NOT_FOUND,
    ),
    _APPLICATION: (
        EntraKind.APPLICATION_NOT_FOUND,
        EntraKind.APPLICATION_SINGLE_TENANT,
        EntraKind.APPLICATION_DISABLED,
    ),
    ("directoryId",): (EntraKind.TENANT_NOT_FOUND, EntraKind.TENANT_INVALID, EntraKind.TENANT_IN_ANOTHER_CLOUD),
    _USER: (
        EntraKind.SIGN_IN_REJECTED,
        EntraKind.PASSWORD_EXPIRED,
        EntraKind.ACCOUNT_LOCKED,
        EntraKind.MULTI_FACTOR_REQUIRED,
        EntraKind.DIRECTORY_PASSWORD_EXPIRED,
    ),
    ("publicClientId",): (
        EntraKind.PUBLIC_CLIENT_REFUSED,
        EntraKind.PUBLIC_CLIENT_MISSING,
        EntraKind.PUBLIC_CLIENT_NOT_FOUND,
    ),
    _MAPPED: (
        DynamicsKind.FIELD_NOT_KNOWN,
        DynamicsKind.FIELD_VALUE_WRONG,
        DynamicsKind.PICKLIST_VALUE,
        DynamicsKind.LOOKUP_NOT_FOUND,
        SalesforceKind.FIELD_UNKNOWN,
        MarketoKind.FIELD_UNKNOWN,
        HubSpotKind.PROPERTY_UNUSABLE,
        HubSpotKind.FORM_FIELD_UNKNOWN,
    ),
    ("storageAccountConnectionString", "containerName"): (AzureStorageKind.SETTING_INVALID,),
    ("clientId", "clientSecret"): (
        SalesforceKind.APP_REJECTED,
        SalesforceKind.APP_NOT_ALLOWED,
        MarketoKind.SERVICE_REJECTED,
    ),
    ("externalIdField",): (SalesforceKind.EXTERNAL_ID_UNUSABLE,),
    ("objectIdentifier",): (SalesforceKind.TEST_LEAD_NOT_FOUND, SalesforceKind.FORM_REJECTED),
    ("webToLeadHost",): (SalesforceKind.FORM_NOT_THERE,),
    ("accessToken",): (
        HubSpotKind.TOKEN_REJECTED,
        HubSpotKind.TOKEN_EXPIRED,
        HubSpotKind.SCOPE_MISSING,
        HubSpotKind.CREATOR_GONE,
        HubSpotKind.APP_BLOCKED,
    ),
    ("leads",): (HubSpotKind.LEADS_UNAVAILABLE,),
    ("leadIdProperty",): (HubSpotKind.LEAD_PROPERTY_UNUSABLE,),
    ("portalId", "formGuid", "region"): (HubSpotKind.FORM_NOT_FOUND, HubSpotKind.TEST_LEAD_NOT_FOUND),
    ("munchkinId",): (MarketoKind.ACCOUNT_NOT_FOUND,),
    ("formId",): (MarketoKind.FORM_NOT_FOUND, MarketoKind.TEST_LEAD_NOT_FOUND),
    ("contactEmail",): (
        MailKind.RECIPIENT_REFUSED,
        MailKind.ADDRESS_UNSUPPORTED,
        MailKind.CONTACT_DECLINED,
        MailKind.NOTICE_NOT_FOUND,
    ),
}
_FIELDS: Final = {kind: fields for fields, kinds in _KINDS.items() for kind in kinds}


def marked_fields(kind: str | None) -> tuple[str, ...]:
    """The settings, by JSON name and of any destination, that a diagnosis of this kind usually is about."""
    return _FIELDS.get(kind_of(kind), ()) if kind is not None else ()
