"""What the doctor finds in the records: what waits, how long data are kept, what is damaged, the audit's chain."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from leadkeeper.doors.cli.showing import say
from leadkeeper.texts import LazyText, join_lazily, lazy_ngettext
from leadkeeper.texts import _ as gettext
from leadkeeper.texts import lazy_gettext as _

if TYPE_CHECKING:
    from leadkeeper.inbox.oversight.backlog import Backlog
    from leadkeeper.services import Services

OVERDUE_MS: Final = 60_000
"""A lead that was due this long ago was left lying: no worker runs, or it has too much to do."""
COUNTED_BACKLOG: Final = 100_000
"""More deliveries than this of a kind, and more connections, are not counted."""
REPORTED_EVERY: Final = 100_000
"""After so many records a look through them says how far it is."""
NAMED: Final = 50
"""How many damaged records are named."""
RESTORE: Final = _(
    "restore their rows from a backup, or remove them, and send such leads again (leadkeeper leads retry <lead id>); "
    "settings can be entered anew (leadkeeper connections put), offers be entered and published again; what was "
    "ended for it is told for a day"
)

_KEPT: Final = {
    "personal": _("personal data of leads"),
    "evidence": _("evidence of attempts"),
    "mails": _("texts of mails"),
}

State = Literal["ok", "note", "wrong"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. ``note`` is worth knowing, ``wrong`` must be fixed: ``remedy`` says how."""

    name: str
    state: State
    detail: str
    remedy: str = ""


async def waiting_deliveries(services: Services) -> list[Finding]:
    """How many deliveries wait, are held or were set aside, and whether anybody carries them."""
    from leadkeeper.inbox.oversight.backlog import backlog

    now = services.clock()
    found = await services.storage.read(backlog, now, COUNTED_BACKLOG, COUNTED_BACKLOG)
    parts: list[str] = [lazy_ngettext("%(count)s delivery", "%(count)s deliveries", found.waiting)]
    if found.waiting > COUNTED_BACKLOG:
        parts = [_("more than %(most)s deliveries", most=COUNTED_BACKLOG)]
    if found.oldest_at is not None:
        parts.append(_("the oldest came %(age)s ago", age=_ago(now - found.oldest_at)))
    late = found.due_at is not None and now - found.due_at > OVERDUE_MS
    remedy = _("start leadkeeper serve or another leadkeeper worker") if late else ""
    findings = [Finding(_("waiting"), "wrong" if late else "ok", join_lazily(parts, "; "), remedy)]
    for name, count, remedy in held_up(found):
        detail = _("more than %(most)s", most=COUNTED_BACKLOG) if count > COUNTED_BACKLOG else str(count)
        findings.append(Finding(name, "note" if count else "ok", detail, remedy if count else ""))
    return findings


async def retention(services: Services) -> Finding:
    """For how long data are kept, how old the oldest are, and the room that the database takes."""
    from leadkeeper.privacy.periods import DataKind

    found, usual, now = await services.retention.figures(), services.retention.usual, services.clock()
    days = {
        DataKind.PERSONAL: usual.personal_days,
        DataKind.EVIDENCE: usual.evidence_days,
        DataKind.MAILS: usual.mail_days,
    }
    taken, free = (f"{size / 1e6:.1f} MB" for size in (found.room.taken, found.room.free))
    parts = [_("the database takes %(taken)s, %(free)s of it free", taken=taken, free=free)]
    for kind, kept in found.kept.items():
        more = [_("%(count)s removed", count=kept.removed)]
        if kept.oldest_at is not None:
            more.append(_("the oldest came %(age)s ago", age=_ago(now - kept.oldest_at)))
        if kept.left:
            more.append(_("%(count)s older ones wait", count=kept.left))
        message = gettext("%(what)s %(days)s days (%(more)s)")
        parts.append(_(message, what=_KEPT[kind.value], days=days[kind], more=join_lazily(more, ", ")))
    late = any(kept.late for kept in found.kept.values())
    remedy = _("start leadkeeper serve or a leadkeeper worker: only they remove what is too old") if late else ""
    return Finding(_("data kept"), "wrong" if late else "ok", join_lazily(parts, "; "), remedy)


async def records(services: Services) -> Finding:
    """Rows that cannot be read stop nothing but themselves, and wait for a person."""
    from leadkeeper.inbox.damaged import all_damaged

    found = [each.summary async for each in all_damaged(services.storage, services.clock(), _progress())]
    if not found:
        return Finding(_("records"), "ok", _("all of them can be read"))
    names = _named(found[:NAMED], len(found) - NAMED)
    return Finding(_("records"), "wrong", _("damaged or missing: %(names)s", names=names), RESTORE)


def _named(texts: Sequence[str], more: int, between: str = ", ") -> LazyText:
    """These one after another, and how many more there are."""
    rest = [_("and %(count)s more", count=more)] if more > 0 else []
    return join_lazily([between.join(texts), *rest], ", ")


async def audit_chain(services: Services) -> Finding:
    """Whether a line of the audit was changed, taken out, or put in between."""
    from leadkeeper.access.chain import verify

    found = await verify(services.storage)
    if not found.faults:
        chain = _(
            "%(lines)s lines in an unbroken chain that ends in %(newest)s; each is kept %(days)s days",
            lines=found.lines,
            newest=found.newest[:16],
            days=services.retention.usual.audit_days,
        )
        return Finding(_("audit"), "ok", chain)
    remedy = _("compare these lines with a backup: only somebody who writes to the database can have done it")
    return Finding(_("audit"), "wrong", _named(found.faults, found.more, "; "), remedy)


def _progress() -> Callable[[int], None]:
    """Says on standard error how far a long look through the records is."""
    message = 0

    def looked(records: int) -> None:
        nonlocal message
        if records >= message + REPORTED_EVERY:
            message = records
            say(_("looked at %(count)s records, going on", count=records))

    return looked


def held_up(found: Backlog) -> Sequence[tuple[str, int, str]]:
    """What does not go out by itself: its name, how many, and the remedy."""
    return (
        (_("held"), found.held, _("fix or resume their connections: leadkeeper connections list")),
        (
            _("set aside"),
            found.set_aside,
            _("a person must act on each that no outage set aside: leadkeeper leads list --state attention"),
        ),
        (
            _("set aside by outages"),
            found.by_outage,
            _("of those set aside; they go out by themselves once their connections work: leadkeeper connections list"),
        ),
        (_("without connection"), found.unrouted, _("give their offers a connection: leadkeeper connections put")),
    )


def _ago(ms: int) -> str:
    seconds = max(0, ms // 1000)
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
