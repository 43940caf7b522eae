"""What one publisher may take of an installation: the rules, and where they are read. Quotas that count by time are
kept by :mod:`leadkeeper.access.rates`.

The installation's settings hold for every publisher; an operator may raise or lower each for one of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Final

import sqlalchemy as sa

from leadkeeper.problem import FieldError, Problem, ProblemType
from leadkeeper.storage import tables as t
from leadkeeper.texts import lazy_gettext


@dataclass(frozen=True, slots=True)
class Quotas:
    """The most that one publisher may have or do. Names in JSON are these in camelCase."""

    connections_per_offer: int = 20
    connections: int = 500
    hooks_per_offer: int = 20
    hooks: int = 500
    offers: int = 1_000
    contacts_per_connection: int = 20
    contacts: int = 500
    hook_leads_a_minute: int = 6_000
    hook_leads_a_day: int = 500_000
    key_leads_a_minute: int = 60_000
    key_leads_a_day: int = 5_000_000
    validations_at_once: int = 10
    validations_a_minute: int = 60
    publishing_checks_a_minute: int = 600
    requests_a_minute: int = 3_000
    channels: int = 20
    bulk_runs: int = 10

    def named(self) -> dict[str, int]:
        """Each by its JSON name."""
        return {known_as: getattr(self, name) for known_as, name in _BY_JSON.items()}

    def changed(self, stored: str | None) -> Quotas:
        """With what is stored for a publisher (see :func:`merged`) in place of the usual ones; what cannot be read
        counts as not said."""
        own = _own(stored)
        return replace(self, **own) if own else self


USUAL: Final = Quotas()
"""The quotas of an installation whose settings say nothing of them."""


def json_name(name: str) -> str:
    """``hooks_per_offer`` as ``hooksPerOffer``."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


NAMES: Final = tuple(field.name for field in fields(Quotas))
_BY_JSON: Final = {json_name(name): name for name in NAMES}

SUMMARY: Final[Mapping[str, str]] = {
    "connections_per_offer": lazy_gettext("connections of one offer"),
    "connections": lazy_gettext("connections in all"),
    "hooks_per_offer": lazy_gettext("hooks of one offer"),
    "hooks": lazy_gettext("hooks in all"),
    "offers": lazy_gettext("offers"),
    "contacts_per_connection": lazy_gettext("contact e-mails of one connection"),
    "contacts": lazy_gettext("different contact e-mails in all"),
    "hook_leads_a_minute": lazy_gettext("leads a minute by all hooks together"),
    "hook_leads_a_day": lazy_gettext("leads a day (UTC) by all hooks together"),
    "key_leads_a_minute": lazy_gettext("leads a minute by keys"),
    "key_leads_a_day": lazy_gettext("leads a day (UTC) by keys"),
    "validations_at_once": lazy_gettext("validations at once"),
    "validations_a_minute": lazy_gettext("validations a minute"),
    "publishing_checks_a_minute": lazy_gettext(
        "checks and test leads of publishing a minute, in each worker process; more wait"
    ),
    "channels": lazy_gettext("channels that are told"),
    "bulk_runs": lazy_gettext("acts at once on all leads that fit"),
    "requests_a_minute": lazy_gettext("requests a minute with its keys and sign-ins, on pages and APIs"),
}
"""What each counts, for one publisher."""


class Rate(StrEnum):
    """What is counted by the minute (and the day): the names of its quotas begin so."""

    HOOK_LEADS = "hook_leads"
    KEY_LEADS = "key_leads"
    VALIDATIONS = "validations"
    REQUESTS = "requests"


def merged(stored: str | None, given: Mapping[str, int | None]) -> str | None:
    """What to store for a publisher: what was stored, with ``given`` (JSON names) over it; ``None`` takes one away."""
    try:
        found = json.loads(stored) if stored else {}
    except ValueError:
        found = {}
    kept: dict[str, int] = found if isinstance(found, dict) else {}
    for name, value in given.items():
        if value is None:
            kept.pop(_BY_JSON[name], None)
        else:
            kept[_BY_JSON[name]] = value
    return json.dumps(kept, sort_keys=True) if kept else None


def _own(stored: str | None) -> dict[str, int]:
    if not stored:
        return {}
    try:
        given = json.loads(stored)
    except ValueError:
        return {}
    return {name: given[name] for name in NAMES if isinstance(given, dict) and isinstance(given.get(name), int)}


def own_of(stored: str | None) -> dict[str, int]:
    """What is stored of a publisher's own quotas, by their JSON names."""
    return {json_name(name): value for name, value in _own(stored).items()}


def quotas_of(conn: sa.Connection, publisher_id: str, usual: Quotas, *, lock: bool = False) -> Quotas:
    """The quotas of a publisher. With ``lock`` nobody else counts for it in such a transaction until this one ends."""
    query = sa.select(t.publisher.c.quotas).where(t.publisher.c.id == publisher_id)
    return usual.changed(conn.scalar(query.with_for_update() if lock else query))


def require_room(name: str, limit: int, used: int, more: int = 1) -> None:
    """Raise :class:`Problem` when ``more`` beside what is ``used`` would be over the quota's ``limit``."""
    if used + more > limit:
        field = json_name(name)
        detail = lazy_gettext(
            "The publisher's quota %(field)s is reached: at most %(limit)s %(summary)s. Remove what is not "
            "needed, or ask the operator to raise the quota.",
            field=field,
            limit=limit,
            summary=SUMMARY[name],
        )
        raise Problem(
            ProblemType.QUOTA_EXCEEDED, detail, (FieldError(field, lazy_gettext("at most %(limit)s", limit=limit)),)
        )


def used_up(name: str, limit: int, seconds: int) -> Problem:
    """The problem of a quota by time: try again in ``seconds``."""
    field = json_name(name)
    detail = lazy_gettext(
        "The publisher's quota %(field)s is used up: at most %(limit)s %(summary)s. Try again in "
        "%(seconds)s s, or ask the operator to raise the quota.",
        field=field,
        limit=limit,
        summary=SUMMARY[name],
        seconds=seconds,
    )
    return Problem(
        ProblemType.TOO_MANY_REQUESTS,
        detail,
        (FieldError(field, lazy_gettext("at most %(limit)s", limit=limit)),),
        retry_after=seconds,
    )
