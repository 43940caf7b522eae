"""What an error means that somebody pasted."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Query

from leadkeeper.destinations.registry import Destinations
from leadkeeper.doors.api.language import SUMMARY, Asked
from leadkeeper.doors.api.resource import add
from leadkeeper.doors.api.security import Reader
from leadkeeper.explain.find import explain
from leadkeeper.explain.views import Explained
from leadkeeper.model_errors import NO_NUL
from leadkeeper.texts import Languages

Pasted = Annotated[str, Query(min_length=1, max_length=4_000, description="The error's text or code.", pattern=NO_NUL)]


class Explainer:
    """``GET /v1/explain``. Our own sentences are known in each of ``languages``, the codes of ``destinations``."""

    def __init__(self, languages: Languages, destinations: Destinations) -> None:
        self._languages = languages
        self._destinations = destinations

    def serve_on(self, app: FastAPI) -> None:
        """Add the route."""
        summary = "What an error means"
        add(app, "GET", "/v1/explain", self.get_explanation, tag="Diagnoses", summary=summary, responses={200: SUMMARY})

    async def get_explanation(self, q: Pasted, _: Reader, language: Asked) -> Explained:
        """The entries of the catalogue that a text or code means, the surest first; none when nothing is known."""
        return Explained(explanations=explain(q, language, self._languages, self._destinations))
