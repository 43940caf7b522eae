"""``leadkeeper doctor``: looks at an installation and says what is wrong and how to fix it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from leadkeeper.check import step_title
from leadkeeper.doors.cli.failing import explanation
from leadkeeper.doors.cli.showing import AsJson, plain_text, print_json, say
from leadkeeper.doors.cli.telling import spoken_language

if TYPE_CHECKING:
    from leadkeeper.check import CheckStep
    from leadkeeper.connections.connection import Connection
    from leadkeeper.doors.cli.db import DatabaseStatus
    from leadkeeper.inbox.backlog import Backlog
    from leadkeeper.services import Services
    from leadkeeper.settings import Settings
    from leadkeeper.storage.durability import Durability
    from leadkeeper.texts import Language

    Examine = Callable[[Services, Connection, Language], Awaitable["Finding"]]

CHECKS_AT_ONCE: Final = 8
OVERDUE_MS: Final = 60_000
"""A lead that was due this long ago was left lying: no worker runs, or it has too much to do."""
REPORTED_EVERY: Final = 100_000
"""After so many records a look through them says how far it is."""
NAMED: Final = 50
"""How many damaged records are named."""
RESTORE: Final = (
    "restore their rows from a backup, or remove them, and send such leads again (leadkeeper leads retry <lead id>); "
    "settings can be entered anew (leadkeeper connections put), offers be entered and published again; what was "
    "ended for it is told for a day"
)

_KEPT: Final = {"personal": "personal data of leads", "evidence": "evidence of attempts", "mails": "texts of mails"}

State = Literal["ok", "note", "wrong"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. ``note`` is worth knowing, ``wrong`` must be fixed: ``remedy`` says how."""

    name: str
    state: State
    detail: str
    remedy: str = ""


TestLeads = Annotated[
    bool, typer.Option("--test-leads", help="Send a real test lead over each connection whose check passes.")
]


