"""The looks of the marketplace, as a part of all settings: a logo in a file of the operator's, and a colour."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings

from leadkeeper.publishing.accent import parse_color
from leadkeeper.texts import lazy_gettext as _

MOST_BYTES: Final = 262_144
"""The most bytes of a logo: every page shows it."""
MOST_PIXELS: Final = 1_024
"""The most pixels of a logo's width, and of its height."""
_PNG: Final = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"


@dataclass(frozen=True, slots=True)
class Logo:
    """A picture: its bytes as they are in the file, and their kind."""

    body: bytes
    media_type: str


def read_logo(path: Path) -> Logo:
    """The logo in a file: PNG or WebP, which is told by its bytes and not by its name.

    Raises ``ValueError`` in one line for another kind, for more than :data:`MOST_BYTES`, and for a width or height of 0
    or of more than :data:`MOST_PIXELS`.
    """
    try:
        with path.open("rb") as file:
            body = file.read(MOST_BYTES + 1)
    except OSError:
        raise ValueError(_("there is no such file, or it cannot be read")) from None
    if len(body) > MOST_BYTES:
        raise ValueError(_("a logo has at most %(most)s KiB", most=MOST_BYTES // 1_024))
    media_type, size = ("image/png", _of_png(body)) if body.startswith(_PNG) else ("image/webp", _of_webp(body))
    if size is None:
        raise ValueError(_("a logo is a PNG or a WebP file"))
    if not all(0 < pixels <= MOST_PIXELS for pixels in size):
        raise ValueError(_("a logo has at most %(most)s x %(most)s pixels", most=MOST_PIXELS))
    return Logo(body, media_type)


def _of_png(body: bytes) -> tuple[int, int] | None:
    """Width and height. Source: PNG specification (W3C), 11.2.2 IHDR."""
    if len(body) < 33:
        return None
    return int.from_bytes(body[16:20], "big"), int.from_bytes(body[20:24], "big")


def _of_webp(body: bytes) -> tuple[int, int] | None:
    """Width and height of any of the three kinds. Source: RFC 9649, 2.5 to 2.7, and RFC 6386, 9.1."""
    if len(body) < 30 or body[:4] != b"RIFF" or body[8:12] != b"WEBP":
        return None
    match body[12:16]:
        case b"VP8 " if body[23:26] == b"\x9d\x01\x2a":
            return (
                int.from_bytes(body[26:28], "little") & 0x3FFF,
                int.from_bytes(body[28:30], "little") & 0x3FFF,
            )
        case b"VP8L" if body[20] == 0x2F:
            bits = int.from_bytes(body[21:25], "little")
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8X":
            return int.from_bytes(body[24:27], "little") + 1, int.from_bytes(body[27:30], "little") + 1
    return None


class LogoFields(BaseSettings):
    """The settings of the logo and the colour."""

    logo_file: Path | None = Field(
        None,
        description=_(
            "PNG or WebP file (at most 256 KiB, 1024 x 1024 pixels) that the portal and the storefront show "
            "as the marketplace's logo, and browsers beside their pages' titles; unset, the one given in the portal."
        ),
    )
    accent_color: str | None = Field(
        None,
        description=_(
            "Colour of buttons and links in the portal and the storefront, such as #0b5cab; shown darker or "
            "lighter where it could not be read; unset, the one given in the portal."
        ),
    )

    @field_validator("logo_file")
    @classmethod
    def _logo_file(cls, value: Path | None) -> Path | None:
        if value is not None:
            read_logo(value)
        return value

    @field_validator("accent_color")
    @classmethod
    def _accent_color(cls, value: str | None) -> str | None:
        return None if not value else parse_color(value)

    @property
    def logo(self) -> Logo | None:
        """The logo, read from its file. Raises ``ValueError`` as :func:`read_logo`."""
        return None if self.logo_file is None else read_logo(self.logo_file)
