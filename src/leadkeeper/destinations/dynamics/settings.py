"""The settings of a Dynamics 365 connection, and the credential that follows from them.

Microsoft's ``dynamicsLeadConfiguration`` (``docs/reference/vendors/marketplace.md#lead-configuration``) without its
flaws: https only, exactly the settings of the chosen authentication.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator

from leadkeeper.destinations.dynamics.sign_in_diagnoses import SIGNED_IN_TO
from leadkeeper.destinations.interface import DatedConfig
from leadkeeper.destinations.mapping import FieldMapping, FieldNames
from leadkeeper.json_types import WHOLE, Flag
from leadkeeper.network.addresses import AddressInvalid, NetworkPolicy, parse_url
from leadkeeper.network.entra.tokens import AUTHORITY, Credential
from leadkeeper.texts import lazy_gettext

AUTHORITIES: Final = {
    ".dynamics.com": AUTHORITY,
    ".dynamics.cn": "https://login.partner.microsoftonline.cn",
    ".microsoftdynamics.us": "https://login.microsoftonline.us",
    ".appsplatform.us": "https://login.microsoftonline.us",
}
"""Where environments live, by the end of their host name, and who signs in to them."""

PUBLIC_CLIENT: Final = UUID("51f81489-12ee-4a9e-aaae-a2591f45987d")
"""The application under which Microsoft's own tools let a user sign in to Dynamics with a password."""

WEB: Final = 8
"""The option ``Web`` of ``leadsourcecode``."""

_MASK: Final = "*********"
_FIELDS: Final = FieldNames(
    r"[A-Za-z][A-Za-z0-9_]{0,99}(@odata\.bind)?",
    lazy_gettext("write a column's logical name such as new_region, or a lookup such as campaignid@odata.bind."),
    frozenset({"leadid"}),
)
_OWN_SETTINGS: Final = {
    "azureAD": ("application_id", "application_key", "directory_id"),
    "office365": ("username", "password"),
}


