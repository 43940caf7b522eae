"""The settings of what people are told."""

from __future__ import annotations

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings

from leadkeeper.mail.address import parse_addresses
from leadkeeper.texts import lazy_gettext as _


class TellingFields(BaseSettings):
    """Who is told besides contacts and members."""

    operator_emails: str = Field(
        "",
        description=_(
            "Addresses (commas) at which operators are told of what nobody else can be told, or can settle; "
            "those entered in the portal come to them."
        ),
    )
    reminder_hours: int = Field(
        24, ge=1, le=720, description=_("Hours after which the owner of a lead is reminded that nobody turned to it.")
    )
    escalation_hours: int = Field(
        24, ge=1, le=720, description=_("Hours after that reminder after which the publisher's owners hear of it.")
    )

    confirmation_mails: bool = Field(
        False,
        description=_(
            "Whether customers get a mail that confirms what they asked for in the storefront, with a "
            "reference and the publisher's support contact."
        ),
    )

    @field_validator("operator_emails")
    @classmethod
    def _operator_emails(cls, value: str) -> str:
        parse_addresses(value)
        return value

    @property
    def operator_addresses(self) -> tuple[str, ...]:
        """Those addresses, each once."""
        return parse_addresses(self.operator_emails)
