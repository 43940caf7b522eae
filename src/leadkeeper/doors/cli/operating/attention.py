"""``leadkeeper attention``: what needs attention, the most harmful first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

import typer

from leadkeeper.doors.cli.installation import BY
from leadkeeper.doors.cli.reading import with_storage
from leadkeeper.doors.cli.remote.chosen import ask
from leadkeeper.doors.cli.showing import AsJson, print_json, print_line, say, short_moment_of
from leadkeeper.doors.cli.telling import print_diagnosis, spoken_language
from leadkeeper.texts import _, lazy_gettext, lazy_ngettext

if TYPE_CHECKING:
    from leadkeeper.doors.cli.remote.client import Remote
    from leadkeeper.inbox.withheld import WithheldSeen
    from leadkeeper.storage.database_clock import DatabaseClock
    from leadkeeper.storage.engine import Storage
    from leadkeeper.texts import Language
    from leadkeeper.views import AttentionEntry, AttentionList

commands = typer.Typer()


@commands.command()
def attention(
    publisher: Annotated[str | None, typer.Option(help="Only what concerns this publisher.")] = None,
    withheld_seen: Annotated[
        str, typer.Option(metavar="PUBLISHER", help="Say that you have seen how many leads of it were withheld.")
    ] = "",
    json: AsJson = False,
) -> None:
    """Show what needs attention: one entry for each cause, the most harmful first, with who must do what."""
    if withheld_seen:
        _see_withheld(withheld_seen, as_json=json)
        return
    language = spoken_language()

    async def work(storage: Storage, clock: DatabaseClock) -> AttentionList:
        from leadkeeper.inbox.attention.attention import Attention

        return await Attention(storage).list(publisher, clock(), language)

    async def there(remote: Remote) -> AttentionList:
        from leadkeeper.views import AttentionList

        return await remote.get("/v1/attention", AttentionList, {"publisherId": publisher})

    found = ask(lambda: with_storage(work), there)
    if json:
        print_json(found)
        return
    for entry in found.entries:
        _print(entry, language)
    if not found.entries:
        say(lazy_gettext("Nothing needs attention."))
    if not found.complete:
        say(lazy_gettext("There is more than is shown here."))


def _see_withheld(publisher: str, *, as_json: bool) -> None:
    async def work(storage: Storage, clock: DatabaseClock) -> WithheldSeen:
        from leadkeeper.inbox.attention.attention import Attention

        return await Attention(storage).see_withheld(publisher, clock(), by=BY)

    async def there(remote: Remote) -> WithheldSeen:
        from leadkeeper.inbox.withheld import WithheldSeen

        return await remote.post(f"/v1/publishers/{quote(publisher, safe='')}/withheld-seen", WithheldSeen)

    seen = ask(lambda: with_storage(work), there)
    if as_json:
        print_json(seen)
    else:
        say(
            lazy_ngettext(
                "It is noted that you have seen that %(count)s lead of %(publisher)s was withheld.",
                "It is noted that you have seen that %(count)s leads of %(publisher)s were withheld.",
                seen.leads,
                publisher=publisher,
            )
        )


def _print(entry: AttentionEntry, language: Language) -> None:
    from leadkeeper.diagnoses.text import WHO_ACTS
    from leadkeeper.diagnosis import Who

    everybody, since_word, until_word, acts = map(
        language.gettext, (_("all publishers"), _("Since"), _("By"), _("Who acts"))
    )
    print_line(f"{_place(entry) or everybody}: {entry.summary}")
    since, until = short_moment_of(entry.since), short_moment_of(entry.until)
    facts = [
        f"{since_word} {since}" if since else "",
        f"{until_word} {until}" if until else "",
        _leads(entry.leads, language) if entry.leads else f"{entry.count}" if entry.count > 1 else "",
    ]
    who = f"{acts}: {language.gettext(WHO_ACTS[Who(entry.who)])}"
    print_line("  " + " · ".join([*filter(None, facts), who]))
    if entry.diagnosis is not None:
        print_diagnosis(entry.diagnosis, language, "  ")


def _place(entry: AttentionEntry) -> str:
    """What people call the place, and in brackets what commands do; empty for the whole installation."""
    from leadkeeper.offer import OfferRef, place_called, title_or_name

    if entry.channel_id is not None:
        of = f", {title_or_name(entry.publisher_name, entry.publisher_id)}" if entry.publisher_id else ""
        return f"{entry.channel_name or ''} ({entry.channel_id}{of})"
    if entry.publisher_id is None:
        return ""
    if entry.offer_id is None:
        return f"{title_or_name(entry.publisher_name, entry.publisher_id)} ({entry.publisher_id})"
    place = place_called(title_or_name(entry.offer_title, entry.offer_id), entry.connection_title)
    return f"{place} ({OfferRef(entry.publisher_id, entry.offer_id)}/{entry.connection or ''}".rstrip("/") + ")"


def _leads(count: int, language: Language) -> str:
    return language.ngettext("%(count)s lead", "%(count)s leads", count)
