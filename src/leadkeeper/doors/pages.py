"""What the doors with pages share: templates, their language, headers that keep pages safe, and static files."""

from __future__ import annotations

import asyncio
import functools
import gzip
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from importlib import resources
from pathlib import Path
from types import CodeType, MappingProxyType
from typing import Any, ClassVar, Final

from jinja2 import BytecodeCache, Environment, PackageLoader, StrictUndefined, select_autoescape
from jinja2.bccache import Bucket
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from leadkeeper.doors.cookies import cookie
from leadkeeper.doors.languages import accepted
from leadkeeper.gate import Gate, acting_for
from leadkeeper.texts import Language, Languages, LazyText

LANGUAGE_COOKIE: Final = "language"
_YEAR: Final = 31_536_000
_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_DOORS: Final = Path(str(resources.files("leadkeeper.doors")))
STATIC: Final = _DOORS / "static"
"""Copied from npm when the project is set up: see ``scripts/setup-node``."""
SHARED: Final = _DOORS / "assets" / "pages.css"
"""What the pages of all doors share."""


SAFE_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # nothing to other sites; our own forms say whose they are
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class StaticMissing(Exception):
    """The files that pages are dressed in are not there."""


def language_of(request: Request, languages: Languages) -> Language:
    """The language of a page: of the link that was followed, else chosen before, else the browser's."""
    for chosen in (request.query_params.get("lang"), cookie(request.scope, LANGUAGE_COOKIE)):
        found = next((language for language in languages if language.code == chosen), None)
        if found is not None:
            return found
    return accepted(request.headers.get("accept-language"), languages)


RENDERED_AT_ONCE: Final = 2
"""How many pages of a door are rendered at the same time, each in a thread; publishers take turns."""


class _Page(HTMLResponse):
    """A page that is rendered as it is sent: what takes long to render keeps nobody else's requests waiting."""

    def __init__(self, render: Callable[[], Awaitable[str]], status: int, headers: Mapping[str, str]) -> None:
        super().__init__(None, status, headers)
        self._render = render

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.body = (await self._render()).encode()
        self.headers["Content-Length"] = str(len(self.body))
        await super().__call__(scope, receive, send)


class Pages:
    """Renders one door's templates in each of ``languages``, sealed by ``policy``.

    In a template ``{% trans %}`` and ``_("…")`` tell texts of ours in the page's language. A text of ``lazy_gettext``
    is told wherever it is shown, a publisher's own stays as it is; ``|tell`` does so where a text is a part of another.
    ``|number`` and ``|moment`` write numbers and dates as the language's people do; ``language`` is its code,
    ``reader_language`` the language itself for functions that tell in one, ``languages`` are all that can be chosen.
    ``functions`` are what every template, and every part of one that is imported, may call by name.
    """

    def __init__(
        self,
        package: str,
        languages: Languages,
        policy: str,
        *,
        functions: Mapping[str, Any] = MappingProxyType({}),
        **always: Any,
    ) -> None:
        self._languages = languages
        self._headers = {**SAFE_HEADERS, "Content-Security-Policy": policy, "Cache-Control": "no-store"}
        self._always = {"languages": languages} | always
        self._turns = Gate(RENDERED_AT_ONCE, 1)
        compiled = _Compiled()
        self._environments = {language.code: _environment(package, language, compiled) for language in languages}
        for environment in self._environments.values():
            environment.globals.update(functions)

    def language_of(self, request: Request) -> Language:
        """The language in which :meth:`page` answers this request."""
        return language_of(request, self._languages)

    def render(self, template: str, language: Language, **content: Any) -> str:
        """A template with its content."""
        found = self._environments[language.code].get_template(template)
        return found.render(language=language.code, **(self._always | content))

    async def _rendered(self, render: Callable[[], str]) -> str:
        async with self._turns.place(acting_for()):
            return await asyncio.to_thread(render)

    def page(
        self,
        request: Request,
        template: str,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        **content: Any,
    ) -> HTMLResponse:
        """A template as a page that nobody stores, in the language asked for; it is rendered as it is sent."""
        language = self.language_of(request)
        render = functools.partial(self.render, template, language, path=request.url.path, **content)
        response = _Page(lambda: self._rendered(render), status, {**self._headers, **(headers or {})})
        response.headers["Content-Language"] = language.code
        if request.query_params.get("lang") == language.code:
            response.set_cookie(LANGUAGE_COOKIE, language.code, max_age=_YEAR, samesite="lax", httponly=True)
        return response


class _Compiled(BytecodeCache):
    """What templates were compiled to: once in a process, for every language."""

    _CODE: ClassVar[dict[str, CodeType]] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give what was kept for this text of the template."""
        bucket.code = self._CODE.get(bucket.key + bucket.checksum)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep it."""
        if bucket.code is not None:
            self._CODE[bucket.key + bucket.checksum] = bucket.code


def _environment(package: str, language: Language, compiled: BytecodeCache) -> Environment:
    """The templates of ``package`` in one language: also what a macro says, which sees no page's content."""
    environment = Environment(
        loader=PackageLoader(package),
        bytecode_cache=compiled,
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        finalize=lambda shown: language.tell(shown) if isinstance(shown, LazyText) else shown,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    texts = language.catalogue
    environment.install_gettext_callables(  # type: ignore[attr-defined]
        texts.gettext, texts.ngettext, newstyle=True, pgettext=texts.pgettext, npgettext=texts.npgettext
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.globals["reader_language"] = language
    environment.filters |= {
        "number": language.number,
        "moment": language.moment,
        "duration": language.duration,
        "tell": language.tell,
    }
    return environment


def content_security_policy(
    *, scripts: str = "'self'", frames: str = "'none'", connect: str = "'self'", ancestors: str = "'none'"
) -> str:
    """A policy under which nothing from elsewhere runs but what is named; ``ancestors`` may show the page."""
    return (
        f"default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; script-src {scripts}; "
        f"frame-src {frames}; connect-src {connect}; form-action 'self'; base-uri 'none'; frame-ancestors {ancestors}"
    )


@lru_cache(maxsize=32)
def _static(path: Path) -> bytes:
    return path.read_bytes()


@lru_cache(maxsize=32)
def _compressed(path: Path) -> bytes:
    return gzip.compress(path.read_bytes(), mtime=0)


def static_file(path: Path, accepts: str = "") -> Response:
    """A file that pages are dressed in; compressed for who ``accepts`` that (``Accept-Encoding``)."""
    headers = {
        "Cache-Control": "public, max-age=3600",
        "X-Content-Type-Options": "nosniff",
        "Vary": "Accept-Encoding",
    }
    body = _static(path)
    if "gzip" in accepts[:200].lower():
        body, headers["Content-Encoding"] = _compressed(path), "gzip"
    return Response(body, headers=headers, media_type=_TYPES[path.suffix])


def require_static() -> None:
    """Raise :class:`StaticMissing` unless what is copied from npm is there."""
    if not all((STATIC / name).is_file() for name in ("pico.min.css", "tabler.min.css", "icons.svg")):
        raise StaticMissing