class DynamicsConfig(DatedConfig):
    """Microsoft's ``dynamicsLeadConfiguration``, and what it lacks."""

    instance_url: str = Field(
        max_length=2_048,
        title=lazy_gettext("Instance URL"),
        description=lazy_gettext(
            "The address of your Dynamics 365 environment, such as https://contoso.crm4.dynamics.com."
        ),
    )
    authentication: Literal["azureAD", "office365"] = Field(
        title=lazy_gettext("Authentication"),
        description=lazy_gettext(
            "azureAD: an application signs in with its secret (advised). office365: a user signs in with a "
            "password: not with multi-factor authentication, and only until the password expires, often "
            "after 90 days."
        ),
    )
    application_id: UUID | None = Field(
        default=None,
        title=lazy_gettext("Application ID"),
        description=lazy_gettext("azureAD: the application (client) ID in Microsoft Entra ID."),
    )
    application_key: SecretStr | None = Field(
        default=None,
        min_length=1,
        max_length=2_048,
        title=lazy_gettext("Application key"),
        description=lazy_gettext("azureAD: the value (not the ID) of a client secret of that application."),
    )
    directory_id: UUID | None = Field(
        default=None,
        title=lazy_gettext("Directory ID"),
        description=lazy_gettext("azureAD: the tenant ID of the directory that owns Dynamics."),
    )
    username: str | None = Field(
        default=None,
        min_length=1,
        max_length=128,
        title=lazy_gettext("User name"),
        description=lazy_gettext("office365: a user of Dynamics with a licence, without multi-factor authentication."),
    )
    password: SecretStr | None = Field(
        default=None,
        min_length=1,
        max_length=256,
        title=lazy_gettext("Password"),
        description=lazy_gettext(
            "office365: that user's password. Enter the new one whenever it changes, usually every 90 days."
        ),
    )
    public_client_id: UUID | None = Field(
        default=None,
        title=lazy_gettext("Public client ID"),
        description=lazy_gettext(
            "office365: an application of your own that allows public client flows, in place of Microsoft's."
        ),
    )
    lead_source_code: Annotated[int, Field(ge=0, le=2_147_483_647), WHOLE] = Field(
        default=WEB,
        title=lazy_gettext("Lead source code"),
        description=lazy_gettext(
            "The option of leadsourcecode that leads get: 8 is Web. To leave it out, map it to null in fields."
        ),
    )
    duplicate_detection: Flag = Field(
        default=False,
        title=lazy_gettext("Duplicate detection"),
        description=lazy_gettext("Whether your own duplicate detection rules may refuse a lead. It is then set aside."),
    )
    fields: Annotated[FieldMapping, AfterValidator(_FIELDS)] = Field(
        default_factory=dict,
        title=lazy_gettext("Fields"),
        description=lazy_gettext(
            "What columns of the lead get, in place of or besides the defaults: text with placeholders such "
            "as {campaign}, a number, true, false; null takes a default away."
        ),
    )

    @property
    def host(self) -> str:
        """The environment's host."""
        return parse_url(self.instance_url).raw_host or ""

    @field_validator("instance_url")
    @classmethod
    def _origin(cls, value: str) -> str:
        try:
            url = parse_url(value.strip())
        except AddressInvalid as error:
            raise ValueError(*error.args) from None
        if url.scheme != "https":
            raise ValueError(lazy_gettext("The address must begin with https://."))
        host, port = url.raw_host or "", url.explicit_port
        if host.endswith(tuple(AUTHORITIES)):
            host = host.replace(".api.", ".", 1)
        shown = f"[{host}]" if ":" in host else host
        return f"https://{shown}" if port in (None, 443) else f"https://{shown}:{port}"

    @field_validator("application_key", "password")
    @classmethod
    def _secret(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and value.get_secret_value() == _MASK:
            raise ValueError(lazy_gettext("%(mask)s stands for a stored secret; send the secret itself.", mask=_MASK))
        return value

    @model_validator(mode="after")
    def _belongs_to_authentication(self) -> Self:
        own = _OWN_SETTINGS[self.authentication]
        missing = [name for name in own if getattr(self, name) is None]
        if missing:
            raise ValueError(
                lazy_gettext(
                    "authentication %(authentication)s needs %(missing)s.",
                    authentication=self.authentication,
                    missing=_named(missing),
                )
            )
        foreign = [name for names in _OWN_SETTINGS.values() for name in names if name not in own]
        if self.authentication == "azureAD":
            foreign.append("public_client_id")
        stray = [name for name in foreign if getattr(self, name) is not None]
        if stray:
            raise ValueError(
                lazy_gettext(
                    "%(stray)s does not belong to authentication %(authentication)s; leave it out.",
                    stray=_named(stray),
                    authentication=self.authentication,
                )
            )
        return self


def _named(names: Sequence[str]) -> str:
    return ", ".join(DynamicsConfig.model_fields[name].alias or name for name in names)


def is_instance_permitted(host: str, policy: NetworkPolicy) -> bool:
    """Whether credentials may be sent to ``host``: it is one of Microsoft's, or the operator named it."""
    return host.endswith(tuple(AUTHORITIES)) or policy.target(host) is not None


def credential_of(config: DynamicsConfig) -> Credential:
    """Who signs in to the environment, where, and as what."""
    resource = config.instance_url
    authority = next((a for end, a in AUTHORITIES.items() if config.host.endswith(end)), AUTHORITY)
    if config.authentication == "office365":
        return Credential(
            tenant="organizations",
            client=str(config.public_client_id or PUBLIC_CLIENT),
            resource=resource,
            system=SIGNED_IN_TO,
            username=(config.username or "").strip(),
            password=_plain(config.password),
            authority=authority,
            own_client=config.public_client_id is not None,
        )
    return Credential(
        tenant=str(config.directory_id),
        client=str(config.application_id),
        resource=resource,
        system=SIGNED_IN_TO,
        secret=_plain(config.application_key).strip(),
        authority=authority,
    )


def _plain(secret: SecretStr | None) -> str:
    return "" if secret is None else secret.get_secret_value()
