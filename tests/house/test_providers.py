"""Every destination has what every room needs, under the same name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
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

TEXTS: Final = {
    path.relative_to(PACKAGE).as_posix(): path.read_text(encoding="utf-8")
    for path in PACKAGE.rglob("*")
    if path.suffix in {".py", ".html"} and "static" not in path.parts
}
"""Every module and template of the package, by its path: many have the same name."""

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


def outside(*folders: str, ending: str = ".py") -> dict[str, str]:
    """The texts that are in none of the folders, whatever stands above and below those."""
    return {
        path: text for path, text in TEXTS.items() if path.endswith(ending) and not {*folders} & {*path.split("/")[:-1]}
    }


def naming(texts: Mapping[str, str], pattern: re.Pattern[str]) -> list[str]:
    """The paths of the texts in which the pattern is found."""
    return [path for path, text in texts.items() if pattern.search(text)]


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
    classes = "|".join(sorted(each.config.__name__.removesuffix("Config") for each in OURS))
    asked = re.compile(rf"destination (?:is|in|==) \(?(?:{classes})\b")
    assert asked.search("if destination is HubSpot:")
    assert naming(outside("sandbox"), asked) == []


def test_no_room_has_a_table_by_destination() -> None:
    names = set(OURS.names) - {"email"}  # a customer has one too
    named = re.compile(rf'["\']({"|".join(names)})["\']')
    # A migration names what an older version wrote.
    assert naming(outside("sandbox", "demo", "destinations", "migrations"), named) == []


def test_no_door_names_a_destinations_own_settings() -> None:
    """What a form says of a setting stands in the destination's guide; the door knows those that all have."""
    common = {*json_names(DatedConfig), "fields", "email", "leads", "region", "username", "password"}  # words besides
    names = {name for each in OURS for name in json_names(each.config)} - common
    named = re.compile(rf'["\'](?:{"|".join(sorted(names))})["\']')
    portal = {path: text for path, text in TEXTS.items() if path.startswith("doors/portal/")}
    assert len(portal) > 100
    assert naming(portal, named) == []


def test_no_template_names_a_vendor() -> None:
    # Partner Center itself calls a choice of its own HTTPS Endpoint, and hooks lead through it.
    words = {word for each in OURS if each.name not in ("email", "https_endpoint") for word in (each.name, each.title)}
    vendors = re.compile("|".join(map(re.escape, sorted(words))), re.IGNORECASE)
    templates = outside(ending=".html")
    assert len(templates) > 80
    assert naming(templates, vendors) == []


def test_only_app_and_defaults_know_which_destinations_there_are() -> None:
    """A door that asks for ours alone would not show those of packages; the demo and the texts of mails may."""
    taken = re.compile(r"\bOURS\b(?!\.if_not_found)")
    default = re.compile(r"destinations: (?:Destinations = OURS|Sequence\[str\] = OURS\.names)|import OURS")
    texts = outside("destinations", "demo")
    know = {path: text for path, text in texts.items() if "destinations.registry import OURS" in text}
    assert know
    assert naming({path: default.sub("", text) for path, text in know.items()}, taken) == []


def test_files_of_one_name_are_told_apart() -> None:
    assert len([path for path in TEXTS if path.endswith("/app.py")]) > 3
    assert {"doors/api/app.py", "doors/portal/app.py"} <= outside("destinations").keys()
    assert not [path for path in outside("portal", "sandbox") if "portal/" in path or "sandbox/" in path]
