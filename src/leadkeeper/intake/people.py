"""A lead of a customer of whom nothing personal is kept. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from dataclasses import replace
from typing import Final

from leadkeeper.intake.new_lead import NewLead
from leadkeeper.lead import Customer, is_known_action, is_known_source, is_test_marker

_WORD: Final = re.compile(r"\w+")
_NAME: Final = re.compile(r"[A-Za-z0-9]{1,32}")
_CAMPAIGN: Final = re.compile(r"[A-Za-z0-9_-]{1,16}")
"""What ``mktcmpid`` may be: ``docs/reference/vendors/marketplace.md#rules``. Longer ones may be somebody's words."""


def without_person(lead: NewLead) -> NewLead:
    """``lead`` as it may be counted: of which offer it is, and what kind of action.

    Source, action and campaign stay where they are such as marketplaces write and hold no word of the customer's. Its
    key becomes a hash, by which a repeat is still known.
    """
    words = _words(lead.customer)
    return replace(
        lead,
        source=lead.source if _is_source(lead.source) else _nobody_s(lead.source, _NAME, words),
        action=lead.action if is_known_action(lead.action) else _nobody_s(lead.action, _NAME, words),
        customer=Customer(),
        description="",
        campaign=_nobody_s(lead.campaign, _CAMPAIGN, words),
        extra={},
        idempotency_key=_hashed(lead),
    )


def _is_source(text: str) -> bool:
    return is_known_source(text) or is_test_marker(text)


def _words(c: Customer) -> Collection[str]:
    texts = (c.first_name, c.last_name, c.email, c.phone, c.company, c.title)
    return {word for text in texts for word in _WORD.findall(text.casefold()) if len(word) > 1}


def _nobody_s(text: str, like: re.Pattern[str], words: Collection[str]) -> str:
    folded = text.casefold()
    return text if like.fullmatch(text) and not any(word in folded for word in words) else ""


def _hashed(lead: NewLead) -> str | None:
    if lead.idempotency_key is None:
        return None
    whole = f"{lead.offer.publisher_id}\0{lead.idempotency_key}"
    return f"withheld:{hashlib.sha256(whole.encode('utf-8', 'replace')).hexdigest()}"
