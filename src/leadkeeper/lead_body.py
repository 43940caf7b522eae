"""How what may be personal of a lead is stored: a JSON list, whose places say what its keys would. Pure.

``[[first name, last name, e-mail, phone, country, company, title], description, campaign, extra]``: the keys of an
object would take a fifth of the room of a usual lead. Older versions wrote objects with these keys; both are read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from pydantic_core import from_json, to_json

from leadkeeper.lead import Customer

CUSTOMER: Final = ("firstName", "lastName", "email", "phone", "country", "company", "title")
"""The keys of a customer's values, in the order in which they are stored."""
_PARTS: Final = ("customer", "description", "campaign", "extra")


def to_body(customer: Customer, description: str, campaign: str, extra: Mapping[str, object]) -> str:
    """The body of a lead. Raises ``ValueError`` for texts that UTF-8 cannot hold."""
    c = customer
    who = (c.first_name, c.last_name, c.email, c.phone, c.country, c.company, c.title)
    return to_json((who, description, campaign, extra)).decode()


def from_body(body: str) -> Mapping[str, Any]:
    """``customer`` (by the keys of the API), ``description``, ``campaign`` and ``extra``, none of them looked at.

    Raises ``ValueError`` for what is neither such a list nor an object.
    """
    found = _read(body)
    if isinstance(found, dict):
        return found
    return {**dict(zip(_PARTS, found, strict=True)), "customer": dict(zip(CUSTOMER, found[0], strict=True))}


def customer_in(body: str) -> Sequence[Any]:
    """The values of :data:`CUSTOMER` alone; the empty text for each that an object lacks. Raises as ``from_body``."""
    found = _read(body)
    if not isinstance(found, dict):
        return cast(Sequence[Any], found[0])
    customer = found.get("customer")
    return [customer.get(name, "") for name in CUSTOMER] if isinstance(customer, dict) else [""] * len(CUSTOMER)


def _read(body: str) -> dict[str, Any] | list[Any]:
    try:
        found = from_json(body)
    except TypeError:  # bytes that are no text were read as characters that no text holds
        raise ValueError("not text") from None
    if isinstance(found, dict):
        return found
    if not isinstance(found, list) or len(found) != len(_PARTS):
        raise ValueError("not the body of a lead")
    if not isinstance(found[0], list) or len(found[0]) != len(CUSTOMER):
        raise ValueError("not the customer of a lead")
    return found
