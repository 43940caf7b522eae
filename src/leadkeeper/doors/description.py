"""An offer's description for customers: Markdown, as far as a publisher's text can be shown safely."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markupsafe import Markup

from leadkeeper.publishing.links import is_page, is_reachable
from leadkeeper.publishing.listing import MOST_OF_DESCRIPTION

_TOP: Final = 3
"""The level of the first heading: those above are the page's own."""


class _Renderer(RendererHTML):
    """Headings below the page's own; links that pass nothing on."""

    def heading_open(self, tokens: list[Token], index: int, options: Any, env: Any) -> str:
        tokens[index].tag = tokens[index].tag and f"h{min(int(tokens[index].tag[1]) + _TOP - 1, 6)}"
        return self.renderToken(tokens, index, options, env)

    heading_close = heading_open

    def link_open(self, tokens: list[Token], index: int, options: Any, env: Any) -> str:
        tokens[index].attrSet("rel", "nofollow noopener")
        return self.renderToken(tokens, index, options, env)


class _Markdown(MarkdownIt):
    """Markdown whose links lead to pages and to e-mail addresses alone."""

    def validateLink(self, url: str) -> bool:  # the library's name
        return is_page(url) or is_reachable(url.removeprefix("mailto:"))


_MARKDOWN: Final = _Markdown("zero", {"html": False, "breaks": True, "maxNesting": 10}, renderer_cls=_Renderer).enable(
    ["heading", "list", "emphasis", "link", "newline", "escape", "backticks", "entity"]
)


def described(text: str) -> Markup:
    """Paragraphs, headings, lists, emphasis and links (to pages and e-mail addresses) as HTML; all else as it is typed.

    No HTML of the publisher's, no picture, nothing from elsewhere.
    """
    return _rendered(text[:MOST_OF_DESCRIPTION])


@lru_cache(maxsize=256)
def _rendered(text: str) -> Markup:
    return Markup(_MARKDOWN.render(text))  # noqa: S704 - its HTML is the renderer's alone
