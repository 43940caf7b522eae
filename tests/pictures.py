"""Pictures for tests."""

from __future__ import annotations

import io
import struct
import zlib

from PIL import Image, ImageDraw, ImageFont


def png(width: int, height: int) -> bytes:
    """A blue PNG of this size."""
    row = b"\x00" + b"\x1f\x5f\xaf" * width
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(row * height)),
        (b"IEND", b""),
    )
    body = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + body


def emblem(letter: str, colour: str, side: int = 128) -> bytes:
    """A PNG that could be somebody's logo: a letter in a square with round corners."""
    picture = Image.new("RGBA", (4 * side, 4 * side))
    drawn = ImageDraw.Draw(picture)
    drawn.rounded_rectangle((0, 0, 4 * side - 1, 4 * side - 1), radius=side, fill=colour)
    drawn.text((2 * side, 2 * side), letter, fill="white", anchor="mm", font=ImageFont.load_default(2.6 * side))
    body = io.BytesIO()
    picture.resize((side, side), Image.Resampling.LANCZOS).save(body, "PNG")
    return body.getvalue()
