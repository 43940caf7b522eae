"""The reference of diagnoses says what the catalogue says. `UPDATE_DOCS=1` writes it anew."""

from __future__ import annotations

import os
from pathlib import Path

from leadkeeper.catalogue import CATALOGUE
from leadkeeper.diagnosis import Kind

PAGE = Path(__file__).parents[2] / "docs/reference/diagnoses.md"

HEAD = """# Diagnoses

Every failure of a delivery names one of these causes (`diagnosis.kind`), who must act (`who`), and the steps. This page
is generated from `src/leadkeeper/catalogue.py`. What follows from an outcome is in
[the way of a lead](../explanation/the-way-of-a-lead.md#what-follows-from-an-answer).
"""


def written() -> str:
    """The page as it should be."""
    parts = [HEAD]
    for kind in Kind:
        entry = CATALOGUE[kind]
        steps = "\n".join(f"{number}. {step}" for number, step in enumerate(entry.steps, 1))
        parts.append(
            f"## {kind.value}\n\n{entry.summary}\n\n"
            f"Usually *{entry.outcome.value}*; who must act: *{entry.who.value}*.\n\n{steps}\n"
        )
    return "\n".join(parts)


def test_the_reference_of_diagnoses_is_current() -> None:
    if os.environ.get("UPDATE_DOCS"):
        PAGE.write_text(written())
    assert PAGE.read_text() == written(), "run: UPDATE_DOCS=1 make test ARGS=tests/house"