def doctor(json: AsJson = False, test_leads: TestLeads = False) -> None:
    """Look at Python, settings, permissions of files, database, secrets, connections, the backlog and the clock.

    Changes nothing and sends no lead unless told to. Exit code 1 if something is wrong; each such line ends with the
    remedy.
    """
    findings = _findings(test_leads=test_leads)
    wrong = [finding for finding in findings if finding.state == "wrong"]
    if json:
        print_json({"ok": not wrong, "findings": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            _print(finding)
        say("Something is wrong." if wrong else "Nothing wrong was found.")
    if wrong:
        raise typer.Exit(1)


def _print(finding: Finding) -> None:
    remedy = f" -> {finding.remedy}" if finding.remedy else ""
    print(plain_text(f"{finding.state:<6} {finding.name}: {finding.detail}{remedy}"))


def _findings(*, test_leads: bool) -> list[Finding]:
    from leadkeeper.doors.cli.db import database_status
    from leadkeeper.doors.cli.installation import quiet_settings

    found: list[Finding] = [_python()]
    try:
        settings = quiet_settings()
        found.append(Finding("settings", "ok", "can be used"))
        found += _permissions(settings)
        status = database_status(settings)
        found.append(_database(status))
        if status.up_to_date:
            writes, of_server = asyncio.run(_server(settings))
            found += of_server
            # Where commits wait for ever, whatever writes would wait as well.
            found += asyncio.run(_look(settings, test_leads=test_leads)) if writes else []
    except Exception as error:
        summary = explanation(error)
        if summary is None:
            raise
        found.append(Finding("settings" if summary.startswith("Wrong setting") else "database", "wrong", summary))
    return found


def _python() -> Finding:
    from leadkeeper.doors.cli.python_check import REMEDY, WARNING, reads_cookies_slowly

    if reads_cookies_slowly():
        return Finding("python", "note", WARNING, REMEDY)
    return Finding("python", "ok", "reads long cookies in reasonable time")


def _permissions(settings: Settings) -> list[Finding]:
    from leadkeeper.doors.cli.permissions import ROOT, exposed_files, is_root

    found = [
        Finding(f"file {each.path}", "wrong" if each.by_all else "note", each.summary, each.remedy)
        for each in exposed_files(settings)
    ]
    user = Finding("user", "note", *ROOT) if is_root() else Finding("user", "ok", "is not root")
    return [*(found or [Finding("files", "ok", "can be read by nobody else")]), user]


def _database(status: DatabaseStatus) -> Finding:
    if status.up_to_date:
        return Finding("database", "ok", f"{status.database} is reachable and has this version's tables")
    what = f"{status.database} has {status.current or 'no tables yet'}, needs {status.newest}"
    return Finding("database", "wrong", what, "leadkeeper db upgrade")


async def _server(settings: Settings) -> tuple[bool, list[Finding]]:
    """Whether anything can be committed, and what is to be said of the database itself; nothing is written."""
    from leadkeeper.storage.durability import durability
    from leadkeeper.storage.engine import open_storage

    storage = open_storage(settings.database_url)
    try:
        found = await storage.read(durability)
        writes = found is None or not found.waits
        return writes, [*_durability(found), _notifications(observed=await storage.hears())]
    finally:
        await storage.close()


def _durability(found: Durability | None) -> list[Finding]:
    from leadkeeper.storage.durability import promise, weaknesses

    if found is None:
        return [Finding("durability", "ok", "an acknowledged lead is on this machine's disk")]
    weak = weaknesses(found)
    return [
        Finding("durability", "wrong" if any(each.wrong for each in weak) else "ok", promise(found)),
        *(Finding("durability", "wrong" if each.wrong else "note", each.detail, each.remedy) for each in weak),
    ]


def _notifications(*, observed: bool) -> Finding:
    from leadkeeper.delivery.lookout import POLL_SECONDS

    if observed:
        return Finding("notifications", "ok", "a worker hears at once of what another process brings")
    summary = f"NOTIFY does not reach, and a worker finds within {POLL_SECONDS:g} s what another process brings"
    remedy = "nothing has to be done; the server's own address in LEADKEEPER_DATABASE_URL would save that time"
    return Finding("notifications", "note", f"a pooler stands before PostgreSQL: {summary}", remedy)


async def _look(settings: Settings, *, test_leads: bool) -> list[Finding]:
    from leadkeeper.app import open_services

    async with open_services(settings, worker=False) as installation:
        services = installation.services
        connections = await _connections(services, spoken_language(), _validated if test_leads else _connection)
        return [
            *await _secrets(services),
            *connections,
            *await _backlog(services),
            await _retention(services),
            await _records(services),
            await _audit(services),
            *await _clocks(services),
            await _mail(settings),
        ]


async def _secrets(services: Services) -> list[Finding]:
    from leadkeeper.connections.rotation import unbound

    closed = await services.connections.unreadable()
    if not closed:
        loose = await services.storage.read(unbound)
        summary = f"opens the stored secrets; those of {', '.join(loose)} are not bound to their row yet"
        if loose:
            return [Finding("secret key", "note", summary, "leadkeeper db rotate-secrets")]
        return [Finding("secret key", "ok", "opens the stored secrets")]
    remedy = "set LEADKEEPER_SECRET_KEY (or _FILE) to the key that made them, or enter the settings anew"
    return [Finding("secret key", "wrong", f"does not open the secrets of {', '.join(closed)}", remedy)]


async def _connections(services: Services, language: Language, examine: Examine) -> list[Finding]:
    gate = asyncio.Semaphore(CHECKS_AT_ONCE)

    async def look(connection: Connection) -> Finding:
        async with gate:
            return await examine(services, connection, language)

    return list(await asyncio.gather(*(look(connection) for connection in await services.connections.list())))


async def _connection(services: Services, connection: Connection, language: Language) -> Finding:
    from leadkeeper.catalogue import from_stored, text_of
    from leadkeeper.connections.state import STATE_WORDS, ConnectionState
    from leadkeeper.diagnosis import Diagnosis

    name = f"connection {connection.offer}/{connection.name}"
    check = await services.validator.check(connection)
    state = language.gettext(STATE_WORDS[connection.state])
    if check.ok:
        resume = f"leadkeeper connections resume {connection.offer} {connection.name}"
        if connection.health.paused_by_person:
            return Finding(name, "note", "passes its check, but a person paused it", resume)
        why = None if connection.diagnosis is None else from_stored(connection.diagnosis)
        if connection.state is ConnectionState.BROKEN and isinstance(why, Diagnosis):
            text = text_of(why.kind, language)
            return Finding(name, "wrong", f"passes its check, yet: {text.summary}", " ".join(text.steps))
        unseen = "" if check.unseen is None else f". {check.unseen.summary(language)}"
        return Finding(name, "ok", f"passes its check ({state}){unseen}")
    if check.diagnosis is None:
        failed = "; ".join(_failed(step, language) for step in check.steps if step.ok is False)
        return Finding(name, "wrong", f"fails its check ({state}): {failed}")
    evidence = f" ({check.diagnosis.evidence.text})" if check.diagnosis.evidence.text else ""
    text = text_of(check.diagnosis.kind, language)
    return Finding(name, "wrong", f"{text.summary}{evidence}", " ".join(text.steps))


def _failed(step: CheckStep, language: Language) -> str:
    return f"{language.tell(step_title(step.name))}: {language.tell(step.detail)}"


async def _validated(services: Services, connection: Connection, language: Language) -> Finding:
    name = f"connection {connection.offer}/{connection.name}"
    found = await services.validator.validate(connection.offer, connection.name, by="cli:doctor", language=language)
    if found.ok:
        return Finding(name, "ok", found.message)
    if found.ok is None:
        which = f"{connection.offer} {connection.name}"
        remedy = f"leadkeeper connections found {which} (or not-found)"
        return Finding(name, "note", found.message, remedy)
    if found.diagnosis is None:
        return await _connection(services, connection, language)
    evidence = f" ({found.diagnosis.evidence.text})" if found.diagnosis.evidence.text else ""
    return Finding(name, "wrong", f"{found.diagnosis.summary}{evidence}", " ".join(found.diagnosis.steps))


async def _backlog(services: Services) -> list[Finding]:
    from leadkeeper.inbox.backlog import backlog

    found = await services.storage.read(backlog)
    now = services.clock()
    age = f"; the oldest came {_ago(now - found.oldest_at)} ago" if found.oldest_at is not None else ""
    late = found.due_at is not None and now - found.due_at > OVERDUE_MS
    remedy = "start leadkeeper serve or another leadkeeper worker" if late else ""
    findings = [Finding("waiting", "wrong" if late else "ok", f"{found.waiting} deliveries{age}", remedy)]
    for name, count, remedy in _held_up(found):
        findings.append(Finding(name, "note" if count else "ok", str(count), remedy if count else ""))
    return findings


async def _retention(services: Services) -> Finding:
    """For how long data are kept, how old the oldest are, and the room that the database takes."""
    from leadkeeper.privacy.periods import DataKind

    found, usual, now = await services.retention.figures(), services.retention.usual, services.clock()
    days = {
        DataKind.PERSONAL: usual.personal_days,
        DataKind.EVIDENCE: usual.evidence_days,
        DataKind.MAILS: usual.mail_days,
    }
    parts = [f"the database takes {found.room.taken / 1e6:.1f} MB, {found.room.free / 1e6:.1f} MB of it free"]
    for kind, kept in found.kept.items():
        age = "" if kept.oldest_at is None else f", the oldest came {_ago(now - kept.oldest_at)} ago"
        left = f", {kept.left} older ones wait" if kept.left else ""
        parts.append(f"{_KEPT[kind.value]} {days[kind]} days ({kept.removed} removed{age}{left})")
    late = any(kept.late for kept in found.kept.values())
    remedy = "start leadkeeper serve or a leadkeeper worker: only they remove what is too old" if late else ""
    return Finding("data kept", "wrong" if late else "ok", "; ".join(parts), remedy)


async def _records(services: Services) -> Finding:
    """Rows that cannot be read stop nothing but themselves, and wait for a person."""
    from leadkeeper.inbox.damaged import all_damaged

    found = [each.summary async for each in all_damaged(services.storage, services.clock(), _progress())]
    if not found:
        return Finding("records", "ok", "all of them can be read")
    more = f", and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return Finding("records", "wrong", f"damaged or missing: {', '.join(found[:NAMED])}{more}", RESTORE)


async def _audit(services: Services) -> Finding:
    """Whether a line of the audit was changed, taken out, or put in between."""
    from leadkeeper.access.chain import verify

    found = await verify(services.storage)
    if not found.faults:
        chain = f"{found.lines} lines in an unbroken chain that ends in {found.newest[:16]}"
        return Finding("audit", "ok", f"{chain}; each is kept {services.retention.usual.audit_days} days")
    more = f", and {found.more} more" if found.more else ""
    remedy = "compare these lines with a backup: only somebody who writes to the database can have done it"
    return Finding("audit", "wrong", f"{'; '.join(found.faults)}{more}", remedy)


def _progress() -> Callable[[int], None]:
    """Says on standard error how far a long look through the records is."""
    message = 0

    def looked(records: int) -> None:
        nonlocal message
        if records >= message + REPORTED_EVERY:
            message = records
            typer.echo(f"looked at {records} records, going on", err=True)

    return looked


def _held_up(found: Backlog) -> Sequence[tuple[str, int, str]]:
    by_person, later = found.set_aside - found.by_outage, "they go out by themselves once their connections work"
    return (
        ("held", found.held, "fix or resume their connections: leadkeeper connections list"),
        ("set aside", by_person, "a person must act on each: leadkeeper leads list --state setAside"),
        ("set aside by outages", found.by_outage, f"{later}: leadkeeper connections list"),
        ("without connection", found.unrouted, "give their offers a connection: leadkeeper connections put"),
    )


def _ago(ms: int) -> str:
    seconds = max(0, ms // 1000)
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


async def _clocks(services: Services) -> list[Finding]:
    """Due times and leases go by the database's clock; signatures, certificates and tokens by each machine's."""
    from leadkeeper.clock import now_ms
    from leadkeeper.storage.presence import WRONG_MS, running

    now = services.clock()
    processes = await services.storage.read(running, now)
    wrong = [each for each in processes if abs(each.ahead_ms) >= WRONG_MS]
    mine = now_ms() - now
    right = f"agrees with the database's; so do those of {len(processes) - len(wrong)} running processes"
    others = [
        _wrong_clock(f"clock of process {each.id}", f"the {each.role} on {each.host}", each.ahead_ms) for each in wrong
    ]
    if abs(mine) >= WRONG_MS:
        return [_wrong_clock("clock", "this machine", mine), *others]
    return [Finding("clock", "ok", right), *others]


def _wrong_clock(name: str, whose: str, ahead: int) -> Finding:
    detail = f"{whose} is {abs(ahead) / 1000:.0f} s {'ahead of' if ahead > 0 else 'behind'} the database's clock"
    return Finding(name, "wrong", detail, "synchronise that machine and the database's (NTP)")


async def _mail(settings: Settings) -> Finding:
    """Whether the mail server lets us sign in; nothing is sent."""
    from leadkeeper.catalogue import text_of
    from leadkeeper.mail.mailer import Mailer

    if settings.mail_server is None:
        return Finding("mail", "note", "no mail server is set, so notices wait", "set LEADKEEPER_SMTP_URL")
    summary = await Mailer(settings.mail_server).probe()
    if summary is None:
        return Finding("mail", "ok", "the mail server lets us sign in")
    text = text_of(summary.kind, spoken_language())
    evidence = f" ({summary.evidence.status} {summary.evidence.text})" if summary.evidence.status else ""
    return Finding("mail", "wrong", f"{text.summary}{evidence}", " ".join(text.steps))
