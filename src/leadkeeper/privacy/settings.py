"""For how long what is kept, as a part of all settings."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings

from leadkeeper.privacy.periods import LONGEST_DAYS, USUAL, Periods
from leadkeeper.texts import lazy_gettext as _


class RetentionFields(BaseSettings):
    """The settings of retention."""

    keep_personal_days: int = Field(
        USUAL.personal_days,
        ge=1,
        le=LONGEST_DAYS,
        description=_(
            "Days for which a lead's personal data are kept after it came and was delivered; what waits stays."
        ),
    )
    keep_evidence_days: int = Field(
        USUAL.evidence_days,
        ge=1,
        le=LONGEST_DAYS,
        description=_(
            "Days for which what destinations said in failed attempts is kept after a lead was delivered; PostgreSQL "
            "keeps it up to a month longer."
        ),
    )
    keep_mail_days: int = Field(
        USUAL.mail_days,
        ge=1,
        le=LONGEST_DAYS,
        description=_("Days for which what notices say, and to whom, is kept after they were sent."),
    )

    keep_audit_days: int = Field(
        USUAL.audit_days,
        ge=1,
        le=LONGEST_DAYS,
        description=_("Days for which lines of the audit are kept; the chain of those that are left stays whole."),
    )

    @property
    def periods(self) -> Periods:
        """The four settings as one value, in days."""
        return Periods(self.keep_personal_days, self.keep_evidence_days, self.keep_mail_days, self.keep_audit_days)
