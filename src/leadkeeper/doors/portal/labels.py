"""How states look: a word, a colour and an icon each. No state is told by its colour alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from leadkeeper.access.acts import STEP
from leadkeeper.connections.state import STATE_WORDS, ConnectionState
from leadkeeper.publishing.listing import CallToAction
from leadkeeper.publishing.steps import STEP_TEXTS, OfferStatus, StepId, StepStatus
from leadkeeper.texts import _ as gettext
from leadkeeper.texts import join_lazily
from leadkeeper.texts import lazy_gettext as _


@dataclass(frozen=True, slots=True)
class Label:
    """A state as a badge shows it. ``tone`` is ok, wait, wrong, info or calm."""

    word: str
    tone: str
    icon: str


CALLS: Final[Mapping[CallToAction, str]] = {
    CallToAction.GET_IT_NOW: _("Get it now"),
    CallToAction.CONTACT_ME: _("Contact me"),
    CallToAction.FREE_TRIAL: _("Free trial"),
    CallToAction.TEST_DRIVE: _("Test drive"),
    CallToAction.CREATE: _("Create (in the Azure portal)"),
}
"""What customers can do, as buttons and lists name it."""
_FIELDS: Final[Mapping[str, str]] = {
    "title": _("Title"),
    "summary": _("Summary"),
    "description": _("Description"),
    "callToAction": _("What customers can do"),
    "leadDestination": _("Destination"),
}


def field_word(field: str) -> str:
    """What people call a part of an offer that publishing needs; a name that only the API has stays as it is."""
    return _FIELDS.get(field, field)


_STATES: Final = {
    ConnectionState.NOT_TRIED: ("calm", "circle-dashed"),
    ConnectionState.WORKING: ("ok", "circle-check"),
    ConnectionState.UNCONFIRMED: ("wait", "help-circle"),
    ConnectionState.BROKEN: ("wrong", "circle-x"),
    ConnectionState.PAUSED: ("info", "player-pause"),
}


def state_label(state: ConnectionState) -> Label:
    """A connection's state, in the words that every door has for it."""
    return Label(_(STATE_WORDS[state]), *_STATES[state])


_STATUSES: Final[Mapping[OfferStatus, Label]] = {
    OfferStatus.NEVER_PUBLISHED: Label(_("never published"), "calm", "circle-dashed"),
    OfferStatus.WAITING_FOR_REVIEW: Label(_("preview ready: waits for you"), "wait", "eye"),
    OfferStatus.RUNNING: Label(_("running"), "info", "clock"),
    OfferStatus.SUCCEEDED: Label(_("published"), "ok", "circle-check"),
    OfferStatus.CANCELED: Label(_("canceled"), "calm", "x"),
    OfferStatus.FAILED: Label(_("failed"), "wrong", "circle-x"),
}


_WITHDRAWN: Final = Label(_("withdrawn"), "calm", "archive")


def status_label(status: OfferStatus, *, withdrawn: bool = False) -> Label:
    """How an offer's publishing stands; ``withdrawn``: customers no longer see it."""
    return _WITHDRAWN if withdrawn else _STATUSES[status]


_STEPS: Final[Mapping[StepStatus, Label]] = {
    StepStatus.NOT_STARTED: Label(_("not started"), "calm", "circle-dashed"),
    StepStatus.IN_PROGRESS: Label(_("in progress"), "info", "clock"),
    StepStatus.WAITING_FOR_REVIEW: Label(_("waits for you"), "wait", "eye"),
    StepStatus.WAITING_FOR_APPROVAL: Label(_("waits for an operator"), "wait", "user"),
    StepStatus.BLOCKED: Label(_("failed"), "wrong", "circle-x"),
    StepStatus.REJECTED: Label(_("refused"), "wrong", "circle-x"),
    StepStatus.COMPLETE: Label(_("done"), "ok", "circle-check"),
    StepStatus.CANCELED: Label(_("canceled"), "calm", "x"),
}


def step_label(status: StepStatus) -> Label:
    """How a step of publishing stands."""
    return _STEPS[status]


_DELIVERIES: Final[Mapping[str, Label]] = {
    "pending": Label(_("pending"), "calm", "clock"),
    "sending": Label(_("being sent"), "info", "send"),
    "delivered": Label(_("delivered"), "ok", "circle-check"),
    "unconfirmed": Label(_("unconfirmed"), "wait", "help-circle"),
    "waiting": Label(_("waiting, sent again by itself"), "wait", "clock"),
    "held": Label(_("held"), "info", "player-pause"),
    "setAside": Label(_("set aside"), "wrong", "alert-triangle"),
    "withheld": Label(_("withheld for privacy"), "calm", "lock"),
}


