"""A lead in JSON: read at once where it is as leads usually are, and else by its model, which says what is wrong.

The model looks at each of a lead's texts by itself, which takes a third of the time that a door spends on a lead.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, Final

from pydantic_core import from_json

from leadkeeper.doors.api.schemas import LONGEST_EMAIL, LeadBody
from leadkeeper.intake.new_lead import NewLead
from leadkeeper.intake.texts import is_clean
from leadkeeper.lead import Customer
from leadkeeper.lead_body import CUSTOMER
from leadkeeper.offer import OfferRef

_ABOUT: Final = ("publisherId", "offerId", "source", "action")
_WORDS: Final = ("description", "campaign")


def read_lead(body: bytes, idempotency_key: str | None = None, hops: int = 0) -> NewLead:
    """The lead in ``body``, passed on ``hops`` times: what :class:`LeadBody` makes of it.

    Raises ``ValidationError`` for one that cannot be taken.
    """
    lead = _usual(body, idempotency_key, hops)
    return LeadBody.model_validate_json(body).lead(idempotency_key, hops) if lead is None else lead


def _usual(body: bytes, idempotency_key: str | None, hops: int) -> NewLead | None:
    """The lead in ``body`` if it says nothing that needs a closer look."""
    try:
        given: Any = from_json(body, cache_strings="keys")
        about = [given.pop(name) for name in _ABOUT]
        customer = given.pop("customer", None)
        texts = ([] if customer is None else _taken(customer, CUSTOMER)) + _taken(given, _WORDS)
        if given or customer or not is_clean(" ".join(texts)):
            return None
        offer, source, action = _about(*about)
    except (ValueError, TypeError, KeyError, AttributeError):  # no JSON, nothing of it, or not what it should be
        return None
    *who, description, campaign = texts
    found = Customer(*who)
    if not _is_usual(found.email):
        return None
    return NewLead(offer, source, action, found, description, campaign, idempotency_key=idempotency_key, hops=hops)


def _taken(given: dict[str, Any], names: Sequence[str]) -> list[Any]:
    return ["" if (value := given.pop(name, None)) is None else value for name in names]


@functools.lru_cache(1_024)
def _about(publisher_id: str, offer_id: str, source: str, action: str) -> tuple[OfferRef, str, str]:
    """What a lead is about, as :class:`LeadBody` reads it; the same few come again and again.

    Raises ``ValidationError``, a ``ValueError``, for what cannot be taken: that is not remembered.
    """
    lead = LeadBody(publisher_id=publisher_id, offer_id=offer_id, source=source, action=action).lead()
    return lead.offer, lead.source, lead.action


def _is_usual(email: str) -> bool:
    return not email or (len(email) <= LONGEST_EMAIL and email.isascii() and email.count("@") == 1)
