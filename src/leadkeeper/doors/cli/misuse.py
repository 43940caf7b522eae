"""How a command was called wrongly, in the reader's language: Typer tells it in English only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from typer._click.exceptions import BadParameter, ClickException, MissingParameter, NoSuchOption

from leadkeeper.texts import _ as gettext
from leadkeeper.texts import join_lazily
from leadkeeper.texts import lazy_gettext as _

_SENTENCES: Final[Sequence[tuple[re.Pattern[str], str]]] = tuple(
    (re.compile(pattern, re.DOTALL), text)
    for pattern, text in (
        (
            r"No such command (?P<name>'.*')\. Did you mean (?P<others>.+)\?",
            gettext("No such command %(name)s. Did you mean %(others)s?"),
        ),
        (r"No such command (?P<name>'.*')\.", gettext("No such command %(name)s")),
        (r"Got unexpected extra argument\(s\) \((?P<names>.+)\)", gettext("Got unexpected arguments: %(names)s")),
        (r"Option (?P<name>'.*') requires an argument\.", gettext("Option %(name)s requires an argument")),
        (r"Option (?P<name>'.*') does not take a value\.", gettext("Option %(name)s does not take a value")),
        (r"Input should be a valid integer, .*", gettext("write a whole number")),
        (r"Input should be less than or equal to (?P<most>\S+)", gettext("write a number of at most %(most)s")),
        (r"Input should be greater than or equal to (?P<least>\S+)", gettext("write a number of at least %(least)s")),
        (r"Input should be a valid UUID, .*", gettext("this is no id")),
    )
)
"""What Typer and pydantic say of an argument, as patterns, and our texts for it."""


def misuse(error: ClickException) -> str:
    """What was wrong with the call, without a stop at its end: to be told in a language. What is not known is English.

    Texts of ours within it can be told too.
    """
    match error:
        case MissingParameter() if error.param is not None:
            name = _hint(error)
            option = error.param.param_type_name == "option"
            return _("Missing option %(name)s", name=name) if option else _("Missing argument %(name)s", name=name)
        case BadParameter() if error.param is not None or error.param_hint is not None:
            return _("Invalid value for %(name)s: %(why)s", name=_hint(error), why=_known(error.message))
        case BadParameter():
            return _("Invalid value: %(why)s", why=_known(error.message))
        case NoSuchOption():
            unknown = _("No such option: %(name)s", name=error.option_name)
            if not error.possibilities:
                return unknown
            others = ", ".join(sorted(error.possibilities))
            return join_lazily((unknown, _("(Possible options: %(others)s)", others=others)))
        case _:
            return _known(error.format_message())


def _known(message: str) -> str:
    for pattern, text in _SENTENCES:
        if found := pattern.fullmatch(message):
            return _(text, **found.groupdict())
    return message


def _hint(error: BadParameter) -> str:
    """What the argument or option is called."""
    given = error.param_hint if error.param_hint is not None or error.param is None else error.param.get_error_hint()
    return given if isinstance(given, str) else " / ".join(repr(each) for each in given or ())
