"""The language that a request asks for: what diagnoses are told in. All else that the API says is English."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import Depends, Header, Response

from leadkeeper.diagnoses.text import Language
from leadkeeper.doors.languages import accepted


def language_headers(language: Language) -> dict[str, str]:
    """The headers of an answer that is told in ``language``."""
    return {"Content-Language": language.value, "Vary": "Accept-Language"}


async def _asked(
    response: Response,
    accept_language: Annotated[
        str | None,
        Header(description="The language of diagnoses: pt (also pt-BR, pt-PT) or en, which it is if unsaid."),
    ] = None,
) -> Language:
    language = accepted(accept_language)
    response.headers.update(language_headers(language))
    return language


Asked = Annotated[Language, Depends(_asked)]
"""The language to tell diagnoses in; answers that are models carry it as ``Content-Language``."""

TOLD: Final[dict[str, Any]] = {
    "headers": {
        "Content-Language": {
            "description": "The language of the diagnoses in it.",
            "schema": {"type": "string", "enum": [language.value for language in Language]},
        }
    }
}
"""How OpenAPI documents an answer with diagnoses in it."""
