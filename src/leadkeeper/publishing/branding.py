"""The marketplace's own name, logo and colour: those of the settings, else what an operator gave, all in one act."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from leadkeeper.access.audit import note
from leadkeeper.access.marketplace import NAME, MarketplaceName, parse_name
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


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A logo as it is kept; of none all is empty."""

    body: bytes = b""
    digest: str = ""


class Branding:
    """What pages are dressed in: kept in memory, since every page of everybody asks for it."""

    def __init__(
        self,
        storage: Storage,
        name: MarketplaceName,
        logo: Picture | None = None,
        accent: str | None = None,
        clock: Clock = now_ms,
    ) -> None:
        """``logo`` and ``accent`` are those of the settings: where they are given no page changes what is shown."""
        self._storage = storage
        self._name = name
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

    async def change(
        self,
        *,
        by: str,
        name: str | None = None,
        accent: str | None = None,
        logo: bytes | None = None,
        without_logo: bool = False,
    ) -> None:
        """Change what is given, in one transaction; what is left out stays.

        ``accent`` is ``#rrggbb``, empty for ours again. ``logo`` is a picture, which is drawn anew: see
        :func:`draw_anew`; ``without_logo`` takes away what was given. Raises :class:`Problem` with every field that
        cannot be taken; nothing is changed then.
        """
        refused: list[FieldError] = []
        drawn = _Drawn() if without_logo else None
        try:
            name = None if name is None else parse_name(name)
        except Problem as problem:
            refused += problem.errors
        try:
            accent = None if accent is None else _accent(accent)
        except Problem as problem:
            refused += problem.errors
        try:
            drawn = drawn if logo is None else await self._drawn(logo, by)
        except Problem as problem:
            refused += problem.errors
        if refused:
            raise Problem(ProblemType.INVALID_REQUEST, refused[0].message, tuple(refused))
        await self._storage.write(self._write, by, name, accent, drawn)
        if name is not None:
            self._name.entered(name)
        if accent is not None:
            self._given_accent = accent
        if drawn is not None:
            self._digest, self._uploaded = drawn.digest, Picture(drawn.body) if drawn.body else None

    async def _drawn(self, body: bytes, by: str) -> _Drawn:
        async with self._turns.place(by):
            drawn = await asyncio.to_thread(draw_anew, body)
        return _Drawn(drawn, hashlib.sha256(drawn).hexdigest())

    def _write(self, conn: sa.Connection, by: str, name: str | None, accent: str | None, drawn: _Drawn | None) -> None:
        """A line of the audit for each thing that is another than before."""
        now, before = self._clock(), _kept(conn)
        if name is not None and name != before.get(NAME):
            self._name.write(conn, name, now, by=by)
        if accent is not None and accent != before.get(_ACCENT, ""):
            _keep(conn, {_ACCENT: accent}, now)
            note(conn, now, by, "marketplace.accent", "*", accent)
        if drawn is not None and drawn.digest != before.get(_DIGEST, ""):
            _keep(conn, {_DIGEST: drawn.digest, _PICTURE: base64.b64encode(drawn.body).decode()}, now)
            note(conn, now, by, "marketplace.logo", "*", drawn.digest[:12])


def _accent(text: str) -> str:
    """Empty, or a colour. Raises :class:`Problem`."""
    try:
        return parse_color(text) if text else ""
    except ValueError:
        message = _("Write a colour as # and six digits or letters from a to f, such as #0b5cab.")
        raise Problem(ProblemType.INVALID_REQUEST, message, (FieldError(ACCENT_FIELD, message),)) from None


def _keep(conn: sa.Connection, values: dict[str, str], now: int) -> None:
    conn.execute(sa.delete(t.installation).where(t.installation.c.name.in_(sorted(values))))
    rows = [{"name": name, "value": value, "changed_at": now} for name, value in sorted(values.items()) if value]
    if rows:
        conn.execute(sa.insert(t.installation), rows)


def _kept(conn: sa.Connection) -> dict[str, str]:
    """What is kept, by its name; the picture is left out."""
    i = t.installation.c
    rows = conn.execute(sa.select(i.name, i.value).where(i.name.in_((NAME, _ACCENT, _DIGEST)))).all()
    return {row.name: row.value for row in rows}


def _small(conn: sa.Connection) -> tuple[str, str]:
    found = _kept(conn)
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
