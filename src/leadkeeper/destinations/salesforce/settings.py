"""The settings of a Salesforce connection: Microsoft's one, and what the REST API needs besides."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator

from leadkeeper.destinations.interface import DatedConfig
from leadkeeper.destinations.mapping import FieldMapping, FieldNames
from leadkeeper.json_types import WHOLE
from leadkeeper.texts import join_lazily, lazy_gettext

WEB_TO_LEAD_HOST: Final = "webto.salesforce.com"
DAILY_LIMIT: Final = 500
"""How many leads Web-to-Lead takes in any 24 hours, unless Salesforce raised it for an organization."""

API_VERSION: Final = "v62.0"
EARLIEST_VERSION: Final = "v46.0"
"""Before it Salesforce cannot upsert collections, and answers for them differ."""

_VERSION: Final = re.compile(r"^v(4[6-9]|[5-9][0-9])\.0$")

_SUFFIX: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_WHERE: Final = lazy_gettext(
    "You find it in Salesforce under Setup, Company Information, 'Salesforce.com Organization ID', or as the value of "
    "oid in the HTML that Setup, Web-to-Lead makes."
)
_MY_DOMAIN: Final = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]+)?\.my\.salesforce\.(com|mil)")
"""An organization's own host; in the middle stands the kind of one that is not in production, such as ``sandbox``."""
_SHARED_HOSTS: Final = frozenset({WEB_TO_LEAD_HOST, "test.salesforce.com"})
_CUSTOM: Final = re.compile(r"[A-Za-z]\w{0,78}__c", re.ASCII)
_FIELD_ID: Final = re.compile(r"00N[A-Za-z0-9]{12}")

_WEB_RESERVED: Final = frozenset(
    {"oid", "encoding", "retURL", "debug", "debugEmail", "captcha_settings", "g-recaptcha-response"}
)
_REST_RESERVED: Final = frozenset({"id", "attributes"})


def suffix(identifier: str) -> str:
    """The three characters that make an 18-character id of one with 15: which of its letters are capitals."""
    chunks = (identifier[start : start + 5] for start in (0, 5, 10))
    return "".join(_SUFFIX[sum(1 << n for n, c in enumerate(chunk) if "A" <= c <= "Z")] for chunk in chunks)


def short_id(text: str, prefix: str, what: str, where: str) -> str:
    """A Salesforce id in its form of 15 characters. Raises ``ValueError`` that says what is wrong with it."""
    text = text.strip()
    if not re.fullmatch(r"[A-Za-z0-9]{15}([A-Za-z0-9]{3})?", text):
        raise ValueError(
            lazy_gettext(
                "%(what)s begins with %(prefix)s and has 15 or 18 letters and digits. %(where)s",
                what=what,
                prefix=prefix,
                where=where,
            )
        )
    if not text.startswith(prefix):
        raise ValueError(
            lazy_gettext("%(what)s begins with %(prefix)s. %(where)s", what=what, prefix=prefix, where=where)
        )
    if len(text) == 18 and text[15:].upper() != suffix(text[:15]):
        raise ValueError(
            lazy_gettext(
                "The last three characters do not fit the rest: a character is wrong, or its case. %(where)s",
                where=where,
            )
        )
    return text[:15]


