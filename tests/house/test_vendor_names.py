"""What destinations share names none of them: whoever connects one never reads another's name as if it were theirs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.house.pages import ROOT

PACKAGE = ROOT / "src/leadkeeper"
SHARED = (
    *("channels", "connections", "delivery", "diagnoses", "doors/portal", "inbox", "intake", "mail", "network"),
    *("notices", "reconciliation", "validation"),
)
VENDORS = re.compile(r"\b(?:dynamics|dataverse|salesforce|web-to-lead|marketo|munchkin|hubspot)\b", re.IGNORECASE)
MODULES = sorted(path for room in SHARED for path in (PACKAGE / room).rglob("*.py"))


def vendors_in(source: str) -> Iterator[str]:
    """The vendors' names in the texts of a module; what its docstrings say of them by way of example is left out."""
    tree = ast.parse(source)
    docstrings = {id(each.value) for each in ast.walk(tree) if isinstance(each, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield from VENDORS.findall(node.value)


def test_what_destinations_share_names_none() -> None:
    found = {module: list(vendors_in(module.read_text(encoding="utf-8"))) for module in MODULES}
    assert {str(module.relative_to(PACKAGE)): names for module, names in found.items() if names} == {}


def test_a_name_is_found_in_texts_alone() -> None:
    assert list(vendors_in('"""As Marketo does."""\nx = _("Open Dynamics in the browser.")\n')) == ["Dynamics"]
