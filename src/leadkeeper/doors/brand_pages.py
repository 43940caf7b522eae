"""The marketplace's logo and colour for browsers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.publishing.accent import rgb, shades_of
from leadkeeper.publishing.branding import Branding

_PLAIN: Final = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox"}
_AN_HOUR: Final = {**_PLAIN, "Cache-Control": "public, max-age=3600"}
_FOR_EVER: Final = "private, max-age=31536000, immutable"


def offer_logo(body: bytes) -> Response:
    """An offer's logo, whose address names its bytes: browsers keep it as long as they want, and nobody between."""
    return Response(body, headers={**_PLAIN, "Cache-Control": _FOR_EVER}, media_type="image/png")


def logo_page(
    branding: Branding, without: Callable[[Request], Response] | None = None
) -> Callable[[Request], Response]:
    """Answers with the marketplace's logo, which a browser takes for nothing else than what it is.

    Where it has none ``without`` answers; without that, nothing is there.
    """

    def answer(request: Request) -> Response:
        logo = branding.logo
        if logo is not None:
            return Response(logo.body, headers=_AN_HOUR, media_type=logo.media_type)
        if without is None:
            raise HTTPException(404)
        return without(request)

    return answer


def accent_page(branding: Branding, css: Callable[[str], str], *, lasts: int = 3_600) -> Callable[[Request], Response]:
    """Answers with the style that shows the marketplace's colour: ``css`` of it; empty where ours is shown.

    Browsers ask again after ``lasts`` seconds: an address that names no colour should say less than the hour.
    """
    headers = {**_PLAIN, "Cache-Control": f"public, max-age={lasts}"}

    def answer(_: Request) -> Response:
        return Response(css(branding.accent) if branding.accent else "", headers=headers, media_type="text/css")

    return answer


def portal_css(color: str) -> str:
    """The portal's variables, see ``portal.css``."""
    s = shades_of(color)
    numbers = ", ".join(map(str, rgb(s.light)))
    return (
        f":root, [data-bs-theme] {{ --accent: light-dark({s.light}, {s.dark}); --tblr-primary: {s.light}; "
        f"--tblr-primary-rgb: {numbers}; --tblr-primary-darken: {s.light_strong}; "
        f"--tblr-link-color: light-dark({s.light}, {s.dark}); "
        f"--tblr-link-hover-color: light-dark({s.light_strong}, {s.dark_strong}); }}\n"
    )


def store_css(color: str) -> str:
    """The variables of the pages outside of the portal, see ``pages.css``."""
    s = shades_of(color)
    shown = {"": f"light-dark({s.light}, {s.dark})", "-background": s.light, "-border": s.light}
    strong = {"": f"light-dark({s.light_strong}, {s.dark_strong})"}
    strong |= {"-background": s.light_strong, "-border": s.light_strong}
    calm = "".join(f"--pico-primary{each}: {value}; " for each, value in shown.items())
    hover = "".join(f"--pico-primary-hover{each}: {value}; " for each, value in strong.items())
    under = f"light-dark({s.light}66, {s.dark}66)"
    more = f"--pico-primary-underline: {under}; --pico-primary-focus: light-dark({s.light}80, {s.dark}80); "
    return f":root:not([data-theme]) {{ {calm}{hover}{more}}}\n"


def docs_css(color: str) -> str:
    """The variables of the documentation's theme, which chooses by attributes whether it is dark."""
    s = shades_of(color)
    both = f"--md-primary-fg-color: {s.light}; --md-primary-fg-color--dark: {s.light_strong}; "
    light = f"--md-typeset-a-color: {s.light}; --md-accent-fg-color: {s.light_strong}; "
    dark = f"--md-typeset-a-color: {s.dark}; --md-accent-fg-color: {s.dark_strong}; "
    return (
        f"[data-md-color-scheme][data-md-color-primary][data-md-color-accent] {{ {both}{light}}}\n"
        f'[data-md-color-scheme="slate"][data-md-color-primary][data-md-color-accent] {{ {both}{dark}}}\n'
    )
