"""The reference of outcomes says what the case files of the destinations say. `UPDATE_DOCS=1` writes it anew."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from leadkeeper.catalogue import CATALOGUE
from leadkeeper.diagnosis import AnyKind
from tests.contracts.cases import LINES
from tests.contracts.cases.case import Expected, Line, State
from tests.contracts.cases.troubles import TROUBLES, Trouble

PAGE = Path(__file__).parents[2] / "docs/reference/outcomes.md"

HEAD = """# Outcomes

This page says what becomes of a lead in every state that a destination can be in, and of everything that can happen on
the way. It is generated from `tests/contracts/cases`; `tests/contracts/test_destinations.py` tries every line of it. A
stand-in answers for the production host names of each destination as the vendor's documentation and recorded answers
say (see [vendors](vendors/README.md)). For Azure Storage, Microsoft's emulator is behind it. None of it was tried on a
vendor's live system.

*Check* is what validating finds before a test lead is sent: "yes", "no" where it cannot be seen without writing, or
another cause. What follows from an outcome is in
[the way of a lead](../explanation/the-way-of-a-lead.md#what-follows-from-an-answer); the causes are in
[diagnoses](diagnoses.md).
"""


def written() -> str:
    """The page as it should be."""
    return "\n".join([HEAD, *(part for line in LINES for part in section(line))])


def section(line: Line) -> Iterator[str]:
    """What is known of one line."""
    yield f"## {line.name}\n"
    twice = "is one record" if line.destination.config.model_validate(filled(line)).repeatable else ""
    yield f"The same lead twice {twice or 'may be two: what may have arrived is set aside for a person'}.\n"
    yield "| state | the system says | outcome | cause | who must act | check |"
    yield "|---|---|---|---|---|---|"
    yield from (
        f"| {_words(state)} | {state.code} | {cells(state.expected)} | {_check(state)} |" for state in line.states
    )
    yield ""
    if line.speaks_http:
        yield "| on the way | outcome | cause | who must act |"
        yield "|---|---|---|---|"
        yield from (f"| {trouble.name} | {cells(_of(line, trouble))} |" for trouble in TROUBLES)
        yield ""


def filled(line: Line) -> dict[str, object]:
    """The line's settings, with an account where one is asked for."""
    return {n: v.replace("{account}", "contoso") if isinstance(v, str) else v for n, v in line.settings.items()}


def _words(state: State) -> str:
    return state.name if " " in state.name else f"`{state.name}`"


def _check(state: State) -> str:
    if isinstance(state.check, AnyKind):
        return link(state.check)
    return "" if state.kind is None else "yes" if state.check else "no"


def _of(line: Line, trouble: Trouble) -> Expected:
    found = line.differs.get(trouble.name, trouble.usually)
    assert found is not None
    return found if found.kind is not None else Expected(line.taken)


def cells(expected: Expected) -> str:
    """Outcome, cause and who must act."""
    if expected.kind is None:
        return f"*{expected.outcome.value}* | | "
    who = expected.who or CATALOGUE[expected.kind].who
    return f"*{expected.outcome.value}* | {link(expected.kind)} | {who.value}"


def link(kind: AnyKind) -> str:
    """The cause with a link to its entry."""
    return f"[{kind.value}](diagnoses.md#{kind.value.lower()})"


def test_the_reference_of_outcomes_is_current() -> None:
    if os.environ.get("UPDATE_DOCS"):
        PAGE.write_text(written(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == written(), "run: UPDATE_DOCS=1 make test ARGS=tests/house"
