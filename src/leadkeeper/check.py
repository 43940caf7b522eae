"""What a check of a connection found, and who hears of its steps while it runs. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from leadkeeper.diagnoses.unseen import Unseen
from leadkeeper.diagnosis import Diagnosis
from leadkeeper.texts import lazy_gettext as _

STEP_TITLES: Final[Mapping[str, str]] = {
    "address": _("address"),
    "check": _("check"),
    "contacts": _("contacts"),
    "create": _("right to create leads"),
    "credentials": _("credentials"),
    "fields": _("fields"),
    "form": _("form"),
    "lead": _("lead"),
    "leads": _("leads"),
    "limits": _("limits"),
    "mailServer": _("mail server"),
    "mailboxes": _("mailboxes"),
    "membership": _("membership"),
    "name": _("host name"),
    "network": _("network"),
    "properties": _("properties"),
    "rules": _("rules"),
    "settings": _("settings"),
    "tls": _("certificate"),
    "token": _("token"),
}
"""What people call the steps; programs go by their names."""


def step_title(name: str) -> str:
    """A step's name as people read it, to be told in their language; the name itself of one that has no other."""
    return STEP_TITLES.get(name, name)


@dataclass(frozen=True, slots=True)
class CheckStep:
    """One thing that a check looked at. ``ok`` is ``None`` when it could not be proven without writing."""

    name: str
    ok: bool | None
    detail: str = ""


_WATCHER: Final[ContextVar[Callable[[CheckStep], None] | None]] = ContextVar("watcher", default=None)


@contextmanager
def watched(tell: Callable[[CheckStep], None]) -> Iterator[None]:
    """Whatever step a check finds meanwhile is told at once. ``tell`` must neither wait nor raise."""
    token = _WATCHER.set(tell)
    try:
        yield
    finally:
        _WATCHER.reset(token)


def tell_step(step: CheckStep) -> CheckStep:
    """The step, told to whoever watches the check: for an adapter that goes on to ask the other side for the next."""
    tell = _WATCHER.get()
    if tell is not None:
        tell(step)
    return step


@dataclass(frozen=True, slots=True)
class Check:
    """What can be proven of a connection without writing: its steps in order, and why the failed one failed.

    ``unseen`` says what it did not look at; every check that passes has it.
    """

    steps: tuple[CheckStep, ...]
    diagnosis: Diagnosis | None = None
    unseen: Unseen | None = None

    @property
    def ok(self) -> bool:
        """No step failed."""
        return self.diagnosis is None and all(step.ok is not False for step in self.steps)
