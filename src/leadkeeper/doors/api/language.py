"""The language that a request asks for: what diagnoses, and what settings do, are told in."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import Depends, FastAPI, Header, Request, Response

from leadkeeper.doors.languages import accepted
from leadkeeper.texts import Language, Languages


def speak(app: FastAPI, languages: Languages) -> None:
    """Let the routes of ``app`` tell diagnoses in ``languages``."""
    app.state.languages = languages


def language_headers(language: Language) -> dict[str, str]:
    """The headers of an answer that is told in ``language``."""
    return {"Content-Language": language.code, "Vary": "Accept-Language"}


async def _asked(
    request: Request,
    response: Response,
    accept_language: Annotated[
        str | None,
        Header(description="The language of diagnoses: pt (also pt-BR, pt-PT) or en, which it is if unsaid."),
    ] = None,
) -> Language:
    language = accepted(accept_language, request.app.state.languages)
    response.headers.update(language_headers(language))
    return language


Asked = Annotated[Language, Depends(_asked)]
"""The language to tell diagnoses in; answers that are models carry it as ``Content-Language``."""

SUMMARY: Final[dict[str, Any]] = {
    "headers": {
        "Content-Language": {
            "description": "The language of the diagnoses in it, such as en or pt.",
            "schema": {"type": "string"},
        }
    }
}
"""How OpenAPI documents an answer with diagnoses in it."""
