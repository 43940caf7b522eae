"""What publishers ask, and which of it belongs on which page.

Source of the questions: ``docs/reference/vendors/marketplace.md``, Microsoft's own description of its leads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from leadkeeper.texts import lazy_gettext as _


@dataclass(frozen=True, slots=True)
class Question:
    """A question and its answer; ``id`` is its anchor in help."""

    id: str
    question: str
    answer: tuple[str, ...]


QUESTIONS: Final = (
    Question(
        "what-is-a-lead",
        _("What is a lead, and why does it matter?"),
        (
            _(
                "A lead is a customer who asked to be contacted, or who installed, bought or tried one of your offers. "
                "Each is kept here and carried to the system in which you work, so that you can answer soon."
            ),
        ),
    ),
    Question(
        "where-is-help",
        _("Where is help with connecting a destination?"),
        (
            _(
                "The form of each destination has a guide beside it that says where to find every value. The "
                "documentation has a page for each destination."
            ),
        ),
    ),
    Question(
        "destination-required",
        _("Does an offer need a destination before it is published?"),
        (
            _(
                "Offers of some types do, such as consulting services, and software whose customers ask to be "
                "contacted: publishing stops without one, and says so. Leads of all others wait here until you "
                "connect the offer."
            ),
        ),
    ),
    Question(
        "is-it-right",
        _("How do I know that a connection is right?"),
        (
            _(
                "Press Validate: the connection is checked, and a test lead is sent over it. Publishing does the same "
                "before customers see the offer. Some destinations confirm nothing: look for the test lead there, and "
                "say here whether you found it."
            ),
        ),
    ),
    Question(
        "find-the-test-lead",
        _("How do I find the test lead?"),
        (
            _(
                "Search the destination for MSFT_TEST. Names, company, title and description of a test lead are "
                "MSFT_TEST_ with one number, its e-mail address is the same at test.com, its phone number is "
                "1234567890, and its country is US."
            ),
        ),
    ),
    Question(
        "no-leads",
        _("The offer is live, and I see no leads. Why?"),
        (
            _(
                "Look at the state of its connections, and search for the lead on the first page: that says what "
                "became of it. In the destination, look for the lead source: it reads Source-Action|offer."
            ),
            _(
                "The sources are AzureMarketplace, AzurePortal, TestDrive and SPZA (AppSource). Of the actions, INS "
                "says that the offer was taken, PLT that the customer wants to be contacted, DNC that a partner of "
                "yours was asked and you must not make contact, Create that it was bought in the Azure portal, and "
                "StartTestDrive that a test drive began."
            ),
        ),
    ),
    Question(
        "withheld",
        _("I was told of a lead, and it is in no system of mine. Why?"),
        (
            _(
                "The customer's mail domain may be one whose people's data are not passed on, such as .edu. Such a "
                "lead is counted here, and marked as withheld. Any other cause is said on the lead's page."
            ),
        ),
    ),
    Question(
        "missed-leads",
        _("A connection was broken. Can the leads that I missed be mailed to me?"),
        (
            _(
                "No: what customers entered is not sent by mail, which others can read. It is not lost either: leads "
                "are kept while a connection is broken, and go out once it works. Missed leads, on the page of a "
                "connection, sends those again that did not arrive."
            ),
        ),
    ),
    Question(
        "salesforce",
        _("Leads go to Salesforce, and I cannot find them. Why?"),
        (
            _(
                "Web-to-Lead drops leads without a word where a required field takes its value from a picklist: make "
                "it a text field that is not required. It does the same where reCAPTCHA is required or no default "
                "creator of leads is set."
            ),
        ),
    ),
    Question(
        "azure-blob",
        _("Leads go to Azure Blob. Why do I see none?"),
        (
            _(
                "Each lead is a file of its own in the container, in a folder for its day, from the moment at which "
                "the offer was connected to it. Azure Table shows leads as rows as soon as they come: change to that."
            ),
        ),
    ),
    Question(
        "view-azure",
        _("How do I look at leads in Azure Table or Azure Blob?"),
        (
            _(
                "Open the storage account in the Azure portal, or use Azure Storage Explorer, which costs nothing: "
                "both show the table and the files."
            ),
        ),
    ),
    Question(
        "azure-table-notices",
        _("Can I be told of each new lead in Azure Table?"),
        (
            _(
                "Yes: enter contact e-mails in the form of the connection, and choose that they are told of each lead. "
                "A flow of Power Automate that watches the table can do so too."
            ),
        ),
    ),
    Question(
        "azure-cost",
        _("What does it cost to keep leads in Azure storage?"),
        (
            _(
                "Little: nearly every publisher's leads take less than a gigabyte. By Microsoft's word a thousand "
                "leads a month cost about 50 cents."
            ),
        ),
    ),
)

_OF_PAGES: Final = (  # the first whose part is in the address
    ("/connections/", ("is-it-right", "find-the-test-lead", "salesforce", "azure-table-notices", "missed-leads")),
    ("/connect", ("where-is-help", "destination-required", "azure-blob", "azure-cost")),
    ("/destinations", ("destination-required", "where-is-help", "view-azure", "azure-blob", "azure-cost")),
    ("/publishing", ("destination-required", "is-it-right", "find-the-test-lead")),
    ("/portal/leads", ("no-leads", "withheld", "missed-leads", "salesforce")),
    ("/portal/offers/", ("what-is-a-lead", "destination-required", "no-leads")),
)
_ELSEWHERE: Final = ("what-is-a-lead", "no-leads", "where-is-help")
_BY_ID: Final = {each.id: each for each in QUESTIONS}


def questions_of(path: str) -> tuple[Question, ...]:
    """What is asked on the page at ``path``, the most likely first."""
    named = next((ids for part, ids in _OF_PAGES if part in path), _ELSEWHERE)
    return tuple(_BY_ID[id] for id in named)
