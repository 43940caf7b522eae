"""The storefront's texts that depend on what happened; the others are in its templates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from leadkeeper.publishing.listing import CallToAction
from leadkeeper.texts import _


@dataclass(frozen=True, slots=True)
class MessagePage:
    """A page that only says something: its heading and its text."""

    title: str
    text: str


NOT_FOUND: Final = MessagePage(
    _("This page is not here"), _("The offer may have been withdrawn, or the address has a typing error.")
)
TOO_MANY: Final = MessagePage(
    _("A little slower, please"),
    _("Many forms came from your address just now. Nothing was sent; try again a little later."),
)
AWAY: Final = MessagePage(
    _("Please send it again in a moment"),
    _("We could not keep what you sent, so it went to nobody. Go back and send it once more: sending twice is safe."),
)
REFUSED: Final = MessagePage(
    _("This cannot be taken"),
    _("The form came from a site that may not send it, or is larger than a form can be. Nothing was sent."),
)

CALLS: Final[Mapping[CallToAction, str]] = {
    CallToAction.GET_IT_NOW: _("Get it now"),
    CallToAction.CONTACT_ME: _("Contact me"),
    CallToAction.FREE_TRIAL: _("Start a free trial"),
    CallToAction.TEST_DRIVE: _("Take a test drive"),
    CallToAction.CREATE: _("Create"),
}
"""What customers can do with an offer, as its buttons say it."""

AGREED: Final = _(
    "I agree that %(marketplace)s gives what I enter here to %(publisher)s, the publisher of %(title)s, so that they "
    "can contact me about it."
)
AGREED_PARTNER: Final = _(
    "I agree that %(marketplace)s gives what I enter here to %(publisher)s, the publisher of %(title)s, so that they "
    "can contact me about it; and that %(owner)s, the publisher of %(owner_title)s, learns who I am (not my notes) "
    "and that I asked, and does not contact me."
)
"""What customers agree to, as the form says it and as it is kept with the lead."""

THANKS: Final[Mapping[CallToAction, str]] = {
    CallToAction.GET_IT_NOW: _(
        "That you want %(title)s is kept and goes to %(publisher)s, who can help you to set it up."
    ),
    CallToAction.CONTACT_ME: _("What you sent is kept and goes to %(publisher)s, who can contact you about %(title)s."),
    CallToAction.FREE_TRIAL: _(
        "Your trial of %(title)s has been asked for: that goes to %(publisher)s, who can contact you."
    ),
    CallToAction.TEST_DRIVE: _(
        "Your test drive of %(title)s has been asked for: that goes to %(publisher)s, who can contact you."
    ),
    CallToAction.CREATE: _("%(title)s has been asked for: that goes to %(publisher)s, who can contact you."),
}
"""How customers are thanked: no more than is known."""
