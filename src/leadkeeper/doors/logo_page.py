"""The marketplace's logo for browsers; apart from the setting, which commands read without a web framework."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.doors.logo import Logo

_PLAIN: Final = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox"}
_FOR_EVER: Final = "private, max-age=31536000, immutable"


def offer_logo(body: bytes) -> Response:
    """An offer's logo, whose address names its bytes: browsers keep it as long as they want, and nobody between."""
    return Response(body, headers={**_PLAIN, "Cache-Control": _FOR_EVER}, media_type="image/png")


def logo_page(logo: Logo) -> Callable[[Request], Response]:
    """Answers with the picture, which a browser takes for nothing else than what it is."""
    headers = {**_PLAIN, "Cache-Control": "public, max-age=3600"}

    def answer(_: Request) -> Response:
        return Response(logo.body, headers=headers, media_type=logo.media_type)

    return answer
