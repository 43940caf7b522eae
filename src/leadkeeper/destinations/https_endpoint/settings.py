"""The settings of the HTTPS endpoint."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from typing import Final, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from leadkeeper.destinations.interface import DatedConfig
from leadkeeper.network.addresses import AddressInvalid, parse_url
from leadkeeper.texts import lazy_gettext

KeyCasing = Literal["pascal", "userDetailsCamel", "camel"]
LeadSourceForm = Literal["combined", "bare"]

_WHSEC: Final = "whsec_"


def signing_key(secret: str) -> bytes:
    """The bytes for which a signing secret stands. Raises ``ValueError`` for what is no such secret."""
    key = base64.b64decode(secret.removeprefix(_WHSEC), validate=True)
    if not secret.startswith(_WHSEC) or not 24 <= len(key) <= 64:
        raise ValueError("not a signing secret")
    return key


class HttpsEndpointConfig(DatedConfig):
    """Microsoft's ``httpsEndpointLeadConfiguration``, and how the body looks and is signed."""

    https_endpoint_url: SecretStr = Field(
        title=lazy_gettext("HTTPS address"),
        description=lazy_gettext(
            "The address that takes leads by POST, whole, with its query. It is kept as a secret."
        ),
    )
    signing_secret: SecretStr | None = Field(
        default=None,
        title=lazy_gettext("Signing secret"),
        description=lazy_gettext(
            "Signs each lead (Standard Webhooks): whsec_ and base64 of 24 to 64 random bytes. Made if missing."
        ),
    )
    previous_signing_secret: SecretStr | None = Field(
        default=None,
        title=lazy_gettext("Previous signing secret"),
        description=lazy_gettext("Signs as well while the receiver changes to a new secret; remove it afterwards."),
    )
    key_casing: KeyCasing = Field(
        default="pascal",
        title=lazy_gettext("Casing of keys"),
        description=lazy_gettext(
            "pascal: UserDetails.FirstName; userDetailsCamel: userDetails.FirstName; camel: all in camelCase."
        ),
    )
    lead_source_form: LeadSourceForm = Field(
        default="combined",
        title=lazy_gettext("Form of LeadSource"),
        description=lazy_gettext("combined: AzureMarketplace-INS|publisher.offer; bare: AzureMarketplace."),
    )

    @property
    def host(self) -> str:
        """The host of the address; the rest of it is secret."""
        return parse_url(self.https_endpoint_url.get_secret_value()).raw_host or ""

    @field_validator("https_endpoint_url")
    @classmethod
    def _address(cls, value: SecretStr) -> SecretStr:
        text = value.get_secret_value().strip()
        try:
            if parse_url(text).scheme != "https":
                raise AddressInvalid(lazy_gettext("The address must begin with https://."))
        except AddressInvalid as error:
            raise ValueError(*error.args) from None
        return SecretStr(text)

    @field_validator("signing_secret", "previous_signing_secret")
    @classmethod
    def _secret(cls, value: SecretStr | None) -> SecretStr | None:
        text = "" if value is None else value.get_secret_value().strip()
        if not text:
            return None
        try:
            signing_key(text)
        except ValueError:
            message = lazy_gettext("A signing secret is whsec_ followed by base64 of 24 to 64 random bytes.")
            raise ValueError(message) from None
        return SecretStr(text)

    def completed(self, kept: Mapping[str, str]) -> Self:
        """With a signing secret: the stored one, else a new one, when none is given."""
        if self.signing_secret is not None:
            return self
        secret = kept.get("signingSecret") or _WHSEC + base64.b64encode(os.urandom(32)).decode()
        return self.model_copy(update={"signing_secret": SecretStr(secret)})

    @model_validator(mode="after")
    def _secrets_in_order(self) -> Self:
        if self.previous_signing_secret is not None and self.signing_secret is None:
            raise ValueError(lazy_gettext("A previous signing secret needs a signing secret beside it."))
        return self
