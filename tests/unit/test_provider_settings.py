"""The settings of the identity provider: those of the guide are read, wrong ones are named in one line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from leadkeeper.access.permissions import Role
from leadkeeper.access.provider.settings import GroupRole, parse_groups, roles_of
from leadkeeper.settings import Settings, WrongSetting, load_settings

GUIDE = Path(__file__).parents[2] / "docs/howto/sign-in-with-an-identity-provider.md"
NEEDED = {"OIDC_ISSUER": "https://sso.example", "OIDC_CLIENT_ID": "leadkeeper", "OIDC_CLIENT_SECRET": "secret"}


def given(monkeypatch: pytest.MonkeyPatch, folder: Path, **values: str) -> Settings:
    """The settings of a start with these in its environment."""
    monkeypatch.chdir(folder)
    for name, value in values.items():
        monkeypatch.setenv(f"LEADKEEPER_{name}", value)
    return load_settings()


@pytest.mark.parametrize("number", [0, 1])
def test_the_guides_settings_are_read(number: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    blocks = re.findall(r"```\n(LEADKEEPER_.*?)```", GUIDE.read_text(), re.DOTALL)
    assert len(blocks) == 2
    for line in blocks[number].splitlines():
        name, _, value = line.partition("=")
        monkeypatch.setenv(name, value.replace("<tenant id>", "7f0c"))
    monkeypatch.chdir(tmp_path)
    provider = load_settings().provider
    assert provider is not None
    assert [entry.role for entry in provider.groups] == [Role.OPERATOR, Role.CONTRIBUTOR]
    assert provider.client_secret not in repr(provider)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("OIDC_ISSUER", "sso.example", "use the issuer's address"),
        ("OIDC_ISSUER", "https://user@sso.example", "use the issuer's address"),
        ("OIDC_CLIENT_ID", "", "is needed with LEADKEEPER_OIDC_ISSUER"),
        ("OIDC_CLIENT_SECRET", "", "is needed with LEADKEEPER_OIDC_ISSUER"),
        ("OIDC_SCOPES", "profile email", "must hold openid"),
        ("OIDC_GROUPS", "admins=operators", "'admins=operators' is not of the form"),
        ("OIDC_GROUPS", "sellers=contoso:operator", "is not of the form"),
        ("OIDC_GROUPS", "=operator", "is not of the form"),
        ("FRAME_ANCESTORS", "https://*.example", "is no site"),
        ("FRAME_ANCESTORS", "https://shop.example; script-src *", "is no site"),
        ("FRAME_ANCESTORS", "shop.example", "is no site"),
    ],
)
def test_a_wrong_setting_stops_the_start(
    name: str, value: str, message: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(WrongSetting) as summary:
        given(monkeypatch, tmp_path, **(NEEDED | {name: value}))
    line = str(summary.value)
    assert line.startswith(f"LEADKEEPER_{name}: ")
    assert message in line
    assert "\n" not in line


@pytest.mark.parametrize("missing", ["OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET"])
def test_what_an_issuer_needs(missing: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    values = {name: value for name, value in NEEDED.items() if name != missing}
    with pytest.raises(WrongSetting, match=f"^LEADKEEPER_{missing}: is needed with"):
        given(monkeypatch, tmp_path, **values)


def test_of_several_groups_the_strongest_role_counts() -> None:
    mapping = parse_groups("a=contoso:reader, /b/c=d=contoso:owner, e=fabrikam:reader, f=operator")
    assert mapping[1] == GroupRole("/b/c=d", "contoso", Role.OWNER)
    assert roles_of(["a", "/b/c=d", "e"], mapping) == {"contoso": Role.OWNER, "fabrikam": Role.READER}
    assert roles_of(["f", "a"], mapping) == {None: Role.OPERATOR, "contoso": Role.READER}
    assert roles_of(["A", "x"], mapping) == {}
