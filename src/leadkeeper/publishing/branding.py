"""The marketplace's own logo and colour: those of the settings, else what an operator gave on a page."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from leadkeeper.access.audit import note
from leadkeeper.clock import Clock, now_ms
from leadkeeper.gate import Gate
from leadkeeper.periodic import Job, run_periodically
from leadkeeper.problem import FieldError, Problem, ProblemType
from leadkeeper.publishing.accent import parse_color
from leadkeeper.publishing.logo_image import draw_anew
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage
from leadkeeper.texts import lazy_gettext as _

ACCENT_FIELD: Final = "accentColor"
LOOK_SECONDS: Final = 30.0
"""How soon the other processes of an installation show what was changed."""
_ACCENT: Final = "marketplaceAccent"
_DIGEST: Final = "marketplaceLogo"
_PICTURE: Final = "marketplaceLogoPicture"


@dataclass(frozen=True, slots=True)
class Picture:
    """The bytes of a picture, and their kind."""

    body: bytes
    media_type: str = "image/png"


class Branding:
    """What pages are dressed in: kept in memory, since every page of everybody asks for it."""

    def __init__(
        self, storage: Storage, logo: Picture | None = None, accent: str | None = None, clock: Clock = now_ms
    ) -> None:
        """``logo`` and ``accent`` are those of the settings: where they are given no page changes what is shown."""
        self._storage = storage
        self._clock = clock
        self._turns = Gate(1, 0)
        self._digest, self._given_accent = "", ""
        self._uploaded: Picture | None = None
        self.logo_setting: Final = logo
        self.accent_setting: Final = accent

    @property
    def logo(self) -> Picture | None:
        """The logo that is shown; ``None``: the marketplace has none of its own."""
        return self.logo_setting or self._uploaded

    @property
    def accent(self) -> str:
        """The colour that is shown (``#rrggbb``); empty: ours."""
        return self.accent_setting or self._given_accent

    @property
    def uploaded(self) -> bool:
        """Whether an operator gave a logo, be it shown or not."""
        return self._uploaded is not None

    @property
    def mark(self) -> str:
        """What stands behind the logo's address, so that browsers show a new one at once; empty for a setting's."""
        return "" if self.logo_setting is not None or self._uploaded is None else f"?{self._digest[:12]}"

    async def look(self) -> None:
        """Read what was given; the picture only if it is another."""
        self._given_accent, digest = await self._storage.read(_small)
        if digest != self._digest:
            self._uploaded = await self._storage.read(_picture) if digest else None
            self._digest = digest

    async def run(self) -> None:
        """Look again and again until cancelled."""
        await run_periodically(Job("branding", self.look, LOOK_SECONDS, at_once=False))

    async def put_logo(self, body: bytes, *, by: str) -> None:
        """Show the picture in ``body``, drawn anew: see :func:`draw_anew`, also for what is refused."""
        async with self._turns.place(by):
            drawn = await asyncio.to_thread(draw_anew, body)
        digest = hashlib.sha256(drawn).hexdigest()
        kept = {_DIGEST: digest, _PICTURE: base64.b64encode(drawn).decode()}
        await self._storage.write(self._keep, kept, by, "marketplace.logo", digest[:12])
        self._digest, self._uploaded = digest, Picture(drawn)

    async def remove_logo(self, *, by: str) -> None:
        """Show ours again. Nothing changes where there is none."""
        if self._uploaded is None:
            return
        await self._storage.write(self._keep, {_DIGEST: "", _PICTURE: ""}, by, "marketplace.logo", "")
        self._digest, self._uploaded = "", None

    async def put_accent(self, color: str, *, by: str) -> None:
        """Show ``color`` (``#rrggbb``); empty: ours again. Raises :class:`Problem` for what is no colour."""
        try:
            color = parse_color(color) if color else ""
        except ValueError:
            message = _("Write a colour as # and six digits or letters from a to f, such as #0b5cab.")
            raise Problem(ProblemType.INVALID_REQUEST, message, (FieldError(ACCENT_FIELD, message),)) from None
        await self._storage.write(self._keep, {_ACCENT: color}, by, "marketplace.accent", color)
        self._given_accent = color

    def _keep(self, conn: sa.Connection, values: dict[str, str], by: str, act: str, detail: str) -> None:
        now = self._clock()
        conn.execute(sa.delete(t.installation).where(t.installation.c.name.in_(sorted(values))))
        rows = [{"name": name, "value": value, "changed_at": now} for name, value in sorted(values.items()) if value]
        if rows:
            conn.execute(sa.insert(t.installation), rows)
        note(conn, now, by, act, "*", detail)


def _small(conn: sa.Connection) -> tuple[str, str]:
    i = t.installation.c
    rows = conn.execute(sa.select(i.name, i.value).where(i.name.in_((_ACCENT, _DIGEST)))).all()
    found: dict[str, str] = {row.name: row.value for row in rows}
    try:
        accent = parse_color(found.get(_ACCENT, ""))
    except ValueError:
        accent = ""
    return accent, found.get(_DIGEST, "")


def _picture(conn: sa.Connection) -> Picture | None:
    i = t.installation.c
    text = conn.scalar(sa.select(i.value).where(i.name == _PICTURE)) or ""
    try:
        return Picture(base64.b64decode(text, validate=True)) if text else None
    except binascii.Error:  # a damaged row: ours is shown
        return None
