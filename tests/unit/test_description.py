"""A publisher's description as HTML: what it may say, and what nobody can put into a page with it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadkeeper.doors.description import _rendered, described
from tests.costs import least_seconds

ALLOWED = re.compile(
    r"</?(?:p|h[3-6]|ul|ol|li|strong|em|code)>|<br>|</a>|<ol start=\"\d+\">"
    r"|<a href=\"(?:https?://|mailto:)[^\"<>\s]*\"(?: title=\"[^\"<>]*\")? rel=\"nofollow noopener\">"
)


def test_it_has_paragraphs_headings_lists_emphasis_and_links() -> None:
    text = "# Fast\n\n**Bold**, *soft*\nnext\n\n- one\n- two\n\n[More](https://contoso.example/a?b=1&c=2)"
    assert described(text) == (
        "<h3>Fast</h3>\n<p><strong>Bold</strong>, <em>soft</em><br>\nnext</p>\n"
        "<ul>\n<li>one</li>\n<li>two</li>\n</ul>\n"
        '<p><a href="https://contoso.example/a?b=1&amp;c=2" rel="nofollow noopener">More</a></p>\n'
    )


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "![x](https://evil.example/x.png)",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](data:text/html;base64,AAAA)",
        "[x](/portal/sign-out)",
        "[x](//evil.example)",
        '[x](https://a.example "t\\" onclick=alert(1)")',
        "<https://evil.example>",
        "&lt;script&gt;",
        "| a |\n|---|\n| b |",
        "[r]\n\n[r]: javascript:alert(1)",
    ],
)
def test_nothing_else_comes_into_a_page(text: str) -> None:
    assert "<" not in ALLOWED.sub("", described(text))


@given(st.text(alphabet="<>[]()*_`#-!&\"'\\/: \n1.ahtps", max_size=200))
def test_no_text_brings_other_html(text: str) -> None:
    assert "<" not in ALLOWED.sub("", described(text))


@pytest.mark.parametrize("piece", ["[", "[a](", "*a ", "**a_", "- ", "_", "*_", "[](", "&", "\\", "a\n", "- a\n"])
def test_eight_times_a_hostile_text_takes_about_eight_times_as_long(piece: str) -> None:
    def took(size: int) -> float:
        text = piece * (size // len(piece))
        return least_seconds(lambda: _rendered.__wrapped__(text))  # else the second round remembers the first

    # Quadratic, it would be 64 times as long.
    assert took(16_000) < 24 * max(took(2_000), 0.0005)
