"""The language that a request asks for: what diagnoses are told in. All else that the API says is English."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from fastapi import Depends, Header, Response

from leadkeeper.diagnoses.text import Language

_RANGE: Final = re.compile(
    r"\s*(?P<language>[A-Za-z]{1,8}|\*)(-[A-Za-z0-9-]*)?\s*(;\s*q\s*=\s*(?P<weight>0(\.[0-9]{0,3})?|1(\.0{0,3})?)\s*)?"
)
_LONGEST: Final = 1_000


def accepted(header: str | None) -> Language:
    """The language that an ``Accept-Language`` wants most of those that there are: pt for any Portuguese, else en.

    Takes any text; what is no language range is passed over.
    """
    wanted: dict[str, float] = {}
    for text in (header or "")[:_LONGEST].split(","):
        found = _RANGE.fullmatch(text)
        if found is not None:
            name, weight = found["language"].lower(), float(found["weight"] or 1)
            wanted[name] = max(weight, wanted.get(name, 0.0))
    return max(Language, key=lambda language: wanted.get(language.value, wanted.get("*", 0.0)))


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
