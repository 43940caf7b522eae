"""What acts led to, in words. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from leadkeeper.connections.state import STATE_WORDS
from leadkeeper.doors.state_words import DELIVERIES
from leadkeeper.texts import _ as gettext
from leadkeeper.texts import join_lazily
from leadkeeper.texts import lazy_gettext as _

_LED_TO: Final[Mapping[str, str]] = {
    "new": _("newly made"),
    "nothing changed": _("nothing changed"),
    "live": _("takes leads"),
    "not live": _("takes no leads"),
    "approved": _("approved"),
    "refused": _("refused"),
    "done": _("done"),
    "waits": _("waits for a person"),
    "failedstep": _("failed"),
    "test=False": _("without test leads"),
    "test=True": _("test leads alone"),
    "by an address": _("by an e-mail address"),
    "by an id": _("by an id"),
    "by a marker": _("by a test lead's marker"),
    **{word: _(word) for word in STATE_WORDS.values()},
}
"""Words of the audit that are the same in every line."""
_LED_TO_WITH: Final[Sequence[tuple[re.Pattern[str], str]]] = (
    (re.compile(r"was (?P<state>.+)"), gettext("It was: %(state)s")),
    (re.compile(r"(?P<count>\d+) deliveries"), gettext("leads: %(count)s")),
    (re.compile(r"(?P<count>\d+) records"), gettext("records: %(count)s")),
    (re.compile(r"(?P<count>\d+) leads?"), gettext("leads: %(count)s")),
    (re.compile(r"(?P<first>[0-9a-f-]{36}) to (?P<last>[0-9a-f-]{36})"), gettext("%(first)s to %(last)s")),
    (re.compile(r"from (?P<address>[0-9a-f.:]+)"), gettext("from %(address)s")),
    (re.compile(r"offerId=(?P<offer>\S+)"), gettext("offer: %(offer)s")),
    (re.compile(r"position (?P<position>\d+)"), gettext("place %(position)s")),
    (re.compile(r"found (?P<marker>\S+)"), gettext("found: %(marker)s")),
    (re.compile(r"not found (?P<marker>\S+)"), gettext("not found: %(marker)s")),
    (re.compile(r"(?P<version>\d+)"), gettext("version %(version)s")),
)


def led_to(detail: str, title: Callable[[str], str], word: Callable[[str], str] = str) -> str:
    """What an act led to, as the audit keeps it, in words; ids and names of fields stay as they are.

    ``title`` tells what people call a kind of destination, and hands back any other name; ``word`` does so with what
    was changed, and leaves out what it answers empty.
    """
    return join_lazily([text for part in detail.split("; ") if (text := _led_to(part, title, word))], "; ")


def _changed(names: Sequence[str], word: Callable[[str], str]) -> str:
    known = list(dict.fromkeys(filter(None, map(word, names))))
    return _("changed: %(names)s", names=join_lazily(known, ", ")) if known else ""


def _led_to(part: str, title: Callable[[str], str], word: Callable[[str], str]) -> str:
    if part in _LED_TO:
        return _LED_TO[part]
    if part.startswith("changed: "):
        return _changed(part.removeprefix("changed: ").split(", "), word)
    for pattern, message in _LED_TO_WITH:
        if found := pattern.fullmatch(part):
            return _(message, **{name: _LED_TO.get(value, value) for name, value in found.groupdict().items()})
    states = part.split(", ")
    if all(state in DELIVERIES for state in states):
        return join_lazily([DELIVERIES[state] for state in states], ", ")
    return join_lazily([title(name) for name in part.split(" -> ")], " → ")
