"""What is said of a test lead, by every door: no more than what is known. Pure."""

from __future__ import annotations

from typing import Final

from leadkeeper.connections.last_test import LastTest
from leadkeeper.destinations.interface import Provider
from leadkeeper.diagnosis import AnyKind, Diagnosis, Outcome, Receipt
from leadkeeper.mail.diagnoses import MailKind
from leadkeeper.texts import Language, _

TEXTS: Final = {
    "received": _("The test lead %(marker)s was received over %(name)s."),
    "there": _("It is there as %(there)s."),
    "search": _("Search for %(marker)s there."),
    "unconfirmed": _(
        "The test lead %(marker)s was sent, unconfirmed, over %(name)s: this destination does not say whether "
        "it keeps a lead. Search for %(marker)s there, then say whether it was found."
    ),
    "unconfirmed_mail": _(
        "The test lead %(marker)s was sent, unconfirmed, over %(name)s: a mail server does not say which mailbox keeps "
        "a mail. Look into the mailboxes of the contact e-mails, among unwanted mail too, for the mail with the lead's "
        "id %(lead)s, then say whether it was found."
    ),
    "held": _("Its leads are held until a test lead is found, or somebody resumes it."),
    "waits": _("The new settings take effect once it is found; those before them go on."),
    "taken": _("The new settings take effect once a test lead is taken with them; those before them go on."),
    "confirmed": _(
        "The new settings take effect once a test lead with them is confirmed there, or somebody says that it "
        "was found; those before them go on."
    ),
    "refused": _("The test lead %(marker)s was not taken over %(name)s."),
    "ambiguous": _("The test lead %(marker)s may have arrived over %(name)s: look for it there."),
    "unsent": _("No test lead was sent over %(name)s: its check failed."),
    "found": _("Over %(name)s %(by)s found it there: %(marker)s, on %(at)s. The connection is working."),
    "found_before": _("With the same settings %(by)s found %(marker)s there on %(at)s."),
}
"""The sentences, by what they tell."""


def without_link(message: str, there: str | None, language: Language) -> str:
    """``message`` without the link to what was made there, for a page that has a button to it."""
    return message if there is None else message.replace(f" {language.gettext(TEXTS['there'], there=there)}", "")


def summary_of_receipt(
    receipt: Receipt, marker: str, lead_id: str, name: str, kind: AnyKind | None, language: Language
) -> str:
    """The destination took the test lead. ``kind`` is what is usually wrong there when one is not found."""
    if not receipt.confirmed:
        return unconfirmed_text(marker, lead_id, name, kind, language)
    there = receipt.link or receipt.remote_id
    received = language.gettext(TEXTS["received"], marker=marker, name=name)
    if there:
        return f"{received} {language.gettext(TEXTS['there'], there=there)}"
    return f"{received} {language.gettext(TEXTS['search'], marker=marker)}"


def unconfirmed_text(marker: str, lead_id: str, name: str, kind: AnyKind | None, language: Language) -> str:
    """It was sent, nobody knows whether it is there, and somebody has to look: for what, and where."""
    key = "unconfirmed_mail" if kind is MailKind.NOTICE_NOT_FOUND else "unconfirmed"
    return language.gettext(TEXTS[key], marker=marker, lead=lead_id, name=name)


def held_text(language: Language) -> str:
    """Leads are held until one is found; follows another sentence."""
    return language.gettext(TEXTS["held"])


def waiting_text(language: Language) -> str:
    """New settings wait until the test lead is found; follows another sentence."""
    return language.gettext(TEXTS["waits"])


def change_text(destination: Provider, language: Language, *, waits_for_word: bool) -> str:
    """When new settings of this destination take effect; ``waits_for_word`` as the operator's setting says."""
    found = destination.if_not_found is not None
    return language.gettext(TEXTS["confirmed" if waits_for_word and found else "taken"])


def failed_text(marker: str | None, name: str, language: Language, diagnosis: Diagnosis | None = None) -> str:
    """The destination did not take the test lead, nobody knows whether it did, or none was sent."""
    key = "unsent" if marker is None else "ambiguous" if _may_have_arrived(diagnosis) else "refused"
    return language.gettext(TEXTS[key], marker=marker, name=name)


def _may_have_arrived(diagnosis: Diagnosis | None) -> bool:
    return diagnosis is not None and diagnosis.outcome is Outcome.AMBIGUOUS


def found_text(test: LastTest, name: str, at: str, language: Language) -> str:
    """Somebody found this test lead; ``at`` is when they said so."""
    assert test.word is not None
    return language.gettext(TEXTS["found"], name=name, by=test.word.by, marker=test.word.marker, at=at)


def found_before_text(test: LastTest, at: str, language: Language) -> str:
    """Somebody found an earlier one with the same settings; follows another sentence."""
    assert test.word is not None
    return language.gettext(TEXTS["found_before"], by=test.word.by, marker=test.word.marker, at=at)
