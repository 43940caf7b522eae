"""The documentation as a site below ``/docs``, and the API reference in which calls can be tried below ``/docs/api``.

Both are for everybody, and ask no host but this one.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Route

from leadkeeper.doors.brand_pages import accent_page, docs_css, store_css
from leadkeeper.doors.pages import SAFE_HEADERS, SHARED, STATIC, Pages, content_security_policy, static_file
from leadkeeper.publishing.branding import Branding
from leadkeeper.texts import Languages

SITE: Final = STATIC / "docs"
"""The built documentation: see ``scripts/setup-docs``."""
API_PAGE: Final = "/docs/api"
ACCENT: Final = "accent.css"
"""A file of the site, empty where it is read without the program; here it shows the marketplace's colour."""
_ASSETS: Final = Path(__file__).parent / "assets"
_FILES: Final = {
    **{name: STATIC / name for name in ("swagger-ui.css", "swagger-ui-bundle.js", "pico.min.css")},
    **{name: _ASSETS / name for name in ("api.css", "api.js")},
    "pages.css": SHARED,
}
_TYPES: Final = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".map": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".woff2": "font/woff2",
    ".xml": "application/xml",
}
"""What a site of MkDocs consists of; nothing else is served."""


class DocsDoor:
    """The pages. ``name`` and ``branding`` are the marketplace's; ``site`` is the folder of the built documentation."""

    def __init__(self, languages: Languages, *, name: object, branding: Branding, site: Path = SITE) -> None:
        self._site = site.resolve()
        policy = content_security_policy()
        self._headers = {**SAFE_HEADERS, "Content-Security-Policy": policy, "Cache-Control": "public, max-age=300"}
        self._pages = Pages("leadkeeper.doors.docs", languages, policy, marketplace=name, branding=branding)
        self._branding = branding

    def app(self) -> Starlette:
        """The pages as an application, below ``/docs``."""
        routes = [
            Route("/docs", lambda _: RedirectResponse("/docs/", 308)),
            Route(API_PAGE, self._api),
            *(Route(f"{API_PAGE}/{name}", _file(path)) for name, path in _FILES.items()),
            Route(f"{API_PAGE}/accent.css", accent_page(self._branding, store_css)),
            Route(f"/docs/{ACCENT}", accent_page(self._branding, docs_css, lasts=300)),
            Route("/docs/{path:path}", self._page),
        ]
        return Starlette(routes=routes, exception_handlers={HTTPException: self._of_http})

    async def _api(self, request: Request) -> Response:
        missing = not (STATIC / "swagger-ui-bundle.js").is_file()
        return self._message(request, "missing.html", 503) if missing else self._message(request, "api.html")

    async def _page(self, request: Request) -> Response:
        path: str = request.path_params["path"]
        if path.endswith(".md"):  # where the sources link to it, and older answers did
            built = path.removesuffix(".md").removesuffix("README") + ("index" if path.endswith("README.md") else "")
            return RedirectResponse(f"/docs/{built}.html", 308)
        found = await run_in_threadpool(self._found, path)
        if found is not None:
            return FileResponse(found, headers=self._headers, media_type=_TYPES[found.suffix])
        if not await run_in_threadpool((self._site / "index.html").is_file):
            return self._message(request, "missing.html", 503)
        raise HTTPException(404)

    def _found(self, path: str) -> Path | None:
        """The file of the site at ``path``; nothing outside of it."""
        try:
            file = (self._site / (path or "index.html")).resolve()
            file = file / "index.html" if file.is_dir() else file
            within = file.is_relative_to(self._site) and file.suffix in _TYPES and file.is_file()
        except (OSError, ValueError):  # too long for a name, or holds what none can
            return None
        return file if within else None

    async def _of_http(self, request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 404
        return self._message(request, "nothing.html", status)

    def _message(self, request: Request, template: str, status: int = 200) -> Response:
        content: dict[str, Any] = {"there": (self._site / "index.html").is_file()}
        return self._pages.page(request, template, status, **content)


def _file(path: Path) -> Callable[[Request], Response]:
    return lambda request: static_file(path, request.headers.get("accept-encoding", ""))
