"""A publisher's picture, drawn anew: what others are shown is never the file that somebody uploaded. No I/O."""

from __future__ import annotations

import io
import warnings
from typing import Final

from leadkeeper.problem import FieldError, Problem, ProblemType
from leadkeeper.texts import lazy_gettext as _

MOST_BYTES: Final = 262_144
"""The most bytes of an uploaded picture."""
MOST_PIXELS: Final = 2_048
"""The most pixels of its width, and of its height."""
SIDE: Final = 256
"""The most pixels of width and height of what is drawn: enough for the largest place that shows it, sharp."""
_KINDS: Final = ("PNG", "JPEG", "WEBP")
"""The decoders that are tried; which of them a picture is for, its bytes say and not its name."""


def draw_anew(body: bytes) -> bytes:
    """The picture in ``body`` as a PNG of at most :data:`SIDE` pixels each way, without whatever else the file held.

    Of a moving picture it is the first frame; one that a camera turned is upright. Raises :class:`Problem` for what is
    no PNG, JPEG or WebP, for more than :data:`MOST_BYTES`, and for more than :data:`MOST_PIXELS` each way, which is
    known before anything is decoded. Takes up to some tenths of a second.
    """
    if not body:
        raise refused(_("Choose a file: PNG, JPEG or WebP."))
    if len(body) > MOST_BYTES:
        raise refused(_("The file is too large: a logo has at most %(most)s KiB.", most=MOST_BYTES // 1_024))
    from PIL import Image, ImageOps  # noqa: PLC0415 - few processes draw pictures

    try:
        # What a picture's own warnings say (of its size, of damaged notes beside it) is decided below.
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(body), formats=_KINDS) as picture:
            if max(picture.size) > MOST_PIXELS:
                raise too_many_pixels()
            picture.draft(None, (2 * SIDE, 2 * SIDE))  # a JPEG is decoded no larger than is needed
            upright = ImageOps.exif_transpose(picture).convert("RGBA")
    except Problem:
        raise
    except Image.DecompressionBombError as error:
        raise too_many_pixels() from error
    except Exception as error:  # a decoder of hostile bytes may raise anything, and none of it is our own fault
        raise refused(_("The file is no picture that can be read: PNG, JPEG or WebP.")) from error
    upright.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    drawn = io.BytesIO()
    is_opaque = upright.getchannel("A").getextrema() == (255, 255)
    plain = upright.convert("RGB") if is_opaque else upright
    plain.save(drawn, "PNG", optimize=True)
    return drawn.getvalue()


def too_many_pixels() -> Problem:
    """Why a picture of too many pixels is not taken."""
    return refused(_("The picture is too large: a logo has at most %(most)s pixels each way.", most=MOST_PIXELS))


def refused(message: str) -> Problem:
    """Why a picture is not taken."""
    return Problem(ProblemType.INVALID_REQUEST, message, (FieldError("logo", message),))
