"""What follows from an answer to an event, and what is written into chats."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from leadkeeper.catalogue import diagnose
from leadkeeper.channels.channels import new_secret
from leadkeeper.channels.chat import TOGETHER, ToTell, slack_message, teams_card
from leadkeeper.channels.events import ChannelKind, Event, events_for, wrong_events
from leadkeeper.channels.rules import (
    DAY,
    DELAYS,
    OFF_AFTER,
    ChannelStanding,
    WhyOff,
    after_answer,
    after_event,
    most_from_now_on,
    most_when_switched_on,
)
from leadkeeper.channels.why_off import why_off
from leadkeeper.diagnosis import Kind
from leadkeeper.languages import installed
from tests.contracts.receivers import slack, teams

NOW = 1_790_000_000_000
DOWN = diagnose(Kind.SERVER_ERROR)
JSON = {"content-type": "application/json"}


def test_an_event_is_tried_again_later_each_time_and_given_up_after_three_days() -> None:
    waits = [after_event(DOWN, tries, NOW, NOW, 0.5).due_at for tries in range(len(DELAYS) + 2)]
    assert waits == [NOW + delay for delay in (*DELAYS, DELAYS[-1], DELAYS[-1])]
    ended = after_event(DOWN, 9, NOW - 3 * DAY, NOW, 0.5)
    assert (ended.due_at, ended.taken) == (None, False)
    assert after_event(None, 0, NOW - 9 * DAY, NOW, 0.5).taken


def test_what_the_receiver_asks_for_is_kept_to_at_most_a_day() -> None:
    asked = diagnose(Kind.THROTTLED, retry_after=90.0)
    assert after_event(asked, 0, NOW, NOW, 0.5).due_at == NOW + 90_000
    assert after_answer(ChannelStanding(), asked, NOW, 0.5).rests_until == NOW + 90_000
    assert after_event(diagnose(Kind.THROTTLED, retry_after=1e9), 0, NOW, NOW, 0.5).due_at == NOW + DAY


def test_a_channel_rests_after_three_failures_and_is_switched_off_after_five_days() -> None:
    standing = ChannelStanding()
    for _ in range(2):
        standing = after_answer(standing, DOWN, NOW, 0.5)
        assert standing.rests_until == 0
    standing = after_answer(standing, DOWN, NOW + 1, 0.5)
    assert (standing.failures, standing.failing_since, standing.off) == (3, NOW, None)
    assert standing.rests_until == NOW + 1 + DELAYS[0]
    assert after_answer(standing, DOWN, NOW + OFF_AFTER, 0.5).off is WhyOff.FAILED
    assert after_answer(ChannelStanding(), diagnose(Kind.ENDPOINT_GONE), NOW, 0.5).off is WhyOff.GONE
    assert after_answer(standing, None, NOW + OFF_AFTER, 0.5) == ChannelStanding()


def test_a_channel_that_is_switched_on_may_let_a_tenth_more_wait_and_less_as_it_catches_up() -> None:
    assert [most_when_switched_on(waiting, 100) for waiting in (100, 101, 195, 200)] == [None, 111, 200, 200]
    assert [most_from_now_on(111, waiting, 100) for waiting in (111, 105, 101, 100, 0)] == [111, 111, 111, None, None]
    assert [most_from_now_on(200, waiting, 100) for waiting in (200, 150)] == [200, 160]
    assert most_from_now_on(None, 90, 100) is None


@pytest.mark.parametrize(
    ("stored", "kind", "failing_since", "why"),
    [
        ("tooManyWait", Kind.ENDPOINT_GONE, 0, WhyOff.TOO_MANY_WAIT),
        (None, Kind.ENDPOINT_GONE, NOW, WhyOff.GONE),
        (None, Kind.SERVER_ERROR, NOW - OFF_AFTER, WhyOff.FAILED),
        (None, Kind.SERVER_ERROR, NOW - 1, WhyOff.TOO_MANY_WAIT),
        (None, None, None, WhyOff.TOO_MANY_WAIT),
        ("unheardOf", None, None, WhyOff.TOO_MANY_WAIT),
    ],
)
def test_why_a_channel_is_off_is_known_of_those_that_older_versions_switched_off(
    stored: str | None, kind: Kind | None, failing_since: int | None, why: WhyOff
) -> None:
    assert why_off(stored, None if kind is None else diagnose(kind), failing_since, NOW) is why


def test_chats_are_told_what_people_are_told() -> None:
    assert events_for(ChannelKind.WEBHOOK) == tuple(Event)
    assert not [event for event in events_for(ChannelKind.SLACK) if event.startswith("lead.")]
    assert wrong_events(ChannelKind.TEAMS, ["lead.received", "offer.failed", "dance"]) == ["dance", "lead.received"]
    assert wrong_events(ChannelKind.WEBHOOK, ["lead.received"]) == []


def test_the_example_of_the_page_checks_signatures() -> None:
    page = (Path(__file__).parents[2] / "docs/reference/webhooks.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.S)
    names: dict[str, Any] = {}
    exec(compile(code, "docs/reference/webhooks.md", "exec"), names)
    secret, at, body = new_secret(), datetime.now(UTC), '{"type":"channel.test","data":{}}'
    headers = {"webhook-id": "1", "webhook-timestamp": str(int(at.timestamp()))}
    headers["webhook-signature"] = Webhook(secret).sign("1", at, body)
    assert names["event_of"](secret, headers, body) == ("channel.test", {})
    with pytest.raises(WebhookVerificationError):
        names["event_of"](new_secret(), headers, body)


HOSTILE = "*a* <!channel> [b](https://evil.example) & `c`"


def broken(number: int = 0) -> ToTell:
    data = {"publisherId": "contoso", "offerId": f"crm-{number}", "connection": HOSTILE, "waiting": 3}
    return ToTell(Event.CONNECTION_BROKEN, data | {"cause": Kind.CREDENTIALS_REJECTED.value})


def test_messages_are_as_the_vendors_take_them_in_every_language() -> None:
    events = [broken(number) for number in range(TOGETHER)]
    events[1] = ToTell(Event.CONNECTION_EXPIRING, {"publisherId": "contoso", "offerId": "x", "endsAt": "2027-01-01"})
    for language in installed():
        card = json.dumps(teams_card(events, "https://leads.example", language))
        assert teams(JSON, card.encode()) == ""
        message = json.dumps(slack_message(events, "https://leads.example", language))
        assert slack(JSON, message.encode()) == ""
        for text in (card, message):
            assert "https://leads.example/portal/offers/contoso/crm-0" in text
            assert "2027-01-01" in text


def test_a_chat_calls_an_offer_by_its_title_and_names_its_id_beside() -> None:
    (language,) = [language for language in installed() if language.code == "en"]
    data = {"publisherId": "contoso", "offerId": "crm", "offerTitle": "Contoso CRM"}
    (block,) = slack_message([ToTell(Event.OFFER_PUBLISHED, data)], "https://leads.example", language)["blocks"]
    assert "Offer Contoso CRM (contoso.crm)" in block["text"]["text"]
    del data["offerTitle"]  # told before titles were
    (block,) = slack_message([ToTell(Event.OFFER_PUBLISHED, data)], "https://leads.example", language)["blocks"]
    assert "Offer contoso.crm" in block["text"]["text"]


def test_names_that_a_publisher_chose_are_shown_and_do_nothing_else() -> None:
    (language,) = [language for language in installed() if language.code == "en"]
    (block,) = slack_message([broken()], "https://leads.example", language)["blocks"]
    assert "<!channel>" not in block["text"]["text"]
    assert "&lt;!channel&gt;" in block["text"]["text"]
    card = json.dumps(teams_card([broken()], "https://leads.example", language))
    assert "[b](" not in card.replace("\\\\[b\\\\](", "")
