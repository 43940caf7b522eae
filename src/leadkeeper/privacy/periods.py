"""For how long what is kept: the rules. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Self

from leadkeeper.problem import FieldError, Problem, ProblemType
from leadkeeper.texts import lazy_gettext as _

DAY_MS: Final = 86_400_000
LONGEST_DAYS: Final = 36_500


class DataKind(StrEnum):
    """What is removed when it was kept long enough."""

    PERSONAL = "personal"
    EVIDENCE = "evidence"
    MAILS = "mails"


@dataclass(frozen=True, slots=True)
class Own:
    """The shorter periods of one publisher, in days; ``None`` where it has the installation's."""

    personal_days: int | None = None
    evidence_days: int | None = None

    @classmethod
    def read(cls, stored: str | None) -> Self:
        """What :meth:`stored` wrote; what cannot be read counts as not said."""
        try:
            found = json.loads(stored) if stored else {}
        except ValueError:
            found = {}
        days = [found.get(name) if isinstance(found, dict) else None for name in ("personal_days", "evidence_days")]
        return cls(*(each if isinstance(each, int) and each > 0 else None for each in days))

    def stored(self) -> str | None:
        """As it stands in the publisher's row."""
        days = {"personal_days": self.personal_days, "evidence_days": self.evidence_days}
        given = {name: value for name, value in days.items() if value is not None}
        return json.dumps(given) if given else None


@dataclass(frozen=True, slots=True)
class Periods:
    """Days for which personal data of leads, evidence, texts of mails and lines of the audit are kept."""

    personal_days: int = 400
    evidence_days: int = 90
    mail_days: int = 30
    audit_days: int = 730

    def of(self, own: Own) -> Periods:
        """Those of a publisher: its own where they are shorter. Evidence goes with the personal data at the latest."""
        personal = min(self.personal_days, own.personal_days or LONGEST_DAYS)
        evidence = min(self.evidence_days, own.evidence_days or LONGEST_DAYS)
        return replace(self, personal_days=personal, evidence_days=min(evidence, personal))

    def milliseconds(self, kind: DataKind) -> int:
        """How long that kind is kept."""
        days = {
            DataKind.PERSONAL: self.personal_days,
            DataKind.EVIDENCE: self.evidence_days,
            DataKind.MAILS: self.mail_days,
        }
        return days[kind] * DAY_MS

    def require(self, own: Own) -> None:
        """Raise :class:`Problem` for periods that are none, or longer than the installation's."""
        asked = {"personalDays": (own.personal_days, self.personal_days)}
        asked["evidenceDays"] = (own.evidence_days, self.evidence_days)
        wrong = [name for name, (days, most) in asked.items() if days is not None and not 1 <= days <= most]
        if wrong:
            rule = {name: _("Enter a number from 1 to %(most)s.", most=asked[name][1]) for name in wrong}
            detail = _("A publisher may only keep its data for a shorter time than this installation does.")
            raise Problem(ProblemType.INVALID_REQUEST, detail, tuple(FieldError(*each) for each in rule.items()))


USUAL: Final = Periods()
"""What an installation keeps whose settings say nothing of it."""
