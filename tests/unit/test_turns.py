"""When an address is told of a cause: pure."""

from __future__ import annotations

from leadkeeper.inbox.attention.causes import Cause
from leadkeeper.notices.turns import AGAIN_MS, HOUR_MS, About, CausePlace, NoticeMail, NotifiedTimes, Turn, news_of

NOW = 1_790_000_000_000
ADA = About("ada@contoso.example", "contoso", Cause.LEADS_REFUSED)
BOB = ADA._replace(address="bob@contoso.example")
PARTS = [
    CausePlace("contoso", "crm", "primary", leads=3, since=NOW - HOUR_MS),
    CausePlace("contoso", "crm", "other", leads=1),
]
NOBODY: frozenset[str] = frozenset()


def turns(news: list[NoticeMail]) -> list[tuple[str, Turn]]:
    return [(each.about.address.partition("@")[0], each.turn) for each in news]


def test_a_cause_is_told_once_daily_and_when_it_is_over() -> None:
    standing = {ADA: PARTS}
    (first,) = news_of(standing, {}, NOBODY, NOW)
    assert (first.turn, first.since, first.parts) == (Turn.BEGUN, NOW - HOUR_MS, PARTS)
    told = {ADA: NotifiedTimes(NOW, first.since)}
    assert news_of(standing, told, NOBODY, NOW + AGAIN_MS - 1) == []
    assert turns(news_of(standing, told, NOBODY, NOW + AGAIN_MS)) == [("ada", Turn.LASTS)]
    assert news_of({}, told, NOBODY, NOW + 1) == [NoticeMail(ADA, Turn.OVER, (), NOW - HOUR_MS)]
    assert news_of({}, {ADA: NotifiedTimes(NOW, over_at=NOW + 1)}, NOBODY, NOW + 2) == [], "over is told once"


def test_what_nobody_told_can_settle_is_not_told_every_day() -> None:
    withheld = ADA._replace(cause=Cause.LEADS_WITHHELD)
    standing, told = {withheld: PARTS}, {withheld: NotifiedTimes(NOW)}
    assert turns(news_of(standing, {}, NOBODY, NOW)) == [("ada", Turn.BEGUN)]
    assert news_of(standing, told, NOBODY, NOW + 3 * AGAIN_MS) == []
    assert turns(news_of({}, told, NOBODY, NOW + 1)) == [("ada", Turn.OVER)]


def test_what_comes_and_goes_is_not_a_mail_each_time() -> None:
    over = {ADA: NotifiedTimes(NOW, over_at=NOW)}
    assert news_of({ADA: PARTS}, over, NOBODY, NOW + HOUR_MS - 1) == []
    assert turns(news_of({ADA: PARTS}, over, NOBODY, NOW + HOUR_MS)) == [("ada", Turn.BEGUN)]


def test_whoever_was_taken_out_is_not_told_that_it_is_over_while_it_lasts() -> None:
    told = {ADA: NotifiedTimes(NOW), BOB: NotifiedTimes(NOW)}
    assert news_of({ADA: PARTS}, told, NOBODY, NOW + 1) == []
    assert turns(news_of({}, told, NOBODY, NOW + 1)) == [("ada", Turn.OVER), ("bob", Turn.OVER)]


def test_nothing_is_over_where_not_all_is_known() -> None:
    assert news_of({}, {ADA: NotifiedTimes(NOW)}, frozenset({"contoso"}), NOW + 1) == []


def test_a_clock_that_was_ahead_keeps_nobody_from_being_told() -> None:
    told = {ADA: NotifiedTimes(NOW + 2 * AGAIN_MS)}
    assert turns(news_of({ADA: PARTS}, told, NOBODY, NOW)) == [("ada", Turn.LASTS)]
