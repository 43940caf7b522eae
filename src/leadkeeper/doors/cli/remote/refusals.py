"""What an installation elsewhere refuses, or why it cannot be asked, in one line with what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from leadkeeper.diagnosis import Diagnosis, Kind, Outcome
from leadkeeper.doors.cli.failing import Failed, RemoteRefused
from leadkeeper.doors.cli.remote.calls import NoAnswer
from leadkeeper.problem import TYPE_BASE, FieldError, ProblemType, whole_detail
from leadkeeper.texts import LazyText, join_lazily, lazy_gettext

LONGEST: Final = 500
"""The most characters of what an installation says that are shown."""


def remote_refusal(status: int, answer: Any, base: str, key_file: Path, retry_after: str | None) -> RemoteRefused:
    """An answer that is no success."""
    problem = _Problem(answer)
    return RemoteRefused(_line(status, problem, base, key_file, retry_after), status, problem.type)


class _Problem:
    """What a problem document says; empty where the answer is none."""

    def __init__(self, answer: Any) -> None:
        found = answer if isinstance(answer, dict) and str(answer.get("type", "")).startswith(TYPE_BASE) else {}
        self.there = bool(found)
        self.type = str(found.get("type", "")).removeprefix(TYPE_BASE)
        errors = found.get("errors")
        fields = [
            FieldError(str(each.get("field", "")), str(each.get("message", "")))
            for each in (errors if isinstance(errors, list) else ())
            if isinstance(each, dict)
        ]
        self.detail = str(whole_detail(self.type, str(found.get("detail", "")), fields))[:LONGEST]
        self.request_id = str(found.get("requestId", ""))[:100]


def wrong_address(why: str) -> Failed:
    """The address itself cannot be used. It is not repeated: somebody may have put a secret into it."""
    return Failed(
        join_lazily((lazy_gettext("--url must be the address of an installation, such as https://leads.example:"), why))
    )


def not_understood(base: str) -> Failed:
    """An answer that is not what this version's API says."""
    return Failed(
        lazy_gettext(
            "%(url)s answers what this version of the command does not understand. Look whether it is the address of "
            "a Leadkeeper installation, and use the command in its version.",
            url=base,
        )
    )


def unreachable(base: str, error: NoAnswer, *, changes: bool) -> Failed:
    """No answer came. ``changes`` says that the request was to change something."""
    from leadkeeper.network.trouble import diagnose_network  # large, and most calls are answered

    found = diagnose_network(error.cause, sent=error.sent)
    code = found.evidence.code or type(error.cause).__name__
    if found.kind is Kind.TLS_FAILED:
        return Failed(_no_trust(base, found))
    if found.kind is Kind.ADDRESS_NOT_FOUND:
        return Failed(lazy_gettext("There is no host of that name: %(url)s. Look at --url.", url=base))
    if changes and found.outcome is Outcome.AMBIGUOUS:
        return Failed(
            lazy_gettext(
                "%(url)s gave no answer (%(code)s). What was asked may have been done: look before you ask again.",
                url=base,
                code=code,
            )
        )
    return Failed(
        lazy_gettext(
            "%(url)s cannot be reached (%(code)s). Look whether the installation runs, and at --url.",
            url=base,
            code=code,
        )
    )


def _no_trust(base: str, found: Diagnosis) -> LazyText:
    return lazy_gettext(
        "%(url)s cannot prove who it is, so nothing was sent (%(why)s). Look at --url; where an authority of your own "
        "signed its certificate, name that authority's PEM file in LEADKEEPER_CA_FILE.",
        url=base,
        why=(found.evidence.text or found.evidence.code or "TLS").rstrip("."),
    )


def _line(status: int, problem: _Problem, base: str, key_file: Path, retry_after: str | None) -> LazyText:
    if status == 401:
        return lazy_gettext(
            "%(url)s does not know the key in %(path)s: it was revoked, or is another installation's. Ask its operator "
            "for a new one (leadkeeper keys create).",
            url=base,
            path=key_file,
        )
    if status == 403:
        return _with_detail(
            problem, lazy_gettext("The key in %(path)s may not do this: ask for one whose role may.", path=key_file)
        )
    if status == 429:
        return _with_detail(problem, _later(base, retry_after))
    if status >= 500:
        return _with_detail(problem, _failing(status, problem, base))
    if problem.type == ProblemType.NOT_FOUND and base.endswith("/v1"):
        return _with_detail(problem, lazy_gettext("Give --url without /v1."))
    if problem.there and problem.detail:
        return join_lazily((problem.detail,))
    if 300 <= status < 400:
        return lazy_gettext(
            "%(url)s sends callers on to another address: give that one. A key is never sent on.", url=base
        )
    return lazy_gettext(
        "%(url)s answers %(status)s, not as a Leadkeeper installation does. Look at --url.",
        url=base,
        status=status,
    )


def _with_detail(problem: _Problem, remedy: LazyText) -> LazyText:
    return join_lazily((problem.detail, remedy)) if problem.detail else remedy


def _later(base: str, retry_after: str | None) -> LazyText:
    if retry_after is not None and retry_after.isascii() and retry_after.isdecimal():
        return lazy_gettext("Ask %(url)s again in %(seconds)s seconds.", url=base, seconds=retry_after[:9])
    return lazy_gettext("Ask %(url)s again in a minute.", url=base)


def _failing(status: int, problem: _Problem, base: str) -> LazyText:
    if problem.request_id:
        return lazy_gettext(
            "%(url)s cannot do it now (%(status)s). Ask again in a minute; if it lasts, its operator finds the request "
            "%(request_id)s in its log.",
            url=base,
            status=status,
            request_id=problem.request_id,
        )
    return lazy_gettext(
        "%(url)s cannot do it now (%(status)s). Ask again in a minute; if it lasts, ask its operator.",
        url=base,
        status=status,
    )
