"""A marketplace's own colour, and the shades of it in which texts can be read. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from leadkeeper.texts import lazy_gettext as _

READABLE: Final = 4.5
"""The least contrast of a text with what is behind it. Source: WCAG 2.2, 1.4.3."""
ON_LIGHT: Final = "#eceff3"
"""The darkest surface of the light theme on which links stand."""
ON_DARK: Final = "#303841"
"""The lightest surface of the dark theme on which links stand."""
_COLOR: Final = re.compile(r"#[0-9a-fA-F]{6}")
_STEPS: Final = 50
_BLACK: Final = (0, 0, 0)
_WHITE: Final = (255, 255, 255)
_Rgb = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Shades:
    """The colour as the pages show it, each ``#rrggbb``: what is as it was given unless it could not be read."""

    light: str
    """Links and buttons of the light theme; white texts stand on it in both."""
    light_strong: str
    """The same under the pointer."""
    dark: str
    """Links of the dark theme."""
    dark_strong: str
    """The same under the pointer."""


def parse_color(text: str) -> str:
    """``text`` as ``#rrggbb`` in small letters. Raises ``ValueError`` for anything else."""
    if not _COLOR.fullmatch(text):
        raise ValueError(_("write a colour as #rrggbb, such as #0b5cab"))
    return text.lower()


def shades_of(color: str) -> Shades:
    """The shades of ``color`` (``#rrggbb``): darker on light, lighter on dark, by as little as is needed."""
    given = rgb(color)
    light = _moved(given, _BLACK, rgb(ON_LIGHT))
    dark = _moved(given, _WHITE, rgb(ON_DARK))
    return Shades(*map(_text, (light, _mixed(light, _BLACK, 0.2), dark, _mixed(dark, _WHITE, 0.35))))


def contrast(one: str, other: str) -> float:
    """From 1 (the same) to 21 (black on white). Source: WCAG 2.2, "contrast ratio"."""
    darker, lighter = sorted((_luminance(rgb(one)), _luminance(rgb(other))))
    return (lighter + 0.05) / (darker + 0.05)


def rgb(color: str) -> _Rgb:
    """Red, green and blue of ``#rrggbb``, each from 0 to 255."""
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def _moved(color: _Rgb, towards: _Rgb, behind: _Rgb) -> _Rgb:
    """``color``, moved until it can be read before ``behind``."""
    for step in range(_STEPS):
        found = _mixed(color, towards, step / _STEPS)
        if contrast(_text(found), _text(behind)) >= READABLE:
            return found
    return towards


def _mixed(color: _Rgb, other: _Rgb, part: float) -> _Rgb:
    red, green, blue = (round(a + (b - a) * part) for a, b in zip(color, other, strict=True))
    return red, green, blue


def _luminance(color: _Rgb) -> float:
    """From 0 to 1. Source: WCAG 2.2, "relative luminance"."""
    parts = (each / 255 for each in color)
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _text(color: _Rgb) -> str:
    return "#{:02x}{:02x}{:02x}".format(*color)
