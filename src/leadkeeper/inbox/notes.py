"""What a sales person should know of a lead before using it: noticed in what came, told in plain words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from leadkeeper.intake.normal import is_address
from leadkeeper.texts import Language, _
from leadkeeper.views import LeadNoteView

NO_CUSTOMER: Final = "noCustomer"
EMAIL_NOT_AN_ADDRESS: Final = "emailNotAnAddress"
RECORD_DAMAGED: Final = "recordDamaged"
PERSONAL_DATA_REMOVED: Final = "personalDataRemoved"

_TEXTS: Final[Mapping[str, str]] = {
    NO_CUSTOMER: _(
        "Nothing of a customer was found in what came: neither a name nor an address, a telephone number or a company. "
        "What came is kept as extra; look there, and ask whoever sent it."
    ),
    EMAIL_NOT_AN_ADDRESS: _("The e-mail address is none: mail sent to it will not arrive."),
    RECORD_DAMAGED: _(
        "What is stored of the lead is damaged and could not be read. The operator can restore its row from a backup."
    ),
}


def damaged_note(language: Language) -> LeadNoteView:
    """The note on a lead whose row cannot be read."""
    return LeadNoteView(kind=RECORD_DAMAGED, text=language.gettext(_TEXTS[RECORD_DAMAGED]))


def expired_note(at: datetime, language: Language) -> LeadNoteView:
    """The note on a lead that was kept long enough."""
    text = language.gettext(
        _(
            "The personal data of this lead were removed on %(day)s, since they are kept for a limited time. When it "
            "came, its offer and what became of it are still known."
        ),
        day=language.day(at),
    )
    return LeadNoteView(kind=PERSONAL_DATA_REMOVED, text=text)


def notes_on(
    customer: Mapping[str, Any], language: Language, *, withheld: bool, test: bool
) -> tuple[LeadNoteView, ...]:
    """The notes on a lead of ``customer`` (by the JSON names); none on one of whom nothing is kept."""
    if withheld or test:
        return ()
    kinds = []
    if not any(customer.values()):
        kinds.append(NO_CUSTOMER)
    elif customer["email"] and not is_address(customer["email"]):
        kinds.append(EMAIL_NOT_AN_ADDRESS)
    return tuple(LeadNoteView(kind=kind, text=language.gettext(_TEXTS[kind])) for kind in kinds)
