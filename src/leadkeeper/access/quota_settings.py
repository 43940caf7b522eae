"""How much a publisher may do, as a part of all settings."""

from __future__ import annotations

from typing import Any

from pydantic import Field
from pydantic_settings import BaseSettings

from leadkeeper.access.quotas import NAMES, USUAL, Quotas
from leadkeeper.texts import lazy_gettext as _


def _quota(usual: int, summary: str) -> Any:
    return Field(usual, ge=1, le=2**31 - 1, description=_("One publisher: %(bound)s.", bound=summary))


class QuotaFields(BaseSettings):
    """The settings of quotas: what holds for every publisher to which an operator gave none of its own."""

    quota_connections_per_offer: int = _quota(USUAL.connections_per_offer, _("most connections of one offer"))
    quota_connections: int = _quota(USUAL.connections, _("most connections in all"))
    quota_hooks_per_offer: int = _quota(USUAL.hooks_per_offer, _("most hooks of one offer"))
    quota_hooks: int = _quota(USUAL.hooks, _("most hooks in all"))
    quota_offers: int = _quota(USUAL.offers, _("most offers"))
    quota_contacts_per_connection: int = _quota(
        USUAL.contacts_per_connection, _("most contact e-mails of one connection")
    )
    quota_contacts: int = _quota(USUAL.contacts, _("most different contact e-mails in all"))
    quota_hook_leads_a_minute: int = _quota(USUAL.hook_leads_a_minute, _("most leads a minute by all hooks together"))
    quota_hook_leads_a_day: int = _quota(USUAL.hook_leads_a_day, _("most leads a day (UTC) by all hooks together"))
    quota_key_leads_a_minute: int = _quota(USUAL.key_leads_a_minute, _("most leads a minute by keys"))
    quota_key_leads_a_day: int = _quota(USUAL.key_leads_a_day, _("most leads a day (UTC) by keys"))
    quota_validations_at_once: int = _quota(USUAL.validations_at_once, _("most validations at once"))
    quota_validations_a_minute: int = _quota(USUAL.validations_a_minute, _("most validations a minute"))
    quota_publishing_checks_a_minute: int = _quota(
        USUAL.publishing_checks_a_minute,
        _("most checks and test leads of publishing a minute in one worker; more wait"),
    )
    quota_channels: int = _quota(USUAL.channels, _("most channels of a publisher"))
    quota_bulk_runs: int = _quota(USUAL.bulk_runs, _("most acts at once on all leads that fit"))
    quota_requests_a_minute: int = _quota(
        USUAL.requests_a_minute, _("most requests a minute with its keys and sign-ins, on pages and APIs")
    )

    @property
    def quotas(self) -> Quotas:
        """What a publisher may take that has no quotas of its own."""
        return Quotas(**{name: getattr(self, f"quota_{name}") for name in NAMES})
