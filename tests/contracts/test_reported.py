"""What new users reported of the leads' pages, fault by fault: each is a test, here or where this file says."""

from __future__ import annotations

import importlib
import re
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from leadkeeper.access.permissions import Role
from leadkeeper.catalogue import CATALOGUE, diagnose, to_stored
from leadkeeper.clock import new_id
from leadkeeper.destinations.registry import OURS
from leadkeeper.diagnosis import AnyKind, Kind, Who
from leadkeeper.doors.action_words import ACTIONS, SOURCES
from leadkeeper.publishing.registration import _lines
from leadkeeper.storage import tables as t
from leadkeeper.storage.away import DISK_FULL, UNREACHABLE, StorageAway
from leadkeeper.views import DiagnosisView
from tests.in_process import DESTINATION, OFFER, Installation, hand_in, installation
from tests.journeys.customer import Page
from tests.people import signed_in

ELSEWHERE: Final = {
    "Operator's “its leads” shows another publisher's": (
        "test_portal_says",
        "test_an_offer_s_leads_are_those_of_its_publisher",
    ),
    "“Older leads” drops test": ("test_lead_pages", "test_pages_go_forth_and_back_and_keep_what_was_chosen"),
    "an unknown state says “No leads here yet”": ("test_lead_pages", "test_filters_choose_and_stay_in_the_form"),
    "“Send it again” on a held lead does nothing; a held lead shows no cause": (
        "test_lead_pages",
        "test_a_held_lead_says_why_and_has_no_button_that_does_nothing",
    ),
    "the page of a 404 is headed “This was not done”": ("test_lead_pages", "test_a_page_that_is_not_there_says_so"),
}
WAITS_OUT: Final = next(kind for kind in OURS.kinds if CATALOGUE[kind].who is Who.NOBODY)


@pytest.mark.parametrize("fault", ELSEWHERE)
def test_what_is_tested_elsewhere_is_there(fault: str) -> None:
    module, name = ELSEWHERE[fault]
    assert callable(getattr(importlib.import_module(f"tests.contracts.{module}"), name))


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[Installation]:
    """An installation whose offer is connected."""
    async with installation(database_url, public_url="http://leads.example") as opened:
        operator = await opened.visitor("operator")
        assert (await operator.put(f"{OFFER}/customer-leads", DESTINATION)).status == 201
        yield opened


async def set_aside(home: Installation, kind: AnyKind, *, reason: str = "refused") -> None:
    """Every delivery, after one attempt that ended so."""
    answer = to_stored(diagnose(kind))

    def act(conn: sa.Connection) -> None:
        d = t.delivery.c
        for id_ in conn.scalars(sa.select(d.id)).all():
            row = {"id": new_id(), "delivery_id": id_, "at": 1_760_000_000_000, "took_ms": 10, "late": False}
            conn.execute(sa.insert(t.attempt).values(**row, outcome="failed", answer=answer))
        conn.execute(sa.update(t.delivery).values(state="setAside", set_aside_for=reason))

    await home.services.storage.write(act)


@pytest.mark.parametrize("kind", [kind for kind in OURS.kinds if CATALOGUE[kind].who is Who.NOBODY])
def test_where_nothing_goes_on_by_itself_somebody_acts_and_has_something_to_do(kind: AnyKind) -> None:
    view = DiagnosisView.of(diagnose(kind)).for_a_person()
    assert view.who == "publisher"
    assert view.steps
    assert not any("Nothing needs to be done" in step for step in view.steps)
    assert "Who acts: nobody" not in _lines(view.summary, view.who, view.steps, "", view.kind)


async def test_a_test_lead_that_was_set_aside_is_not_told_to_need_nothing(home: Installation) -> None:
    operator = await home.visitor("operator")
    lead_id = await hand_in(operator)
    await set_aside(home, WAITS_OUT)
    (delivery,) = (await operator.get(f"/v1/leads/{lead_id}")).json()["deliveries"]
    assert (delivery["state"], delivery["diagnosis"]["who"]) == ("setAside", "publisher")
    async with signed_in(home, Role.CONTRIBUTOR) as member:
        page = await member.open(f"/portal/leads/{lead_id}")
        found = await member.send(_search(await member.open("/portal")), {"text": lead_id})
    for each in (page, found):
        assert "Nothing needs to be done" not in each.text
        assert "nobody: it goes on" not in each.text
        assert "(nobody)" not in each.text
    assert "wait some minutes, then try again" in page.text


async def test_what_an_outage_set_aside_still_needs_nobody(home: Installation) -> None:
    operator = await home.visitor("operator")
    lead_id = await hand_in(operator)
    await set_aside(home, WAITS_OUT, reason="outage")
    (delivery,) = (await operator.get(f"/v1/leads/{lead_id}")).json()["deliveries"]
    assert delivery["diagnosis"]["who"] == "nobody"


