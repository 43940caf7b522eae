"""An offer's versions and the slots that hold them: draft, preview, production. SQL within others' transactions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
import structlog

from leadkeeper.clock import to_text
from leadkeeper.offer import OfferRef
from leadkeeper.problem import Problem, ProblemType, damaged_version, unknown_offer
from leadkeeper.publishing.listing import Listing, read_listing
from leadkeeper.storage import tables as t

if TYPE_CHECKING:
    from leadkeeper.connections.connection import Connection  # it seals secrets, which a look at offers does not

log: Final = structlog.get_logger(__name__)


class Slot(StrEnum):
    """Where a version of an offer stands, as Microsoft's portal names it."""

    DRAFT = "Draft"
    PREVIEW = "Preview"
    PRODUCTION = "Production"


@dataclass(frozen=True, slots=True)
class Offer:
    """An offer; only a live one takes leads. ``preview_key`` opens its preview: it is shown to its publisher only."""

    publisher_id: str
    id: str
    title: str
    offer_type: str
    live: bool
    created_at: str
    changed_at: str
    draft_version: int
    preview_version: int | None
    production_version: int | None
    revision: int
    preview_key: str

    @property
    def ref(self) -> OfferRef:
        """Which offer it is."""
        return OfferRef(self.publisher_id, self.id)

    @property
    def etag(self) -> str:
        """Changes whenever the draft does."""
        return f'W/"{self.revision}"'

    @property
    def is_published(self) -> bool:
        """Whether a version of it went all the way to customers, through every step of publishing."""
        return self.production_version is not None

    def version_in(self, slot: Slot) -> int | None:
        """The number of the version in ``slot``."""
        match slot:
            case Slot.DRAFT:
                return self.draft_version
            case Slot.PREVIEW:
                return self.preview_version
            case Slot.PRODUCTION:
                return self.production_version


@dataclass(frozen=True, slots=True)
class OfferVersion:
    """One version of what a publisher says of an offer."""

    number: int
    definition: Mapping[str, Any]
    changed_at: str

    @property
    def listing(self) -> Listing:
        """What customers read of it."""
        return read_listing(self.definition)


def definition_etag(offer: Offer, primary: Connection | None) -> str:
    """The ETag of an offer's draft together with its lead destination, the ``primary`` connection.

    Changes whenever the draft does and whenever the settings of that connection do, those that wait to be proven as
    well; tells nothing of them. It is never :attr:`Offer.etag`, which says that the draft alone is the same.
    """
    return f'W/"{offer.revision}-{"none" if primary is None else primary.settings_tag}"'


def offer_row(conn: sa.Connection, ref: OfferRef) -> sa.Row[Any]:
    """The row of an offer. Raises :class:`Problem` if there is none of that id."""
    row = conn.execute(sa.select(t.offer).where(t.offer.c.ref == str(ref))).first()
    if row is None:
        raise unknown_offer(ref)
    return row


def as_offer(row: sa.Row[Any]) -> Offer:
    """The offer in a row of its table."""
    return Offer(
        publisher_id=row.publisher_id,
        id=row.id,
        title=row.title,
        offer_type=row.offer_type,
        live=row.live,
        created_at=to_text(row.created_at),
        changed_at=to_text(row.changed_at),
        draft_version=row.draft_version,
        preview_version=row.preview_version,
        production_version=row.production_version,
        revision=row.revision,
        preview_key=row.preview_key,
    )


def read_version(conn: sa.Connection, ref: OfferRef, number: int) -> OfferVersion | None:
    """One version of an offer. Raises :class:`Problem` for one that is damaged, which concerns that offer alone."""
    v = t.offer_version.c
    row = conn.execute(sa.select(t.offer_version).where(v.offer_ref == str(ref), v.version == number)).first()
    if row is None:
        return None
    definition = parse_definition(row.definition)
    if definition is None:
        log.error("version of an offer cannot be read", offer=str(ref), version=number)
        raise damaged_version(ref, number)
    return OfferVersion(row.version, definition, to_text(row.changed_at))


def is_definition(text: str) -> bool:
    """Whether this is what an offer's version holds; if not, it is damaged."""
    return parse_definition(text) is not None


def parse_definition(text: str) -> Mapping[str, Any] | None:
    """What the text of a version says; ``None`` where it is damaged."""
    try:
        found = json.loads(text)
    except (ValueError, TypeError):
        return None
    return found if isinstance(found, dict) else None


def slot_version(conn: sa.Connection, offer: Offer, slot: Slot) -> OfferVersion:
    """The version in a slot that is known to hold one."""
    number = offer.version_in(slot)
    assert number is not None
    version = read_version(conn, offer.ref, number)
    assert version is not None
    return version


def draft_definition(conn: sa.Connection, offer: Offer) -> Mapping[str, Any]:
    """What the draft says, for whoever changes it; nothing where it is damaged, so that entering it anew fixes it."""
    try:
        return slot_version(conn, offer, Slot.DRAFT).definition
    except Problem as problem:
        if problem.type is not ProblemType.RECORD_DAMAGED:
            raise
        return {}


def write_draft(conn: sa.Connection, ref: OfferRef, definition: Mapping[str, Any], now: int) -> None:
    """Change the draft. A version that an operation or another slot holds stays as it is: the draft is the next one.

    Call ``take_turn`` before.
    """
    row, v = offer_row(conn, ref), t.offer_version.c
    text = json.dumps(definition)
    number: int = row.draft_version
    if not number or _is_taken(conn, row):
        newest = conn.scalar(sa.select(sa.func.max(v.version)).where(v.offer_ref == str(ref))) or 0
        number = newest + 1
        values = {"offer_ref": str(ref), "version": number, "definition": text, "changed_at": now}
        conn.execute(sa.insert(t.offer_version).values(values))
    else:
        this = (v.offer_ref == str(ref), v.version == number)
        conn.execute(sa.update(t.offer_version).where(*this).values(definition=text, changed_at=now))
    changed = {"draft_version": number, "revision": row.revision + 1, "changed_at": now}
    conn.execute(sa.update(t.offer).where(t.offer.c.ref == str(ref)).values(changed))


def _is_taken(conn: sa.Connection, row: sa.Row[Any]) -> bool:
    if row.draft_version in (row.preview_version, row.production_version):
        return True
    o = t.operation.c
    return bool(conn.scalar(sa.select(sa.exists().where(o.offer_ref == row.ref, o.version == row.draft_version))))
