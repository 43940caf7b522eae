"""What Microsoft's marketplace, and tools that imitate it, post to an HTTPS endpoint. Pure.

Its documentation, its samples and real senders disagree on the case of keys, on which are there, and on whether
``LeadSource`` is bare or combined, so everything is understood
(``docs/reference/vendors/marketplace.md#https-endpoint``). Where the lead stands is found by
:mod:`~leadkeeper.intake.payload_shapes`. What has no place of its own is kept as ``extra``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from leadkeeper.intake.new_lead import NewLead
from leadkeeper.intake.payload_shapes import find_fields, keep, read_clean_json, unfolded
from leadkeeper.lead import Customer, LeadSource, canonical_action, is_test_marker, read_hops
from leadkeeper.offer import OfferRef
from leadkeeper.problem import Problem, ProblemType
from leadkeeper.texts import lazy_gettext

_CAMPAIGNS: Final = re.compile(r"\bCampaigns?:[ \t]*([^\r\n]*)", re.IGNORECASE)
_TOO_DEEP: Final = lazy_gettext("The body is nested too deeply.")
_LEAD_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


def read_payload(body: bytes, offer: OfferRef, idempotency_key: str | None = None, hops: int = 0) -> NewLead:
    """The lead in ``body``: :func:`json_object`, then :func:`lead_in`."""
    return lead_in(json_object(body), offer, idempotency_key, hops)


def json_object(body: bytes) -> dict[str, Any]:
    """The JSON object in ``body``, with clean texts.

    Raises :class:`Problem` when there is none, when it is empty, or when it is nested so deeply that it cannot be read.
    """
    try:
        return _object(body)
    except RecursionError:
        raise _refused(_TOO_DEEP) from None


def lead_in(
    payload: Mapping[str, Any],
    offer: OfferRef,
    idempotency_key: str | None = None,
    hops: int = 0,
    *,
    names_message: bool = False,
) -> NewLead:
    """The lead in ``payload``, always one of ``offer``, whatever its ``LeadSource`` says.

    ``hops`` is how often it was passed on, as its header says; the payload may know better (see :func:`_hops`).
    Raises :class:`Problem` only for a payload that is nested too deeply.
    """
    try:
        found = find_fields(payload)
    except RecursionError:
        raise _refused(_TOO_DEEP) from None
    texts, extra = found.texts, found.extra
    source = _source(texts.pop("leadsource", ""), offer, texts, extra)
    action = _action(texts.pop("actioncode", ""), source, extra)
    if "offertitle" in texts:
        keep(extra, "offerTitle", texts["offertitle"])
    return NewLead(
        offer=offer,
        source=source.source,
        action=action,
        customer=Customer(**found.customer),
        description=texts.get("description", ""),
        campaign=_campaign(texts, extra),
        extra=extra,
        idempotency_key=idempotency_key,
        names_message=names_message,
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
            found = max(found, read_hops(str(value)))
        elif name == "leadid" and isinstance(value, str) and _LEAD_ID.fullmatch(value) is not None:
            found = max(found, 1)
    return found


def _object(body: bytes) -> dict[str, Any]:
    if not body.strip():
        raise _refused(lazy_gettext("The body is empty. Send the lead as a JSON object."))
    text = body.decode(json.detect_encoding(body), "replace")
    try:
        payload = unfolded(read_clean_json(text))
    except json.JSONDecodeError as error:
        where = lazy_gettext("line %(lineno)s, column %(colno)s", lineno=error.lineno, colno=error.colno)
        raise _refused(lazy_gettext("The body is not JSON: %(msg)s (%(where)s).", msg=error.msg, where=where)) from None
    if not isinstance(payload, dict):
        raise _refused(lazy_gettext("The body is JSON, but not an object. Send the lead as a JSON object."))
    if not payload:
        raise _refused(lazy_gettext("The object is empty: there is no lead in it."))
    return payload


def _refused(detail: str) -> Problem:
    return Problem(ProblemType.INVALID_REQUEST, detail)


def _source(text: str, offer: OfferRef, found: Mapping[str, str], extra: dict[str, object]) -> LeadSource:
    """The lead source in its parts; one that names another offer is also kept as it came."""
    source = LeadSource.parse(text)
    ours = {str(offer).casefold(), ""}
    if is_test_marker(source.source):
        ours.add(found.get("offertitle", "").strip().casefold())
    if (source.offer or "").casefold() not in ours:
        keep(extra, "leadSource", text)
    return source


def _action(code: str, source: LeadSource, extra: dict[str, object]) -> str:
    """``ActionCode``, or else the action of the lead source; a ``|`` would end the action, so it may hold none."""
    action, bar, _ = code.partition("|")
    if bar:
        keep(extra, "actionCode", code)
    return canonical_action(action.strip()) or source.action or ""


def _campaign(found: Mapping[str, str], extra: dict[str, object]) -> str:
    """The campaign under its own key, or as some senders write it: ``Campaigns: spring-26`` in the description."""
    given = [found[name] for name in ("mktcmpid", "campaign") if name in found]
    if given:
        for other in given[1:]:
            if other != given[0]:
                keep(extra, "campaign", other)
        return given[0]
    match = _CAMPAIGNS.search(found.get("description", ""))
    return match[1].strip() if match else ""
