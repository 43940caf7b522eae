"""Every destination has what every room needs, under the same name."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import pytest

from leadkeeper.catalogue import text_of
from leadkeeper.destinations.interface import DatedConfig, Provider
from leadkeeper.destinations.registry import OURS
from leadkeeper.doors.portal.connections.fields import json_names
from leadkeeper.languages import installed
from leadkeeper.texts import Language
from tests.house.pages import DOCS, ROOT

PACKAGE: Final = ROOT / "src/leadkeeper"

SERVICES: Final[dict[str, Callable[[str], bool]]] = {
    "settings": lambda name: (PACKAGE / f"destinations/{name}/settings.py").is_file(),
    "guide": lambda name: (PACKAGE / f"destinations/{name}/guide.py").is_file(),
    "provider": lambda name: (PACKAGE / f"destinations/{name}/provider.py").is_file(),
    "stand-in": lambda name: (PACKAGE / f"sandbox/{name}/stand_in.py").is_file(),
    "docs page": lambda name: (DOCS / f"destinations/{name}.md").is_file(),
    "case file": lambda name: (ROOT / f"tests/contracts/cases/{name}.py").is_file(),
    "place in the demo": lambda name: (PACKAGE / f"sandbox/{name}/place.py").is_file(),
}
"""What has a destination's name, and how it is found."""


@pytest.mark.parametrize("provider", OURS.all, ids=lambda each: each.name)
@pytest.mark.parametrize("room", SERVICES)
def test_every_destination_is_in_every_room(provider: Provider, room: str) -> None:
    assert SERVICES[room](provider.name), f"{provider.name} lacks its {room}"


@pytest.mark.parametrize("room", SERVICES)
def test_a_destination_that_is_nowhere_is_missed(room: str) -> None:
    assert not SERVICES[room]("nowhere")


@pytest.mark.parametrize("provider", OURS.all, ids=lambda each: each.name)
def test_every_destination_is_described(provider: Provider) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", provider.name)
    assert provider.title
    assert provider.config_key.endswith("LeadConfiguration")
    assert provider.microsoft.cloud_partner
    assert provider.microsoft.cloud_partner_key.endswith("LeadConfiguration")
    assert provider.least_batch >= 1
    assert provider.config.__module__ == f"leadkeeper.destinations.{provider.name}.settings"
    aliases = {field.alias for field in provider.config.model_fields.values()}
    assert set(provider.account) <= aliases
    assert set(provider.expiring) <= aliases
    assert (DOCS / provider.page).is_file()
    assert all(codes.system and codes.words for codes in provider.codes)


@pytest.mark.parametrize(
    "provider", [each for each in OURS if issubclass(each.config, DatedConfig)], ids=lambda each: each.name
)
def test_settings_with_an_end_say_which_of_them_ends(provider: Provider) -> None:
    assert provider.expiring


@pytest.mark.parametrize("language", list(installed()), ids=lambda language: language.code)
def test_every_diagnosis_is_in_every_language(language: Language) -> None:
    for kind in OURS.kinds:
        assert text_of(kind, language).summary, f"{kind.value} has no text in {language.code}"


def test_names_are_given_once() -> None:
    assert len(OURS.names) == len(OURS.choices) == len(OURS.all)
    assert len({each.microsoft.cloud_partner for each in OURS}) == len(OURS.all)
    assert len({each.microsoft.cloud_partner_key for each in OURS}) == len(OURS.all)


def test_no_room_asks_which_destination_it_is() -> None:
    asked = re.compile(r"destination (?:is|in|==) \(?(?:Salesforce|Marketo|Email|Dynamics|Azure\w+|HttpsEndpoint)\b")
    files = [path for path in PACKAGE.rglob("*.py") if "sandbox" not in path.parts]
    assert [path.name for path in files if asked.search(path.read_text(encoding="utf-8"))] == []


def test_no_room_has_a_table_by_destination() -> None:
    names = set(OURS.names) - {"email"}  # a customer has one too
    named = re.compile(rf'["\']({"|".join(names)})["\']')
    may = {"sandbox", "demo"}
    texts = [path for path in PACKAGE.rglob("*.py") if not may & set(path.parts)]
    outside = [path for path in texts if "destinations" not in path.relative_to(PACKAGE).parts]
    assert [path.name for path in outside if named.search(path.read_text(encoding="utf-8"))] == []


def test_no_door_names_a_destinations_own_settings() -> None:
    """What a form says of a setting stands in the destination's guide; the door knows those that all have."""
    common = {*json_names(DatedConfig), "fields", "email", "leads", "region", "username", "password"}  # words besides
    names = {name for each in OURS for name in json_names(each.config)} - common
    named = re.compile(rf'["\'](?:{"|".join(sorted(names))})["\']')
    files = [*PACKAGE.glob("doors/portal/**/*.py"), *PACKAGE.glob("doors/portal/templates/**/*.html")]
    assert [path.name for path in files if named.search(path.read_text(encoding="utf-8"))] == []


def test_no_template_names_a_vendor() -> None:
    # Partner Center itself calls a choice of its own HTTPS Endpoint, and hooks lead through it.
    words = {word for each in OURS if each.name not in ("email", "https_endpoint") for word in (each.name, each.title)}
    vendors = re.compile("|".join(map(re.escape, sorted(words))), re.IGNORECASE)
    files = list(PACKAGE.glob("doors/*/templates/**/*.html"))
    assert files
    assert [path.name for path in files if vendors.search(path.read_text(encoding="utf-8"))] == []


def test_only_app_and_defaults_know_which_destinations_there_are() -> None:
    """A door that asks for ours alone would not show those of packages; the demo and the texts of mails may."""
    may = {"destinations", "demo"}
    taken = re.compile(r"\bOURS\b(?!\.if_not_found)")
    default = re.compile(r"destinations: (?:Destinations = OURS|Sequence\[str\] = OURS\.names)|import OURS")
    files = [path for path in PACKAGE.rglob("*.py") if not may & set(path.parts)]
    texts = {path.name: path.read_text(encoding="utf-8") for path in files}
    know = {name: text for name, text in texts.items() if "destinations.registry import OURS" in text}
    assert know
    assert [name for name, text in know.items() if taken.search(default.sub("", text))] == []
