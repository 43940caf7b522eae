"""E-mail notice as a destination: what the rest of the program knows of it, and how it is opened."""

from __future__ import annotations

from typing import Final

from leadkeeper.destinations.email.guide import GUIDE
from leadkeeper.destinations.email.settings import EmailConfig
from leadkeeper.destinations.interface import Adapter, Config, Context, MicrosoftNames, Provider
from leadkeeper.mail.diagnoses import MailKind
from leadkeeper.texts import lazy_gettext


def _open(config: Config, context: Context) -> Adapter:
    from leadkeeper.destinations.email.adapter import Email

    assert isinstance(config, EmailConfig)
    return Email(config, context.mail, context.contacts)


EMAIL: Final = Provider(
    name="email",
    title=lazy_gettext("E-mail notice"),
    microsoft=MicrosoftNames("email", "emailLeadConfiguration", "Email", "emailLeadConfiguration"),
    config=EmailConfig,
    open=_open,
    guide=GUIDE,
    if_not_found=MailKind.NOTICE_NOT_FOUND,
)
