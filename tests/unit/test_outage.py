"""When people are told of an outage: a matter of when it began, when they were told last, and now."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadkeeper.catalogue import text_of
from leadkeeper.connections.health import Health
from leadkeeper.connections.outage import AGAIN_AFTER, SETTLED, TELL_AFTER, News, breaks, fails, is_failing, tell, works
from leadkeeper.connections.outage_news import OutageNews
from leadkeeper.destinations.https_endpoint.diagnoses import HttpsEndpointKind
from leadkeeper.destinations.registry import OURS
from leadkeeper.diagnosis import AnyKind, Kind
from leadkeeper.mail.address import parse_address
from leadkeeper.mail.text import RULE, Envelope, change_refused_notice, paused_notice
from leadkeeper.notices.outage_mail import Fallen, failing_notice, works_notice
from tests.languages import PORTUGUESE

NOW = 1_800_000_000_000
FAILING = replace(fails(Health(), NOW), diagnosis="{}")


def test_nobody_is_told_before_it_has_lasted() -> None:
    assert tell(FAILING, True, NOW + TELL_AFTER - 1).news is None
    summary = tell(FAILING, True, NOW + TELL_AFTER)
    assert summary.news is News.FAILING
    assert summary.health.tell_at == NOW + TELL_AFTER + AGAIN_AFTER


def test_more_failures_begin_no_other_outage() -> None:
    assert fails(FAILING, NOW + 5) == FAILING


def test_a_lead_that_is_taken_before_anybody_was_told_ends_it_in_silence() -> None:
    well = works(FAILING, Health(), NOW + 1)
    assert well == Health()
    assert tell(well, True, NOW + AGAIN_AFTER).news is None


def test_whoever_was_told_hears_that_it_is_over_once_it_has_settled() -> None:
    summary = tell(FAILING, True, NOW + TELL_AFTER).health
    well = works(summary, Health(), NOW + TELL_AFTER + 1)
    assert not is_failing(well)
    assert works(well, Health(), NOW + TELL_AFTER + 9) == well, "every further lead changes nothing"
    assert tell(well, False, NOW + TELL_AFTER + SETTLED).news is None
    over = tell(well, False, NOW + TELL_AFTER + 1 + SETTLED)
    assert (over.news, over.health) == (News.OVER, Health())


def test_a_relapse_before_it_has_settled_is_the_same_outage() -> None:
    summary = tell(FAILING, True, NOW + TELL_AFTER).health
    again = fails(works(summary, Health(), NOW + TELL_AFTER + 1), NOW + TELL_AFTER + 2)
    assert (again.failing_since, again.notified_at, is_failing(again)) == (NOW, NOW + TELL_AFTER, True)
    assert again.tell_at == NOW + TELL_AFTER + AGAIN_AFTER


def test_what_is_broken_was_told_at_that_moment() -> None:
    broken = breaks(Health(), NOW, notifies=True)
    assert (broken.notified_at, broken.tell_at) == (NOW, NOW + AGAIN_AFTER)
    assert breaks(FAILING, NOW + 1, notifies=False).notified_at is None


def test_nobody_is_reminded_while_nothing_waits_unless_it_is_paused() -> None:
    due = NOW + TELL_AFTER
    assert tell(FAILING, False, due).news is None
    assert tell(replace(FAILING, paused=True), False, due).news is News.FAILING
    assert tell(replace(FAILING, diagnosis=None), True, due).news is None, "nothing is known to be wrong"


@given(st.lists(st.tuples(st.sampled_from(["fails", "works", "look"]), st.integers(1, 6 * 3_600_000)), max_size=60))
def test_never_told_more_often_than_daily_and_never_of_an_end_without_a_beginning(steps: list[tuple[str, int]]) -> None:
    health, now, last = Health(), NOW, None
    open_ = False
    for what, ms in steps:
        now += ms
        if what == "fails":
            health = replace(fails(health, now), diagnosis="{}")
        elif what == "works":
            health = works(health, Health(), now)
        elif health.tell_at is not None and health.tell_at <= now:
            summary = tell(health, True, now)
            health = summary.health
            assert health.tell_at is None or health.tell_at > now, "the next look lies ahead"
            if summary.news is News.OVER:
                assert open_
                open_ = False
            elif summary.news is not None:
                assert summary.news is (News.STILL_FAILING if open_ else News.FAILING)
                assert not open_ or last is None or now - last >= AGAIN_AFTER
                open_, last = True, now


ENVELOPE = Envelope(["boss@contoso.example"], parse_address("leads@marketplace.example"), "1")
PROMISES = ("No lead is lost", "Nenhum lead se perde", "by themselves", "sozinhos assim")
"""What no mail may say of leads that may be lost, or may be there."""


def news(what: News, **more: Any) -> OutageNews:
    return replace(OutageNews(what, kind=Kind.NO_ANSWER, cause="", since=NOW, at=NOW + 1), **more)


def of_failing(**more: object) -> list[str]:
    """The mail's two languages."""
    summary = failing_notice([Fallen("primary", "CRM", news(News.FAILING, **more))], "https://hub.example", ENVELOPE)
    return str(summary.get_content()).split(RULE)


