"""The page of permissions says what the table says. `UPDATE_DOCS=1` writes it anew."""

from __future__ import annotations

import os

from leadkeeper.access.permissions import FOR_ALL, MEANINGS, PERMISSIONS, ROLE_NAMES, Permission, Role
from leadkeeper.doors.api.openapi import DESCRIPTION
from tests.house.pages import DOCS

PAGE = DOCS / "reference/permissions.md"
WHO = {
    Role.OPERATOR: "a person, or a key of role `operator`",
    Role.MARKETPLACE: "a key of role `marketplace`",
    Role.PUBLISHER: "a key of role `publisher:<id>`",
    Role.OWNER: "a person",
    Role.CONTRIBUTOR: "a person, or a key of role `contributor:<id>`",
    Role.READER: "a person, or a key of role `reader:<id>`",
}
HEAD = """# Permissions

One table decides for keys and for people, on pages and in APIs. Roles of one publisher allow nothing of another
publisher's. Whoever may not do something sees no button for it, and is refused when they send it all the same; that
stands in the [audit](audit.md). This page is generated from `src/leadkeeper/access/permissions.py`.

"""


def page() -> str:
    """The page as it should be."""
    permissions = list(Permission)
    rows = ["| role | who has it | of |" + "".join(f" {each.value} |" for each in permissions) + "\n"]
    rows.append("|---|---|---|" + "---|" * len(permissions) + "\n")
    for role in Role:
        of = "all publishers" if role in FOR_ALL else "one publisher"
        marks = "".join(" yes |" if each in PERMISSIONS[role] else " |" for each in permissions)
        rows.append(f"| {ROLE_NAMES[role]} | {WHO[role]} | {of} |{marks}\n")
    meanings = "".join(f"| {each.value} | {MEANINGS[each]} |\n" for each in permissions)
    return HEAD + "".join(rows) + "\n| permission | allows to |\n|---|---|\n" + meanings


def test_the_page_is_current() -> None:
    if os.environ.get("UPDATE_DOCS"):
        PAGE.write_text(page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page(), "run: UPDATE_DOCS=1 make test ARGS=tests/house"


def test_every_role_of_a_key_stands_in_the_introduction_of_the_api() -> None:
    keys = [role for role in Role if role is not Role.OWNER]
    assert [role for role in keys if f"`{role.value}" not in DESCRIPTION] == []


def test_every_permission_and_role_is_told() -> None:
    assert set(MEANINGS) == set(Permission)
    assert set(ROLE_NAMES) == set(PERMISSIONS) == set(WHO) == set(Role)
