"""Which setting usually is wrong when a connection is: the field that its form marks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from leadkeeper.diagnosis import Kind

_ADDRESS: Final = ("httpsEndpointUrl", "instanceUrl", "myDomainUrl", "storageAccountConnectionString", "serverId")
_SECRET: Final = ("applicationKey", "password", "clientSecret", "storageAccountConnectionString", "httpsEndpointUrl")
_APPLICATION: Final = ("applicationId", "directoryId")
_USER: Final = ("username", "password")
_MAPPED: Final = ("fields",)

_KINDS: Final[Mapping[tuple[str, ...], tuple[Kind, ...]]] = {
    _ADDRESS: (
        Kind.ADDRESS_NOT_FOUND,
        Kind.ADDRESS_REFUSED,
        Kind.OWN_ADDRESS,
        Kind.CONNECTION_FAILED,
        Kind.TLS_FAILED,
        Kind.REDIRECTED,
        Kind.DYNAMICS_ADDRESS_WRONG,
        Kind.RESOURCE_NOT_IN_TENANT,
        Kind.SALESFORCE_DOMAIN_NOT_FOUND,
        Kind.MARKETO_SERVER_NOT_FOUND,
        Kind.STORAGE_ACCOUNT_NOT_FOUND,
    ),
    _SECRET: (
        Kind.CREDENTIALS_REJECTED,
        Kind.CLIENT_SECRET_WRONG,
        Kind.CLIENT_SECRET_EXPIRED,
        Kind.STORAGE_KEY_REJECTED,
    ),
    ("httpsEndpointUrl",): (
        Kind.ENDPOINT_NOT_FOUND,
        Kind.ENDPOINT_GONE,
        Kind.METHOD_REFUSED,
        Kind.FLOW_SIGNATURE_REJECTED,
        Kind.FLOW_NOT_FOUND,
        Kind.ENDPOINT_LEAD_NOT_FOUND,
    ),
    _APPLICATION: (Kind.APPLICATION_NOT_FOUND, Kind.APPLICATION_SINGLE_TENANT, Kind.APPLICATION_DISABLED),
    ("directoryId",): (Kind.TENANT_NOT_FOUND, Kind.TENANT_INVALID, Kind.TENANT_IN_ANOTHER_CLOUD),
    _USER: (
        Kind.SIGN_IN_REJECTED,
        Kind.PASSWORD_EXPIRED,
        Kind.ACCOUNT_LOCKED,
        Kind.MULTI_FACTOR_REQUIRED,
        Kind.DIRECTORY_PASSWORD_EXPIRED,
    ),
    ("publicClientId",): (Kind.PUBLIC_CLIENT_REFUSED, Kind.PUBLIC_CLIENT_MISSING, Kind.PUBLIC_CLIENT_NOT_FOUND),
    _MAPPED: (
        Kind.FIELD_NOT_KNOWN,
        Kind.FIELD_VALUE_WRONG,
        Kind.PICKLIST_VALUE,
        Kind.LOOKUP_NOT_FOUND,
        Kind.SALESFORCE_FIELD_UNKNOWN,
        Kind.MARKETO_FIELD_UNKNOWN,
        Kind.HUBSPOT_PROPERTY_UNUSABLE,
        Kind.HUBSPOT_FORM_FIELD_UNKNOWN,
    ),
    ("storageAccountConnectionString", "containerName"): (Kind.STORAGE_SETTING_INVALID,),
    ("clientId", "clientSecret"): (
        Kind.SALESFORCE_APP_REJECTED,
        Kind.SALESFORCE_APP_NOT_ALLOWED,
        Kind.MARKETO_SERVICE_REJECTED,
    ),
    ("externalIdField",): (Kind.SALESFORCE_EXTERNAL_ID_UNUSABLE,),
    ("objectIdentifier",): (Kind.SALESFORCE_TEST_LEAD_NOT_FOUND, Kind.SALESFORCE_FORM_REJECTED),
    ("webToLeadHost",): (Kind.SALESFORCE_FORM_NOT_THERE,),
    ("accessToken",): (
        Kind.HUBSPOT_TOKEN_REJECTED,
        Kind.HUBSPOT_TOKEN_EXPIRED,
        Kind.HUBSPOT_SCOPE_MISSING,
        Kind.HUBSPOT_CREATOR_GONE,
        Kind.HUBSPOT_APP_BLOCKED,
    ),
    ("leads",): (Kind.HUBSPOT_LEADS_UNAVAILABLE,),
    ("leadIdProperty",): (Kind.HUBSPOT_LEAD_PROPERTY_UNUSABLE,),
    ("portalId", "formGuid", "region"): (Kind.HUBSPOT_FORM_NOT_FOUND, Kind.HUBSPOT_TEST_LEAD_NOT_FOUND),
    ("munchkinId",): (Kind.MARKETO_ACCOUNT_NOT_FOUND,),
    ("formId",): (Kind.MARKETO_FORM_NOT_FOUND, Kind.MARKETO_TEST_LEAD_NOT_FOUND),
    ("contactEmail",): (
        Kind.MAIL_RECIPIENT_REFUSED,
        Kind.MAIL_ADDRESS_UNSUPPORTED,
        Kind.MAIL_CONTACT_DECLINED,
        Kind.MAIL_NOTICE_NOT_FOUND,
    ),
}
_FIELDS: Final = {kind: fields for fields, kinds in _KINDS.items() for kind in kinds}


def marked_fields(kind: str | None) -> tuple[str, ...]:
    """The settings, by JSON name and of any destination, that a diagnosis of this kind usually is about."""
    return _FIELDS.get(Kind(kind), ()) if kind is not None else ()
