"""The settings of Azure Blob."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

from pydantic import Field, SecretStr, field_validator

from leadkeeper.destinations.azure_storage.account import Service, parse_connection_string
from leadkeeper.destinations.interface import Config
from leadkeeper.texts import lazy_gettext

_CONTAINER: Final = re.compile(r"[a-z0-9](?:[a-z0-9]|-(?!-)){1,61}[a-z0-9]")


class AzureBlobConfig(Config):
    """Microsoft's ``blobLeadConfiguration``."""

    storage_account_connection_string: SecretStr = Field(
        title=lazy_gettext("Storage account connection string"),
        description=lazy_gettext(
            "From the storage account's page in the Azure portal: 'Security + networking', 'Access keys', "
            "'Connection string'. One with a shared access signature for the Blob service works too."
        ),
    )
    container_name: str = Field(
        title=lazy_gettext("Container"),
        description=lazy_gettext(
            "3 to 63 lower-case letters, digits and single dashes; it is made when it is missing."
        ),
    )

    @field_validator("storage_account_connection_string")
    @classmethod
    def _usable(cls, value: SecretStr) -> SecretStr:
        parse_connection_string(value.get_secret_value(), Service.BLOB)
        return value

    @field_validator("container_name")
    @classmethod
    def _container(cls, value: str) -> str:
        if not _CONTAINER.fullmatch(value.strip()):
            raise ValueError(
                lazy_gettext(
                    "A container's name is 3 to 63 lower-case letters, digits and single dashes, a letter or digit "
                    "first and last."
                )
            )
        return value.strip()

    @property
    def ends_at(self) -> date | None:
        """When its shared access signature ends, if it has one."""
        return parse_connection_string(self.storage_account_connection_string.get_secret_value(), Service.BLOB).ends_at

    @property
    def host(self) -> str:
        """The host of the Blob service."""
        return parse_connection_string(self.storage_account_connection_string.get_secret_value(), Service.BLOB).host
