"""What may be a marketplace's logo."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from leadkeeper.doors.logo import MOST_BYTES, MOST_PIXELS, read_logo
from tests.pictures import png


def webp(kind: bytes, data: bytes) -> bytes:
    """A WebP file of one chunk."""
    chunk = kind + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


def lossy(width: int, height: int) -> bytes:
    return webp(b"VP8 ", b"\x30\x01\x00\x9d\x01\x2a" + struct.pack("<HH", width, height) + bytes(20))


def lossless(width: int, height: int) -> bytes:
    return webp(b"VP8L", b"\x2f" + struct.pack("<I", width - 1 | height - 1 << 14) + bytes(20))


def extended(width: int, height: int) -> bytes:
    return webp(b"VP8X", bytes(4) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little"))


@pytest.mark.parametrize(
    ("make", "media_type"),
    [(png, "image/png"), (lossy, "image/webp"), (lossless, "image/webp"), (extended, "image/webp")],
)
def test_a_small_picture_is_taken_as_it_is_and_a_large_one_is_not(
    tmp_path: Path, make: Callable[[int, int], bytes], media_type: str
) -> None:
    file = tmp_path / "logo.txt"  # the bytes say what it is
    file.write_bytes(make(MOST_PIXELS, 3))
    logo = read_logo(file)
    assert (logo.body, logo.media_type) == (file.read_bytes(), media_type)
    for size in ((MOST_PIXELS + 1, 3), (3, MOST_PIXELS + 1)):
        file.write_bytes(make(*size))
        with pytest.raises(ValueError, match="pixels"):
            read_logo(file)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<!doctype html><script>alert(1)</script>" + bytes(100),
        b"GIF89a" + bytes(100),
        png(3, 3)[:20],
        lossy(3, 3)[:20],
        lossy(3, 3).replace(b"\x9d\x01\x2a", b"\x00\x00\x00"),
        lossless(3, 3).replace(b"VP8L", b"ICCP"),
    ],
)
def test_what_is_no_picture_is_refused(tmp_path: Path, body: bytes) -> None:
    file = tmp_path / "logo.png"
    file.write_bytes(body)
    with pytest.raises(ValueError, match="PNG or a WebP"):
        read_logo(file)


def test_a_heavy_file_and_a_missing_one_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "logo.png"
    with pytest.raises(ValueError, match="no such file"):
        read_logo(file)
    file.write_bytes(png(3, 3) + bytes(MOST_BYTES))
    with pytest.raises(ValueError, match="256 KiB"):
        read_logo(file)


def test_the_pictures_of_these_tests_are_pictures() -> None:
    """A PNG whose parts have the sums that a browser checks."""
    body, at = png(2, 3), 8
    while at < len(body):
        (length,) = struct.unpack(">I", body[at : at + 4])
        part = body[at + 4 : at + 8 + length]
        assert struct.unpack(">I", body[at + 8 + length : at + 12 + length]) == (zlib.crc32(part),)
        at += 12 + length
