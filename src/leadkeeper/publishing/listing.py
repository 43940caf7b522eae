"""What a publisher says of an offer: read from its definition, and written into it. Pure.

A definition is Microsoft's: ``displayText``, ``offer`` (properties such as ``microsoft-azure-marketplace.summary``) and
``plans``. Which prefix a property has depends on the offer's type, so it is known by its last part.
Source: ``docs/reference/vendors/marketplace.md#cloud-partner-portal-api``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from leadkeeper.publishing.links import is_page, is_reachable

MOST_OF_TITLE: Final = 200
MOST_OF_SUMMARY: Final = 2_000
MOST_OF_DESCRIPTION: Final = 30_000
"""The most characters of these that customers are shown; a page of the storefront has dozens of offers."""
MOST_OF_LINE: Final = 100
"""The most characters of an offer's category, and of what it costs."""
LONGEST: Final[Mapping[str, int]] = {
    "title": MOST_OF_TITLE,
    "summary": MOST_OF_SUMMARY,
    "description": MOST_OF_DESCRIPTION,
    "category": MOST_OF_LINE,
    "price": MOST_OF_LINE,
}
"""The most characters of each text that customers are shown, by its part of :class:`Listing`."""
DIGEST: Final = re.compile(r"[0-9a-f]{64}")
"""The name of a logo: the SHA-256 of its bytes."""
PREFIX: Final = "microsoft-azure-marketplace."
TEST_DRIVE_ENABLED: Final = "microsoft-azure-marketplace-testdrive.enabled"


class CallToAction(StrEnum):
    """What a customer can do on an offer's page."""

    GET_IT_NOW = "getItNow"
    CONTACT_ME = "contactMe"
    FREE_TRIAL = "freeTrial"
    TEST_DRIVE = "testDrive"
    CREATE = "create"


_CALLS: Final = {call.value.casefold(): call for call in CallToAction} | {"free": CallToAction.GET_IT_NOW}


def call_to_action(text: str) -> CallToAction | None:
    """The call that ``text`` names, in our spelling or Microsoft's (``free``, ``free-trial``, ``contact-me``)."""
    return _CALLS.get("".join(c for c in text.casefold() if c.isalnum()))


@dataclass(frozen=True, slots=True)
class Listing:
    """An offer as customers read it. ``wrong_calls`` are calls to action that nobody knows."""

    title: str
    summary: str = ""
    description: str = ""
    calls_to_action: tuple[CallToAction, ...] = ()
    wrong_calls: tuple[str, ...] = ()
    category: str = ""
    price: str = ""
    """One line on what it costs, in the publisher's words."""
    support: str = ""
    """Where customers find help: the address of a page, or an e-mail address."""
    privacy: str = ""
    """The address of the page on what becomes of customers' data."""
    logo: str = ""
    """The name of its logo: see ``publishing.logos``."""

    @property
    def has_test_drive(self) -> bool:
        """Whether customers can try the offer before anything else."""
        return CallToAction.TEST_DRIVE in self.calls_to_action


def read_listing(definition: Mapping[str, Any]) -> Listing:
    """The listing in ``definition``; what is missing is empty, what is no text is left out."""
    offer = definition.get("offer")
    properties = offer if isinstance(offer, Mapping) else {}
    by_name = {str(key).rpartition(".")[2].casefold(): value for key, value in properties.items()}
    given = by_name.get("calltoaction")
    words = [str(word) for word in given] if isinstance(given, list | tuple) else [given] if given else []
    calls = {word: call_to_action(str(word)) for word in words}
    found = [call for call in calls.values() if call is not None]
    if properties.get(TEST_DRIVE_ENABLED) is True:
        found.append(CallToAction.TEST_DRIVE)
    texts = {name: text for name, (_, text) in listing_texts(definition).items()}
    return Listing(
        title=texts["title"],
        summary=texts["summary"],
        description=texts["description"],
        category=texts["category"],
        price=texts["price"],
        support=_reachable(by_name.get("supportcontact")),
        privacy=_page(by_name.get("privacypolicylink")),
        logo=_matching(DIGEST, by_name.get("logo")),
        calls_to_action=tuple(dict.fromkeys(found)),
        wrong_calls=tuple(str(word) for word, call in calls.items() if call is None),
    )


