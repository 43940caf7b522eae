"""The marketplace's logo for browsers; apart from the setting, which commands read without a web framework."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.doors.logo import Logo


def logo_page(logo: Logo) -> Callable[[Request], Response]:
    """Answers with the picture, which a browser takes for nothing else than what it is."""
    headers = {"Cache-Control": "public, max-age=3600", "X-Content-Type-Options": "nosniff"}
    headers |= {"Content-Security-Policy": "default-src 'none'; sandbox"}

    def answer(_: Request) -> Response:
        return Response(logo.body, headers=headers, media_type=logo.media_type)

    return answer
