"""The settings of Azure Table."""

from __future__ import annotations

from datetime import date

from pydantic import Field, SecretStr, field_validator

from leadkeeper.destinations.azure_storage.account import Service, parse_connection_string
from leadkeeper.destinations.interface import Config
from leadkeeper.texts import lazy_gettext


class AzureTableConfig(Config):
    """Microsoft's ``tableLeadConfiguration``."""

    storage_account_connection_string: SecretStr = Field(
        title=lazy_gettext("Storage account connection string"),
        description=lazy_gettext(
            "From the storage account's page in the Azure portal: 'Security + networking', 'Access keys', "
            "'Connection string'. One with a shared access signature for the Table service works too."
        ),
    )

    @field_validator("storage_account_connection_string")
    @classmethod
    def _usable(cls, value: SecretStr) -> SecretStr:
        parse_connection_string(value.get_secret_value(), Service.TABLE)
        return value

    @property
    def ends_at(self) -> date | None:
        """When its shared access signature ends, if it has one."""
        return parse_connection_string(self.storage_account_connection_string.get_secret_value(), Service.TABLE).ends_at

    @property
    def host(self) -> str:
        """The host of the Table service."""
        return parse_connection_string(self.storage_account_connection_string.get_secret_value(), Service.TABLE).host