def listing_texts(definition: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """The texts of :data:`LONGEST` in ``definition``, however long, each with the place where it stands there."""
    offer = definition.get("offer")
    properties = offer if isinstance(offer, Mapping) else {}
    keys = {str(key).rpartition(".")[2].casefold(): key for key in properties}
    found = {}
    for name, read, last_parts in _PROPERTIES:
        named = [(f"offer.{keys[part]}", read(properties[keys[part]])) for part in last_parts if part in keys]
        if name == "title":
            named.append(("displayText", _text(definition.get("displayText"))))
        found[name] = next((each for each in named if each[1]), ("", ""))
    return found


def shortened(listing: Listing) -> Listing:
    """What customers are shown of a listing that was stored before its texts had to be as short as :data:`LONGEST`."""
    texts: dict[str, Any] = {name: getattr(listing, name)[:most] for name, most in LONGEST.items()}
    return replace(listing, **texts)


def written(
    definition: Mapping[str, Any],
    *,
    title: str | None,
    summary: str | None = None,
    description: str | None = None,
    category: str | None = None,
    price: str | None = None,
    support: str | None = None,
    privacy: str | None = None,
    calls_to_action: Iterable[str] | None = None,
) -> dict[str, Any]:
    """``definition`` with these parts of its listing changed; ``None`` leaves a part as it is."""
    offer = definition.get("offer")
    properties = dict(offer) if isinstance(offer, Mapping) else {}
    if title is not None and any(str(key).rpartition(".")[2] == "title" for key in properties):
        properties[PREFIX + "title"] = title
    message = {"summary": summary, "description": description, "category": category, "priceLine": price}
    message |= {"supportContact": support, "privacyPolicyLink": privacy}
    properties |= {PREFIX + name: text for name, text in message.items() if text is not None}
    if calls_to_action is not None:
        calls = [str(call) for call in calls_to_action]
        properties[PREFIX + "callToAction"] = calls
        if TEST_DRIVE_ENABLED in properties:
            properties[TEST_DRIVE_ENABLED] = CallToAction.TEST_DRIVE.value in calls
    plans = definition.get("plans")
    shown = {} if title is None else {"displayText": title}
    return {**definition, **shown, "offer": properties, "plans": plans if isinstance(plans, list) else []}


def with_logo(definition: Mapping[str, Any], digest: str) -> dict[str, Any]:
    """``definition`` with the logo of that name, or without one where it is empty."""
    offer = definition.get("offer")
    properties = dict(offer) if isinstance(offer, Mapping) else {}
    kept = {name: value for name, value in properties.items() if str(name).rpartition(".")[2].casefold() != "logo"}
    return {**definition, "offer": kept | ({PREFIX + "logo": digest} if digest else {})}


def changed_properties(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The names of what differs: of the definition's parts, and of the offer's properties. At most 20, no values."""
    old, new = (_flat(definition) for definition in (before, after))
    names = sorted(name[:100] for name in {*old, *new} if old.get(name) != new.get(name))
    return names if len(names) <= 20 else [*names[:20], f"{len(names) - 20} more"]


def _flat(definition: Mapping[str, Any]) -> dict[str, Any]:
    offer = definition.get("offer")
    properties = {f"offer.{name}": value for name, value in offer.items()} if isinstance(offer, Mapping) else {}
    return {name: value for name, value in definition.items() if name != "offer" and value} | properties


def _reachable(value: object) -> str:
    return text if is_reachable(text := _text(value)) else ""


def _page(value: object) -> str:
    return text if is_page(text := _text(value)) else ""


def _matching(pattern: re.Pattern[str], value: object) -> str:
    return text if pattern.fullmatch(text := _text(value)) else ""


def _first(value: object) -> str:
    """A text, or the first of several: an offer stands in one place."""
    return _text(next(iter(value), "")) if isinstance(value, list | tuple) else _text(value)


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


_PROPERTIES: Final[Sequence[tuple[str, Callable[[object], str], tuple[str, ...]]]] = (
    ("title", _text, ("title",)),
    ("summary", _text, ("summary",)),
    ("description", _text, ("description", "longsummary")),
    ("category", _first, ("category", "categories")),
    ("price", _text, ("priceline",)),
)
"""How each text is read, and the last parts of its properties' names: the first one that says something counts."""
