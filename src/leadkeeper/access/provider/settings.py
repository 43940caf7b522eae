"""What an operator says about the identity provider, and which of its groups are which roles."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings

from leadkeeper.access.permissions import MEMBER_ROLES, Role
from leadkeeper.offer import PUBLISHER_ID
from leadkeeper.texts import lazy_gettext as _

LONGEST_ISSUER: Final = 500


@dataclass(frozen=True, slots=True)
class GroupRole:
    """Members of ``group`` are this, in the publisher or, of none, as operators."""

    group: str
    publisher_id: str | None
    role: Role


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """One identity provider. ``name`` stands on the button; ``scopes`` are asked for, separated by spaces.

    ``trust_email``: its word for an address counts although it does not call it verified.
    """

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    name: str
    scopes: str
    groups: tuple[GroupRole, ...]
    groups_claim: str
    email_claim: str
    trust_email: bool


class ProviderFields(BaseSettings):
    """The settings of the identity provider, as a part of all settings."""

    oidc_issuer: str | None = Field(
        None,
        description=_(
            "Issuer of an OpenID Connect provider that people sign in with: "
            "https://login.microsoftonline.com/<tenant id>/v2.0, https://sso.example/realms/<realm>."
        ),
    )
    oidc_client_id: str = Field("", description=_("This installation's client id there; needed with OIDC_ISSUER."))
    oidc_client_secret: SecretStr | None = Field(None, description=_("Its client secret; needed with OIDC_ISSUER."))
    oidc_name: str = Field(
        "", description=_("What the button on the sign-in page calls the provider; its host if unset.")
    )
    oidc_scopes: str = Field("openid profile email", description=_("Scopes that are asked for, separated by spaces."))
    oidc_groups: str = Field(
        "",
        description=_(
            "Which groups are which roles (commas): group=operator, group=publisher:owner, "
            "group=publisher:contributor, group=publisher:reader."
        ),
    )
    oidc_groups_claim: str = Field("groups", min_length=1, description=_("The claim that lists a person's groups."))
    oidc_email_claim: str = Field(
        "email", min_length=1, description=_("The claim that holds a person's e-mail address.")
    )
    oidc_trust_email: bool = Field(
        False,
        description=_(
            "Whether whoever is known here by an e-mail address is recognised by it although the provider does "
            "not call it verified."
        ),
    )

    @field_validator("oidc_issuer")
    @classmethod
    def _oidc_issuer(cls, value: str | None) -> str | None:
        if not value:
            return None
        parts = urlsplit(value)
        is_address = parts.scheme in ("https", "http") and parts.hostname and not parts.username
        if not is_address or parts.query or parts.fragment or len(value) > LONGEST_ISSUER:
            raise ValueError(
                _("use the issuer's address as its discovery document writes it, such as https://sso.example")
            )
        return value

    @field_validator("oidc_client_id", "oidc_client_secret", mode="after")
    @classmethod
    def _needed(cls, value: str | SecretStr | None, info: ValidationInfo) -> str | SecretStr | None:
        empty = value is None or not (value if isinstance(value, str) else value.get_secret_value())
        if empty and info.data.get("oidc_issuer"):
            raise ValueError(_("is needed with LEADKEEPER_OIDC_ISSUER"))
        return value

    @field_validator("oidc_scopes")
    @classmethod
    def _oidc_scopes(cls, value: str) -> str:
        if "openid" not in value.split():
            raise ValueError(_("must hold openid, such as: openid profile email"))
        return " ".join(value.split())

    @field_validator("oidc_groups")
    @classmethod
    def _oidc_groups(cls, value: str) -> str:
        parse_groups(value)
        return value

    @property
    def provider(self) -> ProviderSettings | None:
        """The identity provider, if there is one."""
        if self.oidc_issuer is None or self.oidc_client_secret is None:
            return None
        return ProviderSettings(
            issuer=self.oidc_issuer,
            client_id=self.oidc_client_id,
            client_secret=self.oidc_client_secret.get_secret_value(),
            name=self.oidc_name or urlsplit(self.oidc_issuer).hostname or "",
            scopes=self.oidc_scopes,
            groups=parse_groups(self.oidc_groups),
            groups_claim=self.oidc_groups_claim,
            email_claim=self.oidc_email_claim,
            trust_email=self.oidc_trust_email,
        )


def parse_groups(text: str) -> tuple[GroupRole, ...]:
    """Read a mapping. Raises ``ValueError`` with one line that names the first bad entry."""
    found = []
    for item in filter(None, (part.strip() for part in text.split(","))):
        group, _equals, given = item.rpartition("=")
        publisher_id, _colon, role = given.strip().rpartition(":")
        if group.strip() and given.strip() == Role.OPERATOR:
            found.append(GroupRole(group.strip(), None, Role.OPERATOR))
        elif group.strip() and role in MEMBER_ROLES and re.fullmatch(PUBLISHER_ID, publisher_id):
            found.append(GroupRole(group.strip(), publisher_id, Role(role)))
        else:
            raise ValueError(
                _("%(item)s is not of the form group=operator or group=publisher:contributor", item=repr(item))
            )
    return tuple(found)


def roles_of(groups: Collection[str], mapping: Collection[GroupRole]) -> dict[str | None, Role]:
    """What somebody in these groups is: by publisher, ``None`` for operators; of several roles the first of the list
    owner, contributor, reader."""
    found: dict[str | None, Role] = {}
    order = (Role.OPERATOR, *MEMBER_ROLES)
    for entry in mapping:
        if entry.group in groups:
            known = found.get(entry.publisher_id, entry.role)
            found[entry.publisher_id] = min(known, entry.role, key=order.index)
    return found
