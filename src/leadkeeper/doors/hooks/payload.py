"""What Microsoft's marketplace, and tools that imitate it, post to an HTTPS endpoint. Pure.

Its documentation, its samples and real senders disagree on the case of keys, on which are there, and on whether
``LeadSource`` is bare or combined, so everything is understood (facts: Microsoft leads 2.1). What has no place of its
own is kept as ``extra``.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, Final

from leadkeeper.intake.keep import NewLead
from leadkeeper.intake.texts import clean
from leadkeeper.lead import Customer, LeadSource, canonical_action, is_test_marker, read_hops
from leadkeeper.offer import OfferRef
from leadkeeper.problem import Problem, ProblemType

_CUSTOMER: Final = {
    "firstname": "first_name",
    "lastname": "last_name",
    "email": "email",
    "phone": "phone",
    "country": "country",
    "company": "company",
    "title": "title",
}
_TEXTS: Final = ("leadsource", "actioncode", "offertitle", "description", "mktcmpid", "campaign")
_CAMPAIGNS: Final = re.compile(r"\bCampaigns?:[ \t]*([^\r\n]*)", re.IGNORECASE)
_LARGEST_NUMBER: Final = 15
_LEAD_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
_DEEPEST: Final = 32


def read_payload(body: bytes, offer: OfferRef, idempotency_key: str | None = None, hops: int = 0) -> NewLead:
    """The lead in ``body``, always one of ``offer``, whatever its ``LeadSource`` says.

    ``hops`` is how often it was passed on, as its header says; the payload may know better (see :func:`_hops`).
    Raises :class:`Problem` only when there is nothing to keep: no JSON object, or an empty one.
    """
    payload = _object(body)
    extra: dict[str, object] = {}
    found = _known(payload, _TEXTS, extra)
    source = _source(found.pop("leadsource", ""), offer, found, extra)
    action = _action(found.pop("actioncode", ""), source, extra)
    if "offertitle" in found:
        _keep(extra, "offerTitle", found["offertitle"])
    return NewLead(
        offer=offer,
        source=source.source,
        action=action,
        customer=_customer(payload, extra),
        description=found.get("description", ""),
        campaign=_campaign(found, extra),
        extra=extra,
        idempotency_key=idempotency_key,
        hops=max(hops, _hops(payload)),
    )


def _hops(payload: Mapping[str, Any]) -> int:
    """How often an installation like this one passed the lead on, by what stands in what it sends.

    Relays drop headers, so a lead that was passed on says how often; one that has an id of ours was passed on once.
    """
    found = 0
    for key, value in payload.items():
        name = key.casefold()
        if name == "hops":
            found = max(found, read_hops(_text(value) or ""))
        elif name == "leadid" and isinstance(value, str) and _LEAD_ID.fullmatch(value) is not None:
            found = max(found, 1)
    return found


def _object(body: bytes) -> dict[str, Any]:
    if not body.strip():
        raise _refused("The body is empty. Send the lead as a JSON object.")
    text = body.decode(json.detect_encoding(body), "replace")
    try:
        payload = json.loads(text, strict=False, parse_int=_integer, parse_float=_fraction, parse_constant=str)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise _refused(f"The body is not JSON: {error.msg} ({where}).") from None
    except RecursionError:
        raise _refused("The body is nested too deeply.") from None
    if not isinstance(payload, dict):
        raise _refused("The body is JSON, but not an object. Send the lead as a JSON object.")
    if not payload:
        raise _refused("The object is empty: there is no lead in it.")
    cleaned: dict[str, Any] = _clean(payload, _DEEPEST)
    return cleaned


def _refused(detail: str) -> Problem:
    return Problem(ProblemType.INVALID_REQUEST, detail)


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= _LARGEST_NUMBER else digits


def _fraction(digits: str) -> float | str:
    """A number that our JSON could not write back as it was stays a text."""
    number = float(digits)
    return number if math.isfinite(number) and len(digits) <= _LARGEST_NUMBER else digits


def _clean(value: Any, depth: int) -> Any:
    """``value`` with clean texts and keys throughout; what is nested more than ``depth`` deep becomes JSON text."""
    if isinstance(value, str):
        return clean(value)
    if not isinstance(value, list | dict):
        return value
    if not depth:
        return json.dumps(value)
    if isinstance(value, list):
        return [_clean(item, depth - 1) for item in value]
    return {clean(key): _clean(item, depth - 1) for key, item in value.items()}


def _text(value: object) -> str | None:
    """``value`` as a text: numbers and truth values written out, null empty; ``None`` for lists and objects."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else None


def _known(given: Mapping[str, Any], names: tuple[str, ...], extra: dict[str, object]) -> dict[str, str]:
    """The non-empty texts under keys that are, in any case, ``names``; others but ``UserDetails`` go to ``extra``."""
    found: dict[str, str] = {}
    for key, value in given.items():
        name = key.casefold()
        text = _text(value)
        if name == "userdetails":
            continue
        if name not in names or text is None or (text and name in found):
            _keep(extra, key, value)
        elif text:
            found[name] = text
    return found


def _keep(extra: dict[str, object], key: str, value: object) -> None:
    while key in extra:
        key += "_"
    extra[key] = value


def _customer(payload: Mapping[str, Any], extra: dict[str, object]) -> Customer:
    found: dict[str, str] = {}
    for key, details in payload.items():
        if key.casefold() != "userdetails" or details is None:
            continue
        rest: dict[str, object] = {}
        if not isinstance(details, dict) or found:
            _keep(extra, "userDetails", details)
            continue
        found = _known(details, tuple(_CUSTOMER), rest)
        rest |= {name: value for name, value in details.items() if name.casefold() == "userdetails"}
        if rest:
            _keep(extra, "userDetails", rest)
    return Customer(**{_CUSTOMER[name]: text for name, text in found.items()})


def _source(text: str, offer: OfferRef, found: Mapping[str, str], extra: dict[str, object]) -> LeadSource:
    """The lead source in its parts; one that names another offer is also kept as it came."""
    source = LeadSource.parse(text)
    ours = {str(offer).casefold(), ""}
    if is_test_marker(source.source):
        ours.add(found.get("offertitle", "").strip().casefold())
    if (source.offer or "").casefold() not in ours:
        _keep(extra, "leadSource", text)
    return source


def _action(code: str, source: LeadSource, extra: dict[str, object]) -> str:
    """``ActionCode``, or else the action of the lead source; a ``|`` would end the action, so it may hold none."""
    action, bar, _ = code.partition("|")
    if bar:
        _keep(extra, "actionCode", code)
    return canonical_action(action.strip()) or source.action or ""


def _campaign(found: Mapping[str, str], extra: dict[str, object]) -> str:
    """The campaign under its own key, or as some senders write it: ``Campaigns: spring-26`` in the description."""
    given = [found[name] for name in ("mktcmpid", "campaign") if name in found]
    if given:
        for other in given[1:]:
            if other != given[0]:
                _keep(extra, "campaign", other)
        return given[0]
    match = _CAMPAIGNS.search(found.get("description", ""))
    return match[1].strip() if match else ""
