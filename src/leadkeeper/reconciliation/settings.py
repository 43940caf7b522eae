"""How far back delivered leads are looked for, as a part of all settings."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings

from leadkeeper.texts import lazy_gettext as _


class ReconciliationFields(BaseSettings):
    """The settings of reconciliation."""

    reconciliation_days: int = Field(
        7,
        ge=0,
        le=90,
        description=_("Days back for which it is looked every day whether delivered leads are still there; 0: never."),
    )
