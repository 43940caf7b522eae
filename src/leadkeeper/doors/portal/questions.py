"""What publishers ask, and which of it belongs on which page.

Source of the questions: ``docs/reference/vendors/marketplace.md``, Microsoft's own description of its leads.
"""

from __future__ import annotations

from typing import Final

from leadkeeper.destinations.guide import Question, Topic
from leadkeeper.destinations.registry import Destinations
from leadkeeper.texts import lazy_gettext as _

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
)
"""What is asked of no single destination."""

_OF_PAGES: Final[tuple[tuple[str, tuple[str, ...], Topic | None], ...]] = (  # the first whose part is in the address
    ("/connections/", ("is-it-right", "find-the-test-lead", "missed-leads"), Topic.CONNECTION),
    ("/connect", ("where-is-help", "destination-required"), Topic.CONNECT),
    ("/destinations", ("destination-required", "where-is-help"), Topic.DESTINATIONS),
    ("/publishing", ("destination-required", "is-it-right", "find-the-test-lead"), None),
    ("/portal/leads", ("no-leads", "withheld", "missed-leads"), Topic.LEADS),
    ("/portal/offers/", ("what-is-a-lead", "destination-required", "no-leads"), None),
)
_ELSEWHERE: Final = ("", ("what-is-a-lead", "no-leads", "where-is-help"), None)
_BY_ID: Final = {each.id: each for each in QUESTIONS}


def every_question(destinations: Destinations) -> tuple[Question, ...]:
    """All that is asked, what concerns single destinations last."""
    return (*QUESTIONS, *_of_destinations(destinations))


def questions_of(path: str, destinations: Destinations) -> tuple[Question, ...]:
    """What is asked on the page at ``path``, the most likely first."""
    _part, ids, topic = next((page for page in _OF_PAGES if page[0] in path), _ELSEWHERE)
    theirs = (each for each in _of_destinations(destinations) if topic in each.topics)
    return (*(_BY_ID[id] for id in ids), *theirs)


def _of_destinations(destinations: Destinations) -> tuple[Question, ...]:
    return tuple(question for each in destinations if each.guide is not None for question in each.guide.questions)