class SalesforceConfig(DatedConfig):
    """Microsoft's ``salesforceLeadConfiguration``, and the REST API's credentials where confirmed leads are wanted."""

    object_identifier: str = Field(
        title=lazy_gettext("Object identifier"),
        description=join_lazily(
            (lazy_gettext("The organization's ID: 15 characters (or 18) beginning with 00D."), _WHERE)
        ),
    )
    web_to_lead_host: str = Field(
        default=WEB_TO_LEAD_HOST,
        title=lazy_gettext("Web-to-Lead host"),
        description=lazy_gettext(
            "webto.salesforce.com, or the organization's own host, <name>.my.salesforce.com; for a sandbox "
            "its own or test.salesforce.com."
        ),
    )
    web_to_lead_daily_limit: Annotated[int, Field(ge=1, le=1_000_000), WHOLE] = Field(
        default=DAILY_LIMIT,
        title=lazy_gettext("Web-to-Lead's daily limit"),
        description=lazy_gettext(
            "How many leads the organization takes in 24 hours: 500, unless Salesforce raised it."
        ),
    )
    lead_id_field: str | None = Field(
        default=None,
        title=lazy_gettext("Field for the lead's id"),
        description=lazy_gettext(
            "Id of a custom text field of the lead (00N...) that receives our lead id, so that a lead that "
            "came twice can be seen. Without it the id stands at the end of the description, except of a "
            "test lead."
        ),
    )
    fields: Annotated[
        FieldMapping,
        AfterValidator(
            FieldNames(r"[A-Za-z0-9_.\-]{1,80}", lazy_gettext("letters, digits, _ and - as Salesforce has it."))
        ),
    ] = Field(
        default_factory=dict,
        title=lazy_gettext("Fields"),
        description=lazy_gettext(
            "Changes to what is sent: a field of Web-to-Lead (or, with REST credentials, of the API) and "
            "its template, such as Campaign_ID, 00N... or Region__c."
        ),
    )
    my_domain_url: str | None = Field(
        default=None,
        title=lazy_gettext("My Domain URL"),
        description=lazy_gettext(
            "https://<name>.my.salesforce.com, from Setup, My Domain. Leads then go over the REST API."
        ),
    )
    client_id: str | None = Field(
        default=None,
        min_length=1,
        max_length=512,
        title=lazy_gettext("Consumer key"),
        description=lazy_gettext("Of the external client app that may use the client credentials flow."),
    )
    client_secret: SecretStr | None = Field(
        default=None,
        title=lazy_gettext("Consumer secret"),
        description=lazy_gettext("The consumer secret of the same external client app."),
    )
    external_id_field: str | None = Field(
        default=None,
        title=lazy_gettext("External id field"),
        description=lazy_gettext(
            "API name (ending in __c) of a text field of the lead that is External ID and Unique."
        ),
    )
    api_version: str = Field(
        default=API_VERSION,
        json_schema_extra={"pattern": _VERSION.pattern},
        title=lazy_gettext("API version"),
        description=lazy_gettext(
            "The version of the REST API: %(earliest_version)s or later, such as %(api_version)s.",
            earliest_version=EARLIEST_VERSION,
            api_version=API_VERSION,
        ),
    )
    send_over: Literal["rest", "webToLead"] = Field(
        default="rest",
        title=lazy_gettext("Leads go over"),
        description=lazy_gettext(
            "rest: where the REST API's settings are given, leads go over it; webToLead: they go over Web-to-Lead, and "
            "the REST API only tells whether they arrived."
        ),
    )
    token_endpoint_auth_method: Literal["client_secret_post", "client_secret_basic"] = Field(
        default="client_secret_post",
        title=lazy_gettext("How the consumer secret is sent"),
        description=lazy_gettext(
            "client_secret_post: in the form; client_secret_basic: by HTTP Basic. An endpoint that demands "
            "Basic gets it without this setting."
        ),
    )

    @property
    def rest(self) -> bool:
        """Whether leads go over the REST API rather than Web-to-Lead."""
        return self.my_domain_url is not None and self.send_over == "rest"

    @property
    def confirms(self) -> bool:
        """Whether leads go over Web-to-Lead, and the REST API tells afterwards which of them arrived."""
        return self.my_domain_url is not None and self.send_over == "webToLead"

    @property
    def repeatable(self) -> bool:
        """Twice makes one over the REST API only."""
        return self.rest

    @property
    def domain(self) -> str:
        """The host of My Domain; empty without the REST API."""
        return (self.my_domain_url or "").removeprefix("https://")

    @property
    def host(self) -> str:
        """The host that leads go to."""
        return self.domain if self.rest else self.web_to_lead_host

    @property
    def web_host_is_shared(self) -> bool:
        """Whether Web-to-Lead's host is one that all organizations share: then it exists."""
        return self.web_to_lead_host in _SHARED_HOSTS

    @field_validator("object_identifier")
    @classmethod
    def _organization(cls, value: str) -> str:
        return short_id(value, "00D", lazy_gettext("The object identifier"), _WHERE)

    @field_validator("lead_id_field")
    @classmethod
    def _field_id(cls, value: str | None) -> str | None:
        if value is None or not value.strip():
            return None
        where = lazy_gettext(
            "You find it in the HTML that Setup, Web-to-Lead makes once the field is among its fields."
        )
        return short_id(value, "00N", lazy_gettext("The id of a custom field"), where)

    @field_validator("web_to_lead_host")
    @classmethod
    def _web_host(cls, value: str) -> str:
        host = _bare_host(value)
        if host not in _SHARED_HOSTS and not _MY_DOMAIN.fullmatch(host):
            raise ValueError(
                lazy_gettext(
                    "The host is webto.salesforce.com, test.salesforce.com, or the organization's own "
                    "(<name>.my.salesforce.com, .mil for the military; a sandbox's has .sandbox. in it)."
                )
            )
        return host

    @field_validator("my_domain_url")
    @classmethod
    def _my_domain(cls, value: str | None) -> str | None:
        if value is None or not value.strip():
            return None
        host = _bare_host(value)
        if not _MY_DOMAIN.fullmatch(host):
            raise ValueError(
                lazy_gettext(
                    "The My Domain URL is https://<name>.my.salesforce.com: see Setup, My Domain, 'Current My "
                    "Domain URL' (not the one that ends in lightning.force.com, nor login.salesforce.com)."
                )
            )
        return f"https://{host}"

    @field_validator("api_version")
    @classmethod
    def _recent(cls, value: str) -> str:
        if not _VERSION.fullmatch(value):
            raise ValueError(
                lazy_gettext(
                    "The API version is %(earliest_version)s or later, written so; leave it out for %(api_version)s.",
                    earliest_version=EARLIEST_VERSION,
                    api_version=API_VERSION,
                )
            )
        return value

    @field_validator("external_id_field")
    @classmethod
    def _external_id(cls, value: str | None) -> str | None:
        if value is None or not value.strip():
            return None
        if not _CUSTOM.fullmatch(value.strip()):
            raise ValueError(
                lazy_gettext("The external id field's API name ends in __c, as Setup, Object Manager, Lead shows it.")
            )
        return value.strip()

    @model_validator(mode="after")
    def _whole(self) -> Self:
        needed = {
            "myDomainUrl": self.my_domain_url,
            "clientId": self.client_id,
            "clientSecret": self.client_secret and self.client_secret.get_secret_value(),
        }
        if self.send_over == "rest":
            needed["externalIdField"] = self.external_id_field
        missing = [name for name, value in needed.items() if not value]
        if missing and len(missing) < len(needed):
            raise ValueError(
                lazy_gettext(
                    "The REST API needs all of %(needed)s: missing %(missing)s.",
                    needed=", ".join(needed),
                    missing=", ".join(missing),
                )
            )
        if self.confirms and (self.lead_id_field is None) is not (self.external_id_field is None):
            raise ValueError(
                lazy_gettext(
                    "leadIdField and externalIdField are two names of one field, in the form and in the API: give "
                    "both, or neither."
                )
            )
        self._check_fields()
        return self

    def _check_fields(self) -> None:
        own = self.external_id_field if self.rest else self.lead_id_field
        reserved = _REST_RESERVED if self.rest else _WEB_RESERVED
        for name in self.fields:
            if name == own or name.lower() in {each.lower() for each in reserved}:
                raise ValueError(
                    lazy_gettext("fields: %(name)s is filled in by Leadkeeper and cannot be changed.", name=name)
                )
            if self.rest and _FIELD_ID.match(name):
                raise ValueError(
                    lazy_gettext(
                        "fields: %(name)s is a Web-to-Lead name; the REST API takes API names such as Region__c.",
                        name=name,
                    )
                )


def _bare_host(text: str) -> str:
    return text.strip().lower().removeprefix("https://").rstrip("/")
