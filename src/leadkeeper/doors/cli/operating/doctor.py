"""``leadkeeper doctor``: looks at an installation and says what is wrong and how to fix it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Final

import typer

from leadkeeper.check import step_title
from leadkeeper.doors.cli.failing import explanation
from leadkeeper.doors.cli.operating.db import REMEDIES, database_status, shown_tables
from leadkeeper.doors.cli.operating.doctor_records import (
    Finding,
    State,
    audit_chain,
    records,
    retention,
    waiting_deliveries,
)
from leadkeeper.doors.cli.showing import AsJson, plain_text, print_json, say, spoken
from leadkeeper.doors.cli.telling import spoken_language
from leadkeeper.texts import LazyText, join_lazily, lazy_ngettext
from leadkeeper.texts import _ as gettext
from leadkeeper.texts import lazy_gettext as _

if TYPE_CHECKING:
    from leadkeeper.check import CheckStep
    from leadkeeper.connections.connection import Connection
    from leadkeeper.services import Services
    from leadkeeper.settings import Settings
    from leadkeeper.storage.durability import Durability
    from leadkeeper.storage.status import DatabaseStatus
    from leadkeeper.texts import Language

    Examine = Callable[[Services, Connection, Language], Awaitable["Finding"]]

commands = typer.Typer()

CHECKS_AT_ONCE: Final = 8
_STATES: Final[Mapping[State, str]] = {"ok": _("ok"), "note": _("note"), "wrong": _("wrong")}

TestLeads = Annotated[
    bool, typer.Option("--test-leads", help="Send a real test lead over each connection whose check passes.")
]


@commands.command()
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
        say(_("Something is wrong.") if wrong else _("Nothing wrong was found."))
    if wrong:
        raise typer.Exit(1)


def _print(finding: Finding) -> None:
    remedy = f" -> {spoken(finding.remedy)}" if finding.remedy else ""
    print(plain_text(f"{spoken(_STATES[finding.state]):<6} {spoken(finding.name)}: {spoken(finding.detail)}{remedy}"))


def _findings(*, test_leads: bool) -> list[Finding]:
    from leadkeeper.doors.cli.installation import quiet_settings
    from leadkeeper.doors.cli.operating.doctor_settings import settings_findings

    found: list[Finding] = [_python()]
    try:
        settings = quiet_settings()
    except Exception as error:
        return [*found, Finding(_("settings"), "wrong", _explained(error))]
    found += settings_findings(settings)
    try:
        found += _permissions(settings)
        status = database_status(settings)
        found.append(_database(status))
        if status.up_to_date:
            writes, of_server = asyncio.run(_server(settings))
            found += of_server
            # Where commits wait for ever, whatever writes would wait as well.
            found += asyncio.run(_look(settings, test_leads=test_leads)) if writes else []
    except Exception as error:
        found.append(Finding(_subject(error), "wrong", _explained(error)))
    return found


def _explained(error: Exception) -> str:
    """The line for an error that is no bug of ours; one that is goes on."""
    summary = explanation(error)
    if summary is None:
        raise error
    return summary


def _subject(error: Exception) -> str:
    """What an error that is found beside the settings is about."""
    from leadkeeper.connections.vault import WrongKey
    from leadkeeper.settings import WrongSetting

    match error:
        case WrongSetting():
            return _("settings")
        case WrongKey():
            return _("secret key")
        case _:
            return _("database")


def _python() -> Finding:
    from leadkeeper.doors.cli.operating.python_check import REMEDY, WARNING, reads_cookies_slowly

    if reads_cookies_slowly():
        return Finding(_("python"), "note", WARNING, REMEDY)
    return Finding(_("python"), "ok", _("reads long cookies in reasonable time"))


def _permissions(settings: Settings) -> list[Finding]:
    from leadkeeper.doors.cli.operating.permissions import ROOT, exposed_files, is_root

    found = [
        Finding(_("file %(path)s", path=each.path), "wrong" if each.by_all else "note", each.summary, each.remedy)
        for each in exposed_files(settings)
    ]
    user = Finding(_("user"), "note", *ROOT) if is_root() else Finding(_("user"), "ok", _("is not root"))
    return [*(found or [Finding(_("files"), "ok", _("can be read by nobody else"))]), user]


def _database(status: DatabaseStatus) -> Finding:
    if status.up_to_date:
        return Finding(
            _("database"), "ok", _("%(database)s is reachable and has this version's tables", database=status.database)
        )
    what = _(
        "%(database)s has %(current)s, needs %(newest)s",
        database=status.database,
        current=shown_tables(status),
        newest=status.newest,
    )
    return Finding(_("database"), "wrong", what, REMEDIES[status.state])


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
        return [Finding(_("durability"), "ok", _("an acknowledged lead is on this machine's disk"))]
    weak = weaknesses(found)
    return [
        Finding(_("durability"), "wrong" if any(each.wrong for each in weak) else "ok", promise(found)),
        *(Finding(_("durability"), "wrong" if each.wrong else "note", each.detail, each.remedy) for each in weak),
    ]


def _notifications(*, observed: bool) -> Finding:
    from leadkeeper.delivery.lookout import POLL_SECONDS

    if observed:
        return Finding(_("notifications"), "ok", _("a worker hears at once of what another process brings"))
    summary = _(
        "a pooler stands before PostgreSQL: NOTIFY does not reach, and a worker finds within %(seconds)s s what "
        "another process brings",
        seconds=f"{POLL_SECONDS:g}",
    )
    remedy = _("nothing has to be done; the server's own address in LEADKEEPER_DATABASE_URL would save that time")
    return Finding(_("notifications"), "note", summary, remedy)


async def _look(settings: Settings, *, test_leads: bool) -> list[Finding]:
    from leadkeeper.app import open_services

    async with open_services(settings, worker=False) as installation:
        services = installation.services
        connections = await _connections(services, spoken_language(), _validated if test_leads else _connection)
        return [
            *await _secrets(services),
            *connections,
            *await waiting_deliveries(services),
            await retention(services),
            await records(services),
            await audit_chain(services),
            *await _clocks(services),
            await _mail(settings),
        ]


async def _secrets(services: Services) -> list[Finding]:
    from leadkeeper.connections.rotation import unbound

    closed = await services.connections.unreadable()
    if not closed:
        loose = await services.storage.read(unbound)
        if loose:
            summary = _(
                "opens the stored secrets; those of %(names)s are not bound to their row yet", names=", ".join(loose)
            )
            return [Finding(_("secret key"), "note", summary, "leadkeeper db rotate-secrets")]
        return [Finding(_("secret key"), "ok", _("opens the stored secrets"))]
    remedy = _("set LEADKEEPER_SECRET_KEY (or _FILE) to the key that made them, or enter the settings anew")
    return [
        Finding(_("secret key"), "wrong", _("does not open the secrets of %(names)s", names=", ".join(closed)), remedy)
    ]


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

    name = _connection_name(connection)
    check = await services.validator.check(connection)
    state = _(STATE_WORDS[connection.state])
    if check.ok:
        resume = f"leadkeeper connections resume {connection.offer} {connection.name}"
        if connection.health.paused_by_person:
            return Finding(name, "note", _("passes its check, but a person paused it"), resume)
        why = None if connection.diagnosis is None else from_stored(connection.diagnosis)
        if connection.state is ConnectionState.BROKEN and isinstance(why, Diagnosis):
            text = text_of(why.kind, language)
            return Finding(name, "wrong", _("passes its check, yet: %(why)s", why=text.summary), " ".join(text.steps))
        passes = _("passes its check (%(state)s)", state=state)
        return Finding(
            name, "ok", passes if check.unseen is None else join_lazily([passes, check.unseen.summary(language)], ". ")
        )
    if check.diagnosis is None:
        failed = "; ".join(_failed(step, language) for step in check.steps if step.ok is False)
        return Finding(name, "wrong", _("fails its check (%(state)s): %(failed)s", state=state, failed=failed))
    evidence = f" ({language.tell(check.diagnosis.evidence.text)})" if check.diagnosis.evidence.text else ""
    text = text_of(check.diagnosis.kind, language)
    return Finding(name, "wrong", f"{text.summary}{evidence}", " ".join(text.steps))


def _connection_name(connection: Connection) -> LazyText:
    return _("connection %(name)s", name=f"{connection.offer}/{connection.name}")


def _failed(step: CheckStep, language: Language) -> str:
    return f"{language.tell(step_title(step.name))}: {language.tell(step.detail)}"


async def _validated(services: Services, connection: Connection, language: Language) -> Finding:
    name = _connection_name(connection)
    found = await services.validator.validate(connection.offer, connection.name, by="cli:doctor", language=language)
    if found.ok:
        return Finding(name, "ok", found.message)
    if found.ok is None:
        which = f"{connection.offer} {connection.name}"
        remedy = _("leadkeeper connections found %(which)s (or not-found)", which=which)
        return Finding(name, "note", found.message, remedy)
    if found.diagnosis is None:
        return await _connection(services, connection, language)
    evidence = f" ({found.diagnosis.evidence.text})" if found.diagnosis.evidence.text else ""
    return Finding(name, "wrong", f"{found.diagnosis.summary}{evidence}", " ".join(found.diagnosis.steps))


async def _clocks(services: Services) -> list[Finding]:
    """Due times and leases go by the database's clock; signatures, certificates and tokens by each machine's."""
    from leadkeeper.clock import now_ms
    from leadkeeper.storage.presence import WRONG_MS, running

    now = services.clock()
    processes = await services.storage.read(running, now)
    wrong = [each for each in processes if abs(each.ahead_ms) >= WRONG_MS]
    mine = now_ms() - now
    right = lazy_ngettext(
        "agrees with the database's; so does that of %(count)s running process",
        "agrees with the database's; so do those of %(count)s running processes",
        len(processes) - len(wrong),
    )
    others = [
        _wrong_clock(
            _("clock of process %(id)s", id=each.id),
            _("the %(role)s on %(host)s", role=each.role, host=each.host),
            each.ahead_ms,
        )
        for each in wrong
    ]
    if abs(mine) >= WRONG_MS:
        return [_wrong_clock(_("clock"), _("this machine"), mine), *others]
    return [Finding(_("clock"), "ok", right), *others]


def _wrong_clock(name: str, whose: str, ahead: int) -> Finding:
    message = gettext("%(whose)s is %(seconds)s s behind the database's clock")
    if ahead > 0:
        message = gettext("%(whose)s is %(seconds)s s ahead of the database's clock")
    detail = _(message, whose=whose, seconds=f"{abs(ahead) / 1000:.0f}")
    return Finding(name, "wrong", detail, _("synchronise that machine and the database's (NTP)"))


async def _mail(settings: Settings) -> Finding:
    """Whether the mail server lets us sign in; nothing is sent."""
    from leadkeeper.catalogue import text_of
    from leadkeeper.mail.mailer import Mailer

    if settings.mail_server is None:
        return Finding(_("mail"), "note", _("no mail server is set, so notices wait"), _("set LEADKEEPER_SMTP_URL"))
    summary = await Mailer(settings.mail_server).probe()
    if summary is None:
        return Finding(_("mail"), "ok", _("the mail server lets us sign in"))
    language = spoken_language()
    text, words = text_of(summary.kind, language), language.tell(summary.evidence.text or "")
    evidence = f" ({summary.evidence.status} {words})" if summary.evidence.status else ""
    return Finding(_("mail"), "wrong", f"{text.summary}{evidence}", " ".join(text.steps))
