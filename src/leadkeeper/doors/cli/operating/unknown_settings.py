"""Names that look like settings and are none: a misspelt setting keeps its default, and nobody hears of it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from leadkeeper.doors.cli.remote.chosen import KEY_FILE, URL
from leadkeeper.texts import lazy_gettext as _

_PREFIX: Final = "LEADKEEPER_"
_LIKE: Final = 0.7
"""How like a setting a name must be for that setting to be meant: 1 is the same."""


@dataclass(frozen=True, slots=True)
class UnknownSetting:
    """A name that no setting has: what is wrong with it, and what to do."""

    name: str
    summary: str
    remedy: str


def unknown_settings() -> list[UnknownSetting]:
    """Those of the environment and of ``.env``, in the order of their names. Says nothing of values."""
    from dotenv import dotenv_values

    known = _known()
    found = {*_of_ours(os.environ), *_of_ours(dotenv_values(".env") if Path(".env").is_file() else ())}
    return [_described(name, known) for name in sorted(found - known)]


def _known() -> set[str]:
    from leadkeeper.settings import Settings

    return {URL, KEY_FILE, *(f"{_PREFIX}{field}".upper() for field in Settings.model_fields)}


def _of_ours(names: Iterable[str]) -> set[str]:
    return {name.upper() for name in names if name.upper().startswith(_PREFIX)}


def _described(name: str, known: set[str]) -> UnknownSetting:
    # Without what all of them begin with, by which any two would be alike.
    ends = {each.removeprefix(_PREFIX): each for each in known}
    meant = get_close_matches(name.removeprefix(_PREFIX), ends, n=1, cutoff=_LIKE)
    if meant:
        summary = _("%(name)s is no setting; did you mean %(meant)s?", name=name, meant=ends[meant[0]])
        return UnknownSetting(name, summary, _("correct the name, or remove it"))
    summary = _("%(name)s is no setting", name=name)
    return UnknownSetting(name, summary, _("remove it; docs/reference/settings.md lists all settings"))
