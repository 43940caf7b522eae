"""Texts as they are meant: made so once, at intake, whatever door a lead comes through. Pure."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from leadkeeper.intake.new_lead import NewLead
from leadkeeper.intake.texts import INVISIBLE, trimmed
from leadkeeper.lead import Customer
from leadkeeper.normal_forms import composed

AS_RECEIVED: Final = "asReceived"
"""Where in a lead's ``extra`` stands what came in, of the texts that were changed."""

_PLAIN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")
_NAMED: Final = re.compile(r"[^<>]*<([^<>]*)>")
_SCHEME: Final = re.compile(r"(?:mailto:\s*)+", re.IGNORECASE)
_ADDRESS: Final = re.compile(r"[^\s@<>,;]+@[^\s@<>,;]+")
_AT: Final = str.maketrans("\uff20\ufe6b", "@@")
_DOTS: Final = str.maketrans("\u3002\uff61", "..")
LONGEST_NAME: Final = 200
"""Characters of a source or an action. An index has them, and PostgreSQL's takes no longer texts."""
_FIELDS: Final = {
    "first_name": "firstName",
    "last_name": "lastName",
    "email": "email",
    "phone": "phone",
    "country": "country",
    "company": "company",
    "title": "title",
}


def normal_address(text: str) -> str:
    """The e-mail address that ``text`` means; what means none comes back without spaces around it.

    Left away are a name before it (``Rosa Lima <rosa@northwind.example>``), ``mailto:``, characters that nobody
    sees, and a dot at its end; full-width signs become usual ones. The case stays as it is.
    """
    if _PLAIN.fullmatch(text):
        return text
    plain = INVISIBLE.sub("", text).translate(_AT).strip()
    named = _NAMED.fullmatch(plain)
    if named is not None:
        plain = named[1].strip()
    plain = plain[scheme.end() :] if (scheme := _SCHEME.match(plain)) else plain
    local, at, domain = plain.rpartition("@")
    domain = composed(domain).translate(_DOTS).rstrip(".")
    found = f"{local}{at}{domain}"
    return found if is_address(found) else trimmed(text)


def is_address(text: str) -> bool:
    """Whether ``text`` may be an e-mail address: one name, one domain, nothing between."""
    return _ADDRESS.fullmatch(text) is not None


def normalised(lead: NewLead) -> NewLead:
    """``lead`` with its texts as they are meant; what came in stays in ``extra`` under :data:`AS_RECEIVED`.

    The very same lead when there is nothing to change.
    """
    changed: dict[str, str] = {}
    received: dict[str, object] = {}
    for name, shown in _FIELDS.items():
        came = getattr(lead.customer, name)
        meant = normal_address(came) if name == "email" else trimmed(came)
        if meant != came:
            changed[name], received[shown] = meant, came
    source, action, campaign = lead.source[:LONGEST_NAME], lead.action[:LONGEST_NAME], trimmed(lead.campaign)
    of_lead = {"leadSource": (lead.source, source), "actionCode": (lead.action, action)}
    of_lead |= {"campaign": (lead.campaign, campaign)}
    received |= {shown: came for shown, (came, meant) in of_lead.items() if came != meant}
    if not received:
        return lead
    key = AS_RECEIVED
    while key in lead.extra:
        key += "_"
    customer: Customer = replace(lead.customer, **changed)
    extra = {**lead.extra, key: received}
    return replace(lead, customer=customer, source=source, action=action, campaign=campaign, extra=extra)
