"""``leadkeeper leads upload``: follow-up that comes back from a spreadsheet; what it would change is shown first."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from leadkeeper.doors.cli.failing import Failed
from leadkeeper.doors.cli.installation import BY, with_services
from leadkeeper.doors.cli.remote.chosen import ask
from leadkeeper.doors.cli.showing import AsJson, busy, complain, plain_text, print_json, print_table, say, spoken
from leadkeeper.doors.cli.telling import spoken_language
from leadkeeper.texts import join_lazily, lazy_ngettext
from leadkeeper.texts import lazy_gettext as _

if TYPE_CHECKING:
    from leadkeeper.doors.cli.remote.client import Remote
    from leadkeeper.inbox.follow_up.uploaded import FollowUpText, UploadResult
    from leadkeeper.services import Services

commands = typer.Typer()


@commands.command()
def upload(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="The list as it was downloaded and changed; - is standard input.")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be changed.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Change it without asking.")] = False,
    json: AsJson = False,
) -> None:
    """Change the follow-up of many leads by a table: its columns Follow-up, Reason and Owner.

    What it would change, and what is wrong in which line, is shown first. Nothing is changed before you agree.
    """
    content = _read(file)
    found = _take(content, dry_run=True)
    if dry_run or (json and not yes):
        _show(found, json=json)
        raise typer.Exit(1 if found.errors else 0)
    if not json:
        _show(found, json=False)
    if found.changed and not yes:
        if file == "-" or not sys.stdin.isatty():
            raise Failed(_("Nothing was changed: say --yes to change it, or --dry-run to look only."))
        typer.confirm(spoken(_("Change it?")), abort=True, err=True)
    done = _take(content, dry_run=False)
    if json:
        print_json(done)
    else:
        for error in done.errors if done.errors != found.errors else ():
            complain(plain_text(f"{error.line} {spoken(_head(error.column))} {error.message}"))
        say(lazy_ngettext("%(count)s lead was changed.", "%(count)s leads were changed.", done.changed))
    raise typer.Exit(1 if done.errors else 0)


def _read(file: str) -> bytes:
    from leadkeeper.inbox.follow_up.uploaded import MOST_BYTES

    try:
        content = sys.stdin.buffer.read(MOST_BYTES + 1) if file == "-" else Path(file).read_bytes()[: MOST_BYTES + 1]
    except OSError as error:
        raise typer.BadParameter(f"{file}: {error.strerror}") from None
    if len(content) > MOST_BYTES:
        raise Failed(_("The file is larger than %(most)s bytes: split it.", most=MOST_BYTES))
    return content


def _take(content: bytes, *, dry_run: bool) -> UploadResult:
    language = spoken_language()

    async def here(services: Services) -> UploadResult:
        from leadkeeper.inbox.follow_up.uploaded import take_file

        uploads, languages = services.leads.follow_up_uploads, services.languages
        return await take_file(
            uploads, languages, content, by=BY, publisher_id=None, dry_run=dry_run, language=language
        )

    async def there(remote: Remote) -> UploadResult:
        from leadkeeper.inbox.follow_up.uploaded import UploadResult

        path = f"/v1/leads/follow-up?dryRun={str(dry_run).lower()}"
        return await remote.send(path, UploadResult, content, "text/csv")

    with busy(_("Going through the leads")):
        return ask(lambda: with_services(here), there)


def _show(found: UploadResult, *, json: bool) -> None:
    """What a dry run says."""
    if json:
        print_json(found)
        return
    rows = [(str(each.line), each.lead_id, _words(each.before), _words(each.after)) for each in found.lines]
    print_table((_("Line"), _("Id"), _("Before"), _("After")), rows, empty=_("The file changes nothing."))
    if found.errors:
        wrong = [(str(each.line), _head(each.column), each.message) for each in found.errors]
        print_table((_("Line"), _("Column"), _("What is wrong")), wrong, empty="")
    say(lazy_ngettext("%(count)s lead would be changed.", "%(count)s leads would be changed.", found.changed))


def _head(column: str) -> str:
    """How the file heads the column; nothing where the whole line is wrong."""
    from leadkeeper.inbox.follow_up.columns import FOLLOW_UP_HEADS

    return dict(FOLLOW_UP_HEADS).get(column, "")


def _words(text: FollowUpText) -> str:
    from leadkeeper.doors.state_words import FOLLOW_UPS

    return join_lazily(filter(None, (FOLLOW_UPS.get(text.state, text.state), text.reason, text.owner)), ", ")
