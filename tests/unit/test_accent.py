"""A marketplace's colour: whatever it is, texts in it and on it can be read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadkeeper.publishing.accent import ON_DARK, ON_LIGHT, READABLE, contrast, parse_color, shades_of

COLORS = st.integers(0, 0xFFFFFF).map("#{:06x}".format)


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert contrast("#0b5cab", "#0b5cab") == 1


@given(COLORS)
def test_every_colour_can_be_read(color: str) -> None:
    s = shades_of(color)
    for shade in (s.light, s.light_strong):
        assert contrast(shade, ON_LIGHT) >= READABLE
        assert contrast(shade, "#ffffff") >= READABLE
    for shade in (s.dark, s.dark_strong):
        assert contrast(shade, ON_DARK) >= READABLE


def test_what_can_be_read_stays_as_it_is() -> None:
    assert shades_of("#0b5cab").light == "#0b5cab"
    assert shades_of("#ffcc00").dark == "#ffcc00"
    assert shades_of("#ffcc00").light != "#ffcc00"


def test_a_colour_is_six_digits() -> None:
    assert parse_color("#0B5CAB") == "#0b5cab"
    for text in ("", "0b5cab", "#0b5", "red", "#0b5cab;", "#0b5cag", "#0b5cab\n", "url(x)"):
        with pytest.raises(ValueError, match="#rrggbb"):
            parse_color(text)
