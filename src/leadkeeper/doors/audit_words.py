"""What acts led to, in words. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from leadkeeper.access.permissions import ROLE_NAMES
from leadkeeper.access.quotas import SUMMARY
from leadkeeper.connections.state import STATE_WORDS
from leadkeeper.doors.state_words import ATTEMPTS, DELIVERIES
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
    "as usual": _("as usual"),
    "a lead was found there": _("a lead was found there"),
    "operator, by the first link": _("an operator, by the first link"),
    "from the identity provider": _("from the identity provider"),
    "from an unknown address": _("from an unknown address"),
    "by an address": _("by an e-mail address"),
    "by an id": _("by an id"),
    "by a marker": _("by a test lead's marker"),
    **{word: _(word) for word in STATE_WORDS.values()},
}
"""Words of the audit that are the same in every line."""
_OF_LISTS: Final[Mapping[str, str]] = {
    "action": _("by action"),
    "country": _("by country"),
    "destination": _("by destination"),
    "email": _("by an e-mail address"),
    "offer_id": _("by offer"),
    "source": _("by source"),
    "state": _("by state"),
    "test": _("with or without test leads"),
    "text": _("by words"),
    "withheld": _("by whether they were withheld"),
    **dict.fromkeys(("since", "since_ms"), _("from a day on")),
    **dict.fromkeys(("until", "until_ms"), _("up to a day")),
    **dict.fromkeys(("followUp", "follow_up"), _("by follow-up")),
    **dict.fromkeys(("owner", "owner_id"), _("by owner")),
    "state=attention": _("need attention"),
}
"""By what leads were chosen."""
_ACTS_ON_ALL: Final[Mapping[str, str]] = {
    "again": _("sent again"),
    "owner": _("given to somebody"),
    "state": _("follow-up set"),
}
"""What was done to all leads that fit: it stands before by what they were chosen."""
_OF_PUBLISHERS: Final[Mapping[str, str]] = {
    "changed": _("changed"),
    "contact": _("the contact for customers"),
    **SUMMARY,
}
_OF_FOLLOW_UP: Final[Mapping[str, str]] = {"state": _("state"), "owner_id": _("owner"), "note": _("note")}
_ROLES: Final[Mapping[str, str]] = {role.value: name for role, name in ROLE_NAMES.items()} | {"none": _("no role")}
_BY_ACT: Final[Mapping[str, Mapping[str, str]]] = {
    **dict.fromkeys(("lead.list", "lead.export", "leads.actOnAll"), _OF_LISTS),
    **dict.fromkeys(("member.groups", "member.join", "member.role", "invitation.create"), _ROLES),
    **dict.fromkeys(("key.create", "person.create", "portalLink.create", "portalLink.open"), _ROLES),
    "channel.create": {"webhook": _("Webhook"), "teams": "Microsoft Teams", "slack": "Slack"},
    "channel.switchOff": {
        "gone": _("its address was given up"),
        "failed": _("it took nothing for five days"),
        "tooManyWait": _("too many events waited for it"),
    },
    "connection.validate": ATTEMPTS,
    "lead.followUp": _OF_FOLLOW_UP,
    "publisher.put": _OF_PUBLISHERS,
}
"""Words that mean something else in lines of other acts."""
_COUNTED: Final[Mapping[str, str]] = {"operators.addresses": "addresses", "secrets.rotate": "connections"}
"""Acts whose lines hold a number alone, and of what."""
_WRITTEN: Final = frozenset({"marketplace.accent", "marketplace.logo", "marketplace.name", "publisher.suspend"})
"""Acts whose lines hold what somebody wrote."""
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
    (re.compile(r"state=(?P<state>\S+)"), gettext("state: %(state)s")),
    (re.compile(r"from (?P<address>.+), as (?P<person>\S+)"), gettext("from %(address)s, as %(person)s")),
    (re.compile(r"as (?P<person>\S+)"), gettext("as %(person)s")),
    (re.compile(r"lead (?P<lead>[0-9a-f-]{36})"), gettext("lead %(lead)s")),
    (re.compile(r"(?P<count>\d+) left"), gettext("recovery codes left: %(count)s")),
    (re.compile(r"(?P<count>\d+) sessions? ended"), gettext("sessions ended: %(count)s")),
    (re.compile(r"personal data (?P<count>\d+) days"), gettext("personal data: %(count)s days")),
    (re.compile(r"evidence (?P<count>\d+) days"), gettext("evidence: %(count)s days")),
    (re.compile(r"(?P<count>\d+) addresses"), gettext("addresses: %(count)s")),
    (re.compile(r"(?P<count>\d+) connections"), gettext("connections: %(count)s")),
    (re.compile(r"(?P<count>\d+) more lines of refusals"), gettext("further lines of refusals: %(count)s")),
    (re.compile(r"of the customer of (?P<lead>[0-9a-f-]{36})"), gettext("of the same customer as lead %(lead)s")),
    (re.compile(r"over (?P<connection>[\w-]+)"), gettext("over the connection %(connection)s")),
    (
        re.compile(r"for (?P<seconds>\d+) s, from (?P<address>.+)"),
        gettext("for %(seconds)s seconds, from %(address)s"),
    ),
    (re.compile(r"hook (?P<hook>[0-9a-f-]{36})"), gettext("hook %(hook)s")),
    (re.compile(r"by invitation (?P<link>[0-9a-f-]{36})"), gettext("by the invitation %(link)s")),
)


def led_to(detail: str, title: Callable[[str], str], word: Callable[[str], str] = str, *, act: str = "") -> str:
    """What an act led to, as the audit keeps it, in words; ids stay as they are, and what people wrote.

    ``title`` tells what people call a kind of destination, and hands back any other name; ``word`` does so with what
    was changed, and leaves out what it answers empty.
    """
    if act in _WRITTEN:
        return detail
    parts, texts = detail.split("; "), []
    if act.startswith("hook."):  # ids alone: of the hook, and of the lead that a test payload became
        parts = [" ".join(each) for each in zip(("hook", "lead"), detail.split(), strict=False)]
    if act in _COUNTED:
        parts = [f"{detail} {_COUNTED[act]}"]
    if act == "leads.actOnAll":
        texts.append(_ACTS_ON_ALL.get(parts[0], parts[0]))
        parts = parts[1:]
    own = _BY_ACT.get(act, {})
    texts += [text for part in parts if (text := own.get(part) or _led_to(part, title, word, own))]
    return join_lazily(texts, "; ")


def _changed(names: Sequence[str], word: Callable[[str], str]) -> str:
    known = list(dict.fromkeys(filter(None, map(word, names))))
    return _("changed: %(names)s", names=join_lazily(known, ", ")) if known else ""


def _led_to(part: str, title: Callable[[str], str], word: Callable[[str], str], own: Mapping[str, str]) -> str:
    if part in _LED_TO:
        return _LED_TO[part]
    if part.startswith("changed: "):
        return _changed(part.removeprefix("changed: ").split(", "), word)
    if (found := _with_values(part)) is not None:
        return found
    names = part.split(", ")
    texts = [own.get(name) or DELIVERIES.get(name) or _LED_TO.get(name) or _with_values(name) for name in names]
    if known := [text for text in texts if text is not None]:
        return join_lazily(known, ", ") if len(known) == len(texts) else part
    return join_lazily([title(name) for name in part.split(" -> ")], " → ")


def _with_values(part: str) -> str | None:
    """What holds a number, an id or a state; ``None`` for anything else."""
    for pattern, message in _LED_TO_WITH:
        if found := pattern.fullmatch(part):
            return _(message, **{name: _value(name, value) for name, value in found.groupdict().items()})
    return None


def _value(name: str, value: str) -> str:
    if name == "address" and value == "an unknown address":
        return _("an unknown address")
    known = _LED_TO.get(value, value)
    return DELIVERIES.get(value, known) if name == "state" else known
