"""The settings of a HubSpot connection: a token for the REST API, or a form's two ids."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator

from leadkeeper.destinations.interface import DatedConfig
from leadkeeper.destinations.mapping import FieldMapping, FieldNames
from leadkeeper.texts import join_lazily, lazy_gettext

API_HOST: Final = "api.hubapi.com"
FORM_HOSTS: Final = {"na1": "api.hsforms.com", "eu1": "api-eu1.hsforms.com"}
ID_PROPERTY: Final = "marketplace_lead_id"
"""The usual name of the property of leads that holds our ids."""

_NAME: Final = r"[a-z][a-z0-9_]{0,99}"
_RULE: Final = lazy_gettext("small letters, digits and _ beginning with a letter: the internal name, not the label.")
_PORTAL: Final = re.compile(r"[1-9][0-9]{0,11}")
_GUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TOKEN: Final = re.compile(r"[!-~]{8,512}")
_EMBED: Final = lazy_gettext(
    "The form's embed code has it (Marketing, Forms, the form, 'Embed' or 'Share', 'Embed code')."
)


def _name(text: str) -> str:
    if re.fullmatch(_NAME, text) is None:
        raise ValueError(_RULE)
    return text


ContactFields = Annotated[
    FieldMapping, AfterValidator(FieldNames(_NAME, _RULE, frozenset({"email", "hs_object_id", "hs_additional_emails"})))
]
LeadFields = Annotated[FieldMapping, AfterValidator(FieldNames(_NAME, _RULE, frozenset({"hs_object_id"})))]


class HubSpotConfig(DatedConfig):
    """``hubSpotLeadConfiguration``: either ``accessToken``, or ``portalId`` and ``formGuid``."""

    access_token: SecretStr | None = Field(
        default=None,
        title=lazy_gettext("Access token"),
        description=lazy_gettext(
            "Of a private app or a service key, with the scopes crm.objects.contacts.read and .write, and "
            "crm.objects.leads.read and .write for leads. Leads then go over the REST API, and each is "
            "confirmed."
        ),
    )
    leads: Literal["whereAvailable", "always", "never"] = Field(
        default="whereAvailable",
        title=lazy_gettext("HubSpot leads"),
        description=lazy_gettext(
            "whereAvailable: a lead tied to the contact is made where the account has leads and the token "
            "may read them; always: it is an error when it is not so; never: contacts only."
        ),
    )
    lead_id_property: Annotated[str, AfterValidator(_name)] = Field(
        default=ID_PROPERTY,
        json_schema_extra={"pattern": rf"^{_NAME}$"},
        title=lazy_gettext("Lead id property"),
        description=lazy_gettext(
            "The internal name of a property of leads (single-line text, unique values) that holds our id, "
            "so that no lead is there twice. Settings, Data Management, Properties, Lead properties."
        ),
    )
    fields: ContactFields = Field(
        default_factory=dict,
        title=lazy_gettext("Contact properties"),
        description=lazy_gettext(
            "Changes to what is sent: the internal name of a property of contacts, and its template."
        ),
    )
    lead_fields: LeadFields = Field(
        default_factory=dict,
        title=lazy_gettext("Lead properties"),
        description=lazy_gettext("The same for leads, such as hs_lead_label or hubspot_owner_id."),
    )
    portal_id: str | None = Field(
        default=None,
        title=lazy_gettext("Portal id"),
        description=join_lazily((lazy_gettext("The account's number, where leads go through a form."), _EMBED)),
    )
    form_guid: str | None = Field(
        default=None,
        title=lazy_gettext("Form id"),
        description=join_lazily((lazy_gettext("The form's GUID, where leads go through a form."), _EMBED)),
    )
    region: Literal["na1", "eu1"] = Field(
        default="na1",
        title=lazy_gettext("Region"),
        description=join_lazily(
            (lazy_gettext("Where the account's data is, for forms: eu1 in the European Union."), _EMBED)
        ),
    )

    @property
    def rest(self) -> bool:
        """Whether leads go over the REST API rather than a form."""
        return self.access_token is not None

    @property
    def token(self) -> str:
        """The token; empty where leads go through a form."""
        return "" if self.access_token is None else self.access_token.get_secret_value()

    @property
    def repeatable(self) -> bool:
        """Twice makes one over the REST API only: a form counts each post."""
        return self.rest

    @property
    def host(self) -> str:
        """The host that leads go to."""
        return API_HOST if self.rest else FORM_HOSTS[self.region]

    @field_validator("access_token")
    @classmethod
    def _usable(cls, value: SecretStr | None) -> SecretStr | None:
        text = "" if value is None else value.get_secret_value().strip()
        if not text:
            return None
        if not _TOKEN.fullmatch(text):
            raise ValueError(
                lazy_gettext("A token has no spaces and 8 characters at least; copy it whole, without 'Bearer'.")
            )
        return SecretStr(text)

    @field_validator("portal_id", mode="before")
    @classmethod
    def _number(cls, value: object) -> str | None:
        if value is None or value == "":
            return None
        text = str(value).strip() if isinstance(value, str | int) else ""
        if not _PORTAL.fullmatch(text):
            raise ValueError(lazy_gettext("The portal id is a number, such as 48123456. %(embed)s", embed=_EMBED))
        return text

    @field_validator("form_guid")
    @classmethod
    def _guid(cls, value: str | None) -> str | None:
        text = (value or "").strip().lower()
        if text and not _GUID.fullmatch(text):
            raise ValueError(
                lazy_gettext("The form's GUID is 32 digits and letters a to f in five groups. %(embed)s", embed=_EMBED)
            )
        return text or None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        form = (self.portal_id is not None, self.form_guid is not None)
        if self.rest and any(form):
            raise ValueError(lazy_gettext("Either accessToken, or portalId and formGuid: leads go one way."))
        if not self.rest and not all(form):
            raise ValueError(lazy_gettext("HubSpot needs accessToken, or else both portalId and formGuid."))
        if self.lead_id_property in self.lead_fields:
            raise ValueError(
                lazy_gettext(
                    "leadFields: %(lead_id_property)s is filled in by Leadkeeper and cannot be changed.",
                    lead_id_property=self.lead_id_property,
                )
            )
        return self
