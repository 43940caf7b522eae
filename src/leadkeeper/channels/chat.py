"""What is written into a chat: an Adaptive Card for Microsoft Teams, blocks for Slack. Pure.

As the vendors document it (``docs/reference/vendors/chats.md``). A message names offers and connections, never a
customer, and links to the portal, which shows the rest to members alone. What waited together is one message.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from leadkeeper.catalogue import kind_of, text_of
from leadkeeper.channels.events import TEST, Event
from leadkeeper.offer import title_or_name
from leadkeeper.texts import Language, _

CARD_VERSION: Final = "1.4"
"""Of Adaptive Cards: Teams shows up to 1.5 from Workflows; what is used here is older than either."""
TOGETHER: Final = 10
"""The most events in one message: far below 28 kB for Teams and 50 blocks for Slack."""
_LONGEST: Final = 1_000

_HEADINGS: Final[Mapping[str, str]] = {
    Event.CONNECTION_BROKEN: _("Leads do not get through"),
    Event.CONNECTION_RECOVERED: _("Leads go out again"),
    Event.CONNECTION_EXPIRING: _("Credentials end soon"),
    Event.OFFER_PUBLISHED: _("An offer is live"),
    Event.OFFER_FAILED: _("Publishing stopped"),
    Event.ATTENTION_NEEDED: _("Leads wait for a person"),
    Event.ATTENTION_OVER: _("No lead waits for a person any more"),
    TEST: _("This is a test: the channel works."),
}

_CAUSES: Final[Mapping[str, str]] = {
    "leadsRefused": _("The destination refused them."),
    "leadsMayHaveArrived": _("They may have arrived, and nobody knows."),
    "leadsGaveUp": _("They failed for two weeks."),
    "leadsMissing": _("They were delivered, and are not at their destination any more."),
}
"""Why leads wait for a person, as ``inbox.attention.causes`` names it."""


@dataclass(frozen=True, slots=True)
class ToTell:
    """An event as it is stored: its kind and data."""

    kind: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Message:
    heading: str
    lines: tuple[str, ...]
    page: str


def teams_card(events: Sequence[ToTell], base_url: str, language: Language) -> dict[str, Any]:
    """The body for a Teams workflow that posts cards; the events are at most :data:`TOGETHER`."""
    body: list[dict[str, Any]] = []
    words = _plain(language.gettext("Open the portal"))
    for message in _messages(events, base_url, language):
        body.append({"type": "TextBlock", "text": _plain(message.heading), "weight": "Bolder", "wrap": True})
        body += [{"type": "TextBlock", "text": _plain(line), "wrap": True} for line in message.lines]
        body.append({"type": "TextBlock", "text": f"[{words}]({message.page})", "wrap": True})
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": CARD_VERSION,
        "body": body,
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def slack_message(events: Sequence[ToTell], base_url: str, language: Language) -> dict[str, Any]:
    """The body for a Slack incoming webhook."""
    messages = _messages(events, base_url, language)
    blocks = []
    words = _escaped(language.gettext("Open the portal"))
    for message in messages:
        lines = [f"*{_escaped(message.heading)}*", *map(_escaped, message.lines), f"<{message.page}|{words}>"]
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": "\n".join(lines)}})
    # What a notification shows, and who reads with the screen.
    return {"text": _escaped("; ".join(dict.fromkeys(each.heading for each in messages))), "blocks": blocks}


def _messages(events: Sequence[ToTell], base_url: str, language: Language) -> list[_Message]:
    return [_message(each, base_url, language) for each in events[:TOGETHER]]


def _message(event: ToTell, base_url: str, language: Language) -> _Message:
    data = event.data
    heading = language.gettext(_HEADINGS.get(event.kind, event.kind))
    lines, page = [], f"{base_url}/portal"
    if data.get("offerId"):
        page += f"/offers/{data['publisherId']}/{data['offerId']}"
        code = f"{data['publisherId']}.{data['offerId']}"
        title = data.get("offerTitle")
        where = language.gettext("Offer %(offer)s", offer=f"{title} ({code})" if title else code)
        if data.get("connection"):
            title = title_or_name(data.get("connectionTitle"), str(data["connection"]))
            where = language.gettext("%(offer)s, connection %(connection)s", offer=where, connection=title)
        lines.append(where)
    elif data.get("cause"):
        publisher = title_or_name(data.get("publisherName"), str(data["publisherId"]))
        lines.append(language.gettext("Publisher %(publisher)s", publisher=publisher))
    if data.get("waiting"):
        lines.append(
            language.ngettext(
                "%(leads)s lead waits", "%(leads)s leads wait", data["waiting"], leads=str(data["waiting"])
            )
        )
    if data.get("cause") in _CAUSES:
        lines.append(language.gettext(_CAUSES[str(data["cause"])]))
    if data.get("endsAt"):
        lines.append(language.gettext("They end on %(end)s.", end=str(data["endsAt"])))
    if event.kind == Event.CONNECTION_BROKEN and "cause" in data:
        with suppress(ValueError):  # a package that is gone declared it
            text = text_of(kind_of(str(data["cause"])), language)
            lines += [text.summary, *text.steps]
    return _Message(heading, tuple(line[:_LONGEST] for line in lines), page)


def _escaped(text: str) -> str:
    """As Slack's mrkdwn shows it and nothing else: no mention, no link that is not ours."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


_MARKS: Final = str.maketrans({mark: f"\\{mark}" for mark in "\\`*_[]"})


def _plain(text: str) -> str:
    """As a card's Markdown shows it and nothing else."""
    return text.translate(_MARKS)
