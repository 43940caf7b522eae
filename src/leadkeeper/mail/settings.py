"""The settings of mail: where it is handed in, and what publishers may cause."""

from __future__ import annotations

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

from leadkeeper.mail.address import MailRules, parse_vouched
from leadkeeper.mail.mailer import parse_hostname, parse_mail_server, parse_sender
from leadkeeper.texts import lazy_gettext as _


class MailFields(BaseSettings):
    """Mail, as a part of all settings."""

    smtp_url: SecretStr | None = Field(
        None, description=_("Mail server for notices: smtp[s]://user:password@host:port.")
    )
    mail_from: str | None = Field(
        None,
        description=_(
            "Address that mails come from, also with a name: Contoso Leads <leads@contoso.example>; "
            "leadkeeper@ the mail server by default."
        ),
    )
    mail_hostname: str | None = Field(
        None, description=_("Name by which the mail server is greeted (EHLO); this machine's by default.")
    )
    vouched_mail_domains: str = Field(
        "",
        description=_(
            "Mail domains (commas; .corp.local for all below, * for all) whose addresses get notices without "
            "being asked whether they want them."
        ),
    )
    mails_per_hour: int = Field(
        600, ge=50, description=_("Mails that one publisher may cause in an hour, each recipient counted; others wait.")
    )
    mail_questions_per_day: int = Field(
        50,
        ge=1,
        description=_("Addresses that are asked in a day whether they want one publisher's notices; others wait."),
    )

    @field_validator("smtp_url")
    @classmethod
    def _smtp_url(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            parse_mail_server(value.get_secret_value())
        return value

    @field_validator("mail_from")
    @classmethod
    def _mail_from(cls, value: str | None) -> str | None:
        if value is not None:
            parse_sender(value)
        return value

    @field_validator("mail_hostname")
    @classmethod
    def _mail_hostname(cls, value: str | None) -> str | None:
        return None if value is None else parse_hostname(value)

    @field_validator("vouched_mail_domains")
    @classmethod
    def _vouched_mail_domains(cls, value: str) -> str:
        parse_vouched(value)
        return value

    @property
    def mail_rules(self) -> MailRules:
        """What publishers may do by mail."""
        vouched = parse_vouched(self.vouched_mail_domains)
        return MailRules(vouched, self.mails_per_hour, self.mail_questions_per_day)
