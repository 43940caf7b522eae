"""Vendors' pages list every error code that the adapters know. ``UPDATE_DOCS=1`` writes the lists anew."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

import pytest

from leadkeeper.destinations.azure_storage import errors as azure_errors
from leadkeeper.destinations.dynamics import errors as dynamics_errors
from leadkeeper.destinations.dynamics.sign_in_diagnoses import SIGNED_IN_TO
from leadkeeper.destinations.https_endpoint import errors as https_endpoint
from leadkeeper.destinations.hubspot import errors as hubspot_errors
from leadkeeper.destinations.marketo import errors as marketo_errors
from leadkeeper.destinations.salesforce import errors as salesforce_errors
from leadkeeper.diagnosis import AnyKind
from leadkeeper.network.entra import errors as entra_errors
from tests.house.pages import DOCS

CODES: Mapping[str, Mapping[Any, Any]] = {
    "azure_storage": azure_errors.CODES,
    "dynamics": dynamics_errors.CODES,
    "entra": entra_errors.numbers_of(SIGNED_IN_TO),
    "https_endpoint": https_endpoint.CODES,
    "hubspot": hubspot_errors.CODES,
    "marketo": marketo_errors.CODES,
    "salesforce": {**salesforce_errors.CODES, **salesforce_errors.SIGN_IN},
}
_BLOCK = re.compile(r"(<!-- codes: [^>]*-->\n\n).*?(?=\n<!-- end -->)", re.DOTALL)


def kind_of(meaning: Any) -> AnyKind:
    """The kind that an adapter's table gives, alone or with an outcome beside it."""
    kind = getattr(meaning, "kind", meaning)
    assert isinstance(kind, AnyKind)
    return kind


def written(codes: Mapping[Any, Any]) -> str:
    """The list as it should be: for each diagnosis its codes."""
    by_kind: dict[AnyKind, list[str]] = {}
    for code, meaning in codes.items():
        by_kind.setdefault(kind_of(meaning), []).append(f"`{code}`")
    rows = [
        f"| [{kind.value}](../diagnoses.md#{kind.value.lower()}) | {', '.join(found)} |\n"
        for kind, found in sorted(by_kind.items(), key=lambda each: each[0].value)
    ]
    return "| diagnosis | codes |\n|---|---|\n" + "".join(rows)


@pytest.mark.parametrize("name", CODES)
def test_the_codes_on_a_vendors_page_are_those_of_the_adapter(name: str) -> None:
    page = DOCS / f"reference/vendors/{name}.md"
    text = page.read_text(encoding="utf-8")
    assert _BLOCK.search(text), f"{page.name} lacks the block of codes"
    current = _BLOCK.sub(lambda match: match[1] + written(CODES[name]), text)
    if os.environ.get("UPDATE_DOCS"):
        page.write_text(current, encoding="utf-8")
    assert page.read_text(encoding="utf-8") == current, "run: UPDATE_DOCS=1 make test ARGS=tests/house"
