"""How states look: a word, a colour and an icon each. No state is told by its colour alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from leadkeeper.connections.state import STATE_WORDS, ConnectionState
from leadkeeper.doors import state_words
from leadkeeper.publishing.listing import CallToAction
from leadkeeper.publishing.steps import OfferStatus, StepStatus
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
    CallToAction.TEST_DRIVE: _("Take a test drive"),
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
    OfferStatus.NEVER_PUBLISHED: Label(state_words.STATUSES[OfferStatus.NEVER_PUBLISHED], "calm", "circle-dashed"),
    OfferStatus.WAITING_FOR_REVIEW: Label(state_words.STATUSES[OfferStatus.WAITING_FOR_REVIEW], "wait", "eye"),
    OfferStatus.RUNNING: Label(state_words.STATUSES[OfferStatus.RUNNING], "info", "clock"),
    OfferStatus.SUCCEEDED: Label(state_words.STATUSES[OfferStatus.SUCCEEDED], "ok", "circle-check"),
    OfferStatus.CANCELED: Label(state_words.STATUSES[OfferStatus.CANCELED], "calm", "x"),
    OfferStatus.FAILED: Label(state_words.STATUSES[OfferStatus.FAILED], "wrong", "circle-x"),
}


_WITHDRAWN: Final = Label(_("withdrawn"), "calm", "archive")


def status_label(status: OfferStatus, *, withdrawn: bool = False) -> Label:
    """How an offer's publishing stands; ``withdrawn``: customers no longer see it."""
    return _WITHDRAWN if withdrawn else _STATUSES[status]


_STEPS: Final[Mapping[StepStatus, Label]] = {
    StepStatus.NOT_STARTED: Label(state_words.STEPS[StepStatus.NOT_STARTED], "calm", "circle-dashed"),
    StepStatus.IN_PROGRESS: Label(state_words.STEPS[StepStatus.IN_PROGRESS], "info", "clock"),
    StepStatus.WAITING_FOR_REVIEW: Label(state_words.STEPS[StepStatus.WAITING_FOR_REVIEW], "wait", "eye"),
    StepStatus.WAITING_FOR_APPROVAL: Label(state_words.STEPS[StepStatus.WAITING_FOR_APPROVAL], "wait", "user"),
    StepStatus.BLOCKED: Label(state_words.STEPS[StepStatus.BLOCKED], "wrong", "circle-x"),
    StepStatus.REJECTED: Label(state_words.STEPS[StepStatus.REJECTED], "wrong", "circle-x"),
    StepStatus.COMPLETE: Label(state_words.STEPS[StepStatus.COMPLETE], "ok", "circle-check"),
    StepStatus.CANCELED: Label(state_words.STEPS[StepStatus.CANCELED], "calm", "x"),
}


def step_label(status: StepStatus) -> Label:
    """How a step of publishing stands."""
    return _STEPS[status]


_DELIVERIES: Final[Mapping[str, Label]] = {
    "pending": Label(state_words.DELIVERIES["pending"], "calm", "clock"),
    "sending": Label(state_words.DELIVERIES["sending"], "info", "send"),
    "delivered": Label(state_words.DELIVERIES["delivered"], "ok", "circle-check"),
    "unconfirmed": Label(state_words.DELIVERIES["unconfirmed"], "wait", "help-circle"),
    "waiting": Label(state_words.DELIVERIES["waiting"], "wait", "clock"),
    "held": Label(state_words.DELIVERIES["held"], "info", "player-pause"),
    "setAside": Label(state_words.DELIVERIES["setAside"], "wrong", "alert-triangle"),
    "withheld": Label(state_words.DELIVERIES["withheld"], "calm", "lock"),
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
    "notTried": Label(state_words.CHANNELS["notTried"], "calm", "circle-dashed"),
    "working": Label(state_words.CHANNELS["working"], "ok", "circle-check"),
    "failing": Label(state_words.CHANNELS["failing"], "wrong", "alert-triangle"),
    "off": Label(state_words.CHANNELS["off"], "wrong", "circle-x"),
}
"""How a channel stands."""
CHANNEL_EVENTS: Final[Mapping[str, Label]] = {
    "waiting": Label(state_words.CHANNEL_EVENTS["waiting"], "wait", "clock"),
    "taken": Label(state_words.CHANNEL_EVENTS["taken"], "ok", "circle-check"),
    "givenUp": Label(state_words.CHANNEL_EVENTS["givenUp"], "wrong", "circle-x"),
}
"""What became of an event."""