def of_over(**more: object) -> tuple[str, list[str]]:
    summary = works_notice([Fallen("primary", "CRM", news(News.OVER, **more))], "https://hub.example", ENVELOPE)
    return str(summary["Subject"]), str(summary.get_content()).split(RULE)


def test_what_may_have_arrived_is_told_apart_and_nothing_is_promised_of_it() -> None:
    english, portuguese = of_failing(may_have_arrived=3)
    assert "3 may have arrived: look there, then retry them" in english
    assert "3 podem ter chegado: procure lá, depois reenvie os que faltarem" in portuguese
    assert [each for each in PROMISES if each in english + portuguese] == []
    assert "does not go out again by itself" in english
    assert "não é enviado de novo sozinho" in portuguese
    _, (english, portuguese) = of_over(may_have_arrived=1)
    assert "1 may have arrived: look there, then retry it" in english
    assert "1 pode ter chegado: procure lá, depois reenvie-o se faltar" in portuguese
    assert OutageNews.of(news(News.OVER, may_have_arrived=3).to_text()).may_have_arrived == 3
    english, portuguese = of_failing(waiting=3)
    assert "No lead is lost" in english
    assert "Nenhum lead se perde" in portuguese
    assert "may have arrived:" not in english


@pytest.mark.parametrize("kind", sorted(OURS.if_not_found))
def test_what_is_held_because_a_test_lead_was_not_found_is_promised_nothing(kind: AnyKind) -> None:
    paused = str(paused_notice("primary", "CRM", kind, ENVELOPE, not_found=True).get_content()).split(RULE)
    for english, portuguese in (paused, of_failing(kind=kind, waiting=2, paused=True)):
        assert "held until a test lead is found there, or somebody resumes the connection" in english
        assert "may be lost there: once the cause is fixed, replay the leads in the state unconfirmed" in english
        assert "até que um lead de teste seja encontrado lá, ou alguém retome a conexão" in portuguese
        assert "reenvie os leads no estado unconfirmed" in portuguese
        assert [each for each in PROMISES if each in english + portuguese] == []
        assert text_of(kind, PORTUGUESE).summary in portuguese
    other = str(paused_notice("primary", "CRM", Kind.CREDENTIALS_REJECTED, ENVELOPE, not_found=False).get_content())
    assert "No lead is lost" in other
    assert "Nenhum lead se perde" in other


def test_where_nothing_confirms_an_end_is_told_as_unconfirmed() -> None:
    subject, (english, portuguese) = of_over(confirmed=False)
    assert "unconfirmed" in subject
    assert "a lead was sent, unconfirmed" in english
    assert "um lead foi enviado, sem confirmação" in portuguese
    assert "got through" not in english
    assert "a lead has gone out" not in english
    subject, (english, portuguese) = of_over()
    assert "go out again" in subject
    assert "a lead has gone out" in english
    subject, (english, portuguese) = of_over(proven=False)
    assert "no lead has gone out since" in english
    assert "nenhum lead seguiu" in portuguese


def test_refused_settings_are_not_said_to_have_been_refused_by_the_destination() -> None:
    """It may have taken the test lead, and somebody did not find it."""
    summary = change_refused_notice("primary", "CRM", HttpsEndpointKind.ENDPOINT_LEAD_NOT_FOUND, ENVELOPE)
    english, portuguese = str(summary.get_content()).split(RULE)
    assert "did not take" not in english
    assert "or it was not found there. The settings before them go on" in english
    assert "ou não foi encontrado lá. As configurações anteriores continuam" in portuguese
