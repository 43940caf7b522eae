"""A file of follow-up taken whole: what each line changes, or would, and what is wrong with which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import Field

from leadkeeper.inbox.follow_up.columns import FOLLOW_UP_HEADS, names_in
from leadkeeper.inbox.follow_up.table import RowError, read_file
from leadkeeper.inbox.follow_up.upload import FollowUpUploads, PlannedLine
from leadkeeper.texts import Language, Languages
from leadkeeper.views import View

MOST_BYTES = 300_000
"""The most bytes of a file: the longest that a thousand leads need."""


class FollowUpText(View):
    """Follow-up as a table holds it; ``owner`` is the member's name, empty for nobody."""

    state: str
    reason: str
    owner: str


class UploadedLine(View):
    """What one line changes."""

    line: int = Field(description="Which line of the file; the heads are line 1.")
    lead_id: str
    before: FollowUpText
    after: FollowUpText


class UploadError(View):
    """What is wrong with one line, which changes nothing."""

    line: int
    column: str = Field(description="id, state, reason or owner; empty where the whole line is wrong.")
    message: str


class UploadResult(View):
    """What came of a file, or on a dry run would."""

    dry_run: bool
    changed: int = Field(description="How many leads were changed; on a dry run, would be.")
    lines: tuple[UploadedLine, ...] = Field(description="On a dry run: the lines that change something.")
    errors: tuple[UploadError, ...]


async def take_file(
    uploads: FollowUpUploads,
    languages: Languages,
    content: bytes,
    *,
    by: str,
    publisher_id: str | None,
    dry_run: bool,
    language: Language,
) -> UploadResult:
    """Change what the file's lines say, or on a dry run only say so. A line that is wrong keeps no other from it.

    Only leads of ``publisher_id`` are touched, where one is named; another's are answered as those not there.
    """
    table = read_file(content, names_in(languages))
    planned, count, wrong = list[PlannedLine](), 0, list[RowError]()
    if dry_run:
        planned, wrong = await uploads.plan(table.rows, publisher_id=publisher_id)
    else:
        count, wrong = await uploads.apply(table.rows, by=by, publisher_id=publisher_id)
    return UploadResult(
        dry_run=dry_run,
        changed=len(planned) if dry_run else count,
        lines=tuple(_line(each) for each in planned),
        errors=_errors([*table.errors, *wrong], language),
    )


def _line(each: PlannedLine) -> UploadedLine:
    before, after = (_text(values) for values in (each.before, each.after))
    return UploadedLine(line=each.row.number, lead_id=each.row.lead_id, before=before, after=after)


def _text(values: Mapping[str, str]) -> FollowUpText:
    return FollowUpText(state=values["state"], reason=values["reason"], owner=values["owner"])


def _errors(found: Sequence[RowError], language: Language) -> tuple[UploadError, ...]:
    known = dict(FOLLOW_UP_HEADS)
    return tuple(
        UploadError(
            line=each.number, column=each.column if each.column in known else "", message=language.tell(each.message)
        )
        for each in sorted(found, key=lambda each: each.number)
    )