def _search(page: Page) -> Any:
    (form,) = [form for form in page.forms if form.action.endswith("/portal/find")]
    return form


async def test_pages_say_no_raw_names_and_give_times_with_their_zone(home: Installation) -> None:
    operator = await home.visitor("operator")
    lead_id = await hand_in(operator, source="SPZA", action="PLT")
    await set_aside(home, WAITS_OUT)
    at = "/portal/offers/contoso/crm-pro"
    async with signed_in(home, Role.CONTRIBUTOR) as member:
        found = await member.send(_search(await member.open("/portal")), {"text": lead_id})
        pages = [
            await member.open(address) for address in ("/portal", "/portal/leads", at, f"{at}/connections/primary")
        ]
    for page in (found, *pages):
        for raw in ("SPZA-", "setAside", "azure_table", "https_endpoint", "docs/reference"):
            assert raw not in page.text, (page.url, raw)
        times = re.findall(r"\d{4}-\d\d-\d\d \d\d:\d\d(?! UTC)(?!\d|:)", page.text)
        assert times == [], page.url
    assert ACTIONS["PLT"] in found.text
    assert SOURCES["SPZA"] in found.text


async def test_a_find_names_the_cause_of_a_held_lead_that_was_never_tried(home: Installation) -> None:
    operator = await home.visitor("operator")
    lead_id = await hand_in(operator)
    cause = to_stored(diagnose(Kind.ADDRESS_NOT_FOUND))
    broken = sa.update(t.connection).values(paused=True, diagnosis=cause)
    await home.services.storage.write(lambda conn: conn.execute(broken).close())
    async with signed_in(home, Role.READER) as member:
        found = await member.send(_search(await member.open("/portal")), {"text": lead_id})
    assert DiagnosisView.of(diagnose(Kind.ADDRESS_NOT_FOUND)).summary.rstrip(".") in found.text


async def test_why_the_database_cannot_be_used_is_told_as_it_is(
    home: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with signed_in(home, Role.CONTRIBUTOR) as member:
        for reason in (DISK_FULL, UNREACHABLE):

            async def away(*_: object, reason: str = reason, **__: object) -> None:
                raise StorageAway("the driver's own words", reason)

            monkeypatch.setattr(home.services.offers.catalogue, "offers", away)
            page = await member.open("/portal")
            assert page.status == 503
            assert reason in page.text
            assert "driver's own words" not in page.text


async def test_a_fault_of_ours_is_not_told_as_the_database_s(
    home: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("ours")

    async with signed_in(home, Role.CONTRIBUTOR) as member:
        monkeypatch.setattr(home.services.offers.catalogue, "offers", broken)
        page = await member.open("/portal")
    assert page.status == 500
    assert "The fault is ours" in page.text
    assert "database" not in page.text


async def test_a_test_lead_does_not_break_the_table_s_columns(home: Installation) -> None:
    operator = await home.visitor("operator")
    marker = "MSFT_TEST_6391234567891234567"
    customer = dict.fromkeys(("firstName", "lastName", "company", "title"), marker)
    customer |= {"email": f"{marker}@test.com", "phone": "1234567890", "country": "US"}
    await hand_in(operator, customer=customer, description=marker)
    async with signed_in(home, Role.CONTRIBUTOR) as member:
        page = await member.open("/portal/leads?test=yes")
    rows = [row for row in page.html.split("<tr>") if marker in row]
    assert len(rows) == 1
    (row,) = rows
    assert row.count(marker) == 1, "the marker stands once, where it may be broken"
    assert re.search(rf'class="[^"]*\bbreak\b[^"]*">{marker}<', row)


async def test_a_refusal_and_the_log_name_the_same_request(home: Installation) -> None:
    operator = await home.visitor("operator")
    with capture_logs() as logs:
        hot = await operator.post("/v1/leads", {"nonsense": True})
        framework = await operator.put("/v1/publishers/no.dots", {"displayName": "x"})
    for answer in (hot, framework):
        (line,) = [one for one in logs if one.get("request_id") == answer.json()["requestId"]]
        assert (line["event"], line["status"]) == ("request refused", answer.status)
    assert hot.json()["requestId"] != framework.json()["requestId"]


async def test_a_fault_and_the_log_name_the_same_request(home: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("ours")

    operator = await home.visitor("operator")
    monkeypatch.setattr(type(home.services.leads.attention), "list", broken)
    with capture_logs() as logs:
        answer = await operator.get("/v1/attention")
    assert answer.status == 500
    (line,) = [one for one in logs if one["event"] == "request failed"]
    assert line["request_id"] == answer.json()["requestId"]