def delivery_label(state: str) -> Label:
    """How a lead's delivery stands."""
    return _DELIVERIES.get(state) or Label(state, "calm", "circle-dashed")


ACTS: Final[Mapping[str, str]] = {
    "nobody": _("nobody: it goes on by itself"),
    "publisher": _("you, the publisher"),
    "destinationAdmin": _("whoever administers the destination"),
    "operator": _("the operator of this marketplace"),
    "leadkeeper": _("us: it is a fault of the program"),
}
"""Who acts, as people read it."""


CHANNELS: Final[Mapping[str, Label]] = {
    "notTried": Label(_("not tried"), "calm", "circle-dashed"),
    "working": Label(_("working"), "ok", "circle-check"),
    "failing": Label(_("failing"), "wrong", "alert-triangle"),
    "off": Label(_("switched off"), "wrong", "circle-x"),
}
"""How a channel stands."""
CHANNEL_EVENTS: Final[Mapping[str, Label]] = {
    "waiting": Label(_("waits"), "wait", "clock"),
    "taken": Label(_("taken"), "ok", "circle-check"),
    "givenUp": Label(_("given up"), "wrong", "circle-x"),
}
"""What became of an event."""
_ACT_WORDS: Final[Mapping[str, str]] = {
    "connection.acceptMissing": _("Said that missing records were removed on purpose"),
    "connection.change": _("Gave the connection new settings, which wait to be proven"),
    "connection.confirmed": _("Found a lead at the destination, so its settings are proven"),
    "connection.dropChange": _("Dropped the new settings that waited"),
    "connection.pause": _("Paused the connection"),
    "connection.put": _("Saved the connection"),
    "connection.reconcile": _("Asked whether delivered leads are still there"),
    "connection.remove": _("Removed the connection"),
    "connection.replay": _("Sent the connection's leads again"),
    "connection.resume": _("Resumed the connection"),
    "connection.sendMissing": _("Sent missing leads again"),
    "connection.testLead": _("Looked for the test lead"),
    "connection.validate": _("Sent a test lead"),
    "crossListing.agree": _("Agreed to a cross-listing"),
    "crossListing.withdraw": _("Withdrew from a cross-listing"),
    "hook.create": _("Made a hook"),
    "hook.remove": _("Revoked a hook"),
    "offer.cancel": _("Cancelled the publishing"),
    "offer.certify": _("Decided on the offer's certification"),
    "offer.goLive": _("Let the offer go live"),
    "offer.publish": _("Began to publish the offer"),
    "offer.put": _("Saved the offer"),
    "offer.withdraw": _("Took the offer out of the storefront"),
}


def act_word(act: str) -> str:
    """What somebody did with an offer or with what belongs to it; another act stays as the audit names it."""
    if act.startswith(STEP):
        step = act.removeprefix(STEP)
        return _("Publishing: %(step)s", step=_(STEP_TEXTS[StepId(step)].name)) if step in set(StepId) else act
    return _ACT_WORDS.get(act, act)


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
    **{word: _(word) for word in STATE_WORDS.values()},
}
"""Words of the audit that are the same in every line."""
_LED_TO_WITH: Final[Sequence[tuple[re.Pattern[str], str]]] = (
    (re.compile(r"was (?P<state>.+)"), gettext("It was: %(state)s")),
    (re.compile(r"changed: (?P<names>.+)"), gettext("changed: %(names)s")),
    (re.compile(r"(?P<count>\d+) deliveries"), gettext("leads: %(count)s")),
    (re.compile(r"(?P<count>\d+) records"), gettext("records: %(count)s")),
    (re.compile(r"found (?P<marker>\S+)"), gettext("found: %(marker)s")),
    (re.compile(r"not found (?P<marker>\S+)"), gettext("not found: %(marker)s")),
    (re.compile(r"(?P<version>\d+)"), gettext("version %(version)s")),
)


def led_to(detail: str, title: Callable[[str], str]) -> str:
    """What an act on an offer led to, as the audit keeps it, in words; ids and names of fields stay as they are.

    ``title`` tells what people call a kind of destination, and hands back any other name.
    """
    return join_lazily([_led_to(part, title) for part in detail.split("; ")], "; ")


def _led_to(part: str, title: Callable[[str], str]) -> str:
    if part in _LED_TO:
        return _LED_TO[part]
    for pattern, message in _LED_TO_WITH:
        if found := pattern.fullmatch(part):
            return _(message, **{name: _LED_TO.get(value, value) for name, value in found.groupdict().items()})
    states = part.split(", ")
    if all(state in _DELIVERIES for state in states):
        return join_lazily([_DELIVERIES[state].word for state in states], ", ")
    return " → ".join(title(name) for name in part.split(" -> "))
