"""A publisher's picture is drawn anew, and only what is one is taken."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

from leadkeeper.problem import Problem
from leadkeeper.publishing.logo_image import MOST_BYTES, MOST_PIXELS, SIDE, draw_anew
from tests.pictures import png

WHERE = 0x8825  # the place in a camera's notes at which it says where it was


def saved(kind: str, size: tuple[int, int] = (40, 20), **more: Any) -> bytes:
    """A red picture of this kind."""
    file = io.BytesIO()
    Image.new("RGB", size, "#c00000").save(file, kind, **more)
    return file.getvalue()


def read(body: bytes) -> Image.Image:
    """The picture that was drawn."""
    picture = Image.open(io.BytesIO(body))
    assert picture.format == "PNG"
    return picture


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_each_kind_becomes_a_png(kind: str) -> None:
    drawn = read(draw_anew(saved(kind)))
    assert drawn.size == (40, 20)
    red, green, blue = drawn.convert("RGB").getpixel((20, 10))  # type: ignore[misc]
    assert (red > 180, green < 20, blue < 20) == (True, True, True)


def test_a_large_one_becomes_as_large_as_pages_show_it() -> None:
    assert read(draw_anew(png(1_000, 500))).size == (SIDE, SIDE // 2)


def test_what_is_clear_stays_clear() -> None:
    file = io.BytesIO()
    Image.new("RGBA", (8, 8), (0, 0, 255, 0)).save(file, "WEBP")
    assert read(draw_anew(file.getvalue())).getpixel((4, 4))[3] == 0  # type: ignore[index]


def test_what_else_the_file_holds_is_left_behind() -> None:
    notes = Image.Exif()
    notes[WHERE] = {1: "N", 2: (52.0, 31.0, 12.0)}
    text = PngImagePlugin.PngInfo()
    text.add_text("Author", "ada@contoso.example")
    for body in (saved("JPEG", exif=notes, comment=b"ada@contoso.example"), saved("PNG", pnginfo=text)):
        assert b"ada@contoso" in body
        drawn = draw_anew(body + b"<script>alert(1)</script>")
        assert b"ada@contoso" not in drawn
        assert b"script" not in drawn
        assert not read(drawn).info.get("exif")


def test_one_that_a_camera_turned_is_upright() -> None:
    notes = Image.Exif()
    notes[0x0112] = 6
    assert read(draw_anew(saved("JPEG", (40, 20), exif=notes))).size == (20, 40)


def test_of_a_moving_picture_it_is_the_first_frame() -> None:
    file = io.BytesIO()
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("#c00000", "#00c000")]
    frames[0].save(file, "PNG", save_all=True, append_images=frames[1:])
    drawn = read(draw_anew(file.getvalue()))
    assert getattr(drawn, "n_frames", 1) == 1
    assert drawn.convert("RGB").getpixel((4, 4)) == (192, 0, 0)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "Choose a file"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no picture that can be read"),
        (saved("GIF"), "no picture that can be read"),
        (saved("BMP"), "no picture that can be read"),
        (png(16, 16)[:50], "no picture that can be read"),
        (saved("WEBP")[:30], "no picture that can be read"),
        (saved("JPEG")[:200], "no picture that can be read"),
        (png(MOST_PIXELS + 1, 1), "at most 2048 pixels"),
        (png(1, MOST_PIXELS + 1), "at most 2048 pixels"),
        (png(8, 8) + bytes(MOST_BYTES), "at most 256 KiB"),
    ],
)
def test_nothing_else_is_taken(body: bytes, message: str) -> None:
    with pytest.raises(Problem) as refused:
        draw_anew(body)
    assert message in str(refused.value.detail)
    assert [error.field for error in refused.value.errors] == ["logo"]


def test_one_that_says_it_is_huge_is_refused_before_it_is_decoded() -> None:
    head = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    small = png(1, 1)
    huge = small[:16] + head + struct.pack(">I", zlib.crc32(b"IHDR" + head)) + small[33:]
    with pytest.raises(Problem, match="pixels"):
        draw_anew(huge)
