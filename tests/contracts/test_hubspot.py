"""HubSpot's adapter before an account in which people work: nothing is written over, and nobody is there twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from leadkeeper.destinations.hubspot.diagnoses import HubSpotKind
from leadkeeper.destinations.interface import Previews
from leadkeeper.diagnosis import Diagnosis, Receipt
from leadkeeper.lead import OutgoingLead
from leadkeeper.sandbox.hubspot.stand_in import HubSpot
from tests.contracts.cases.case import State
from tests.contracts.cases.hubspot import LINES
from tests.contracts.faults import LEAD
from tests.contracts.stages import SandboxStage
from tests.contracts.test_destinations import Meet, Meeting, lead, meet

__all__ = ["meet"]

WITH_LEADS, CONTACTS, FORM = LINES
EMAIL = LEAD.customer.email


def account(meeting: Meeting) -> HubSpot:
    assert isinstance(meeting.stage, SandboxStage)
    return meeting.stage.sandbox.stand_in(HubSpot)


def records(meeting: Meeting, kind: str) -> Sequence[Mapping[str, Any]]:
    return [each for each in account(meeting).received() if each["object"] == kind and each["status"] == "there"]


def by_hand(meeting: Meeting, do: str, **asked: Any) -> str:
    return str(account(meeting).by_hand({"do": do, "object": "contacts", **asked}).get("id"))


async def taken(meeting: Meeting, *leads: OutgoingLead) -> list[Receipt]:
    answers = await meeting.send(*leads)
    assert all(isinstance(each, Receipt) for each in answers), answers
    return [each for each in answers if isinstance(each, Receipt)]


def another(of: OutgoingLead, **customer: str) -> OutgoingLead:
    return replace(of, id=lead(1).id, customer=replace(of.customer, **customer))


async def test_what_people_entered_is_left_and_what_is_empty_is_filled_in(meet: Meet) -> None:
    meeting = await meet(CONTACTS)
    by_hand(meeting, "create", properties={"email": EMAIL.upper(), "firstname": "Hers", "phone": "555"})
    (receipt,) = await taken(meeting, LEAD)
    assert receipt.result == "updated"
    (contact,) = records(meeting, "contacts")
    kept = contact["properties"]
    assert (kept["firstname"], kept["phone"], kept["lastname"]) == ("Hers", "555", LEAD.customer.last_name)
    by_hand(meeting, "change", id=contact["id"], properties={"lastname": "Changed"})
    (again,) = await taken(meeting, another(LEAD))
    assert again.result == "duplicate"
    (contact,) = records(meeting, "contacts")
    assert contact["properties"]["lastname"] == "Changed"


async def test_a_lead_that_is_sent_again_touches_nothing(meet: Meet) -> None:
    meeting = await meet(WITH_LEADS)
    (first,) = await taken(meeting, LEAD)
    (contact,) = records(meeting, "contacts")
    by_hand(meeting, "change", id=contact["id"], properties={"phone": ""})
    (again,) = await taken(meeting, LEAD)
    assert (again.result, again.remote_id, again.link) == ("duplicate", first.remote_id, first.link)
    assert "phone" not in records(meeting, "contacts")[0]["properties"]
    assert first.link == f"https://app.hubspot.com/contacts/48123456/record/0-136/{first.remote_id}"


async def test_a_second_lead_of_a_customer_is_a_second_lead_of_one_contact(meet: Meet) -> None:
    meeting = await meet(WITH_LEADS)
    receipts = await taken(meeting, LEAD, another(LEAD, email=EMAIL.upper(), phone=""), lead(2))
    assert len({each.remote_id for each in receipts}) == 3
    assert len(records(meeting, "contacts")) == 2
    tied = [list(each["contacts"]) for each in records(meeting, "leads")]
    assert tied[0] == tied[1] != tied[2]


async def test_a_customer_who_was_merged_with_another_is_found(meet: Meet) -> None:
    meeting = await meet(CONTACTS)
    first = by_hand(meeting, "create", properties={"email": "first@navy.example", "firstname": "First"})
    second = by_hand(meeting, "create", properties={"email": EMAIL, "firstname": "Second"})
    by_hand(meeting, "merge", id=first, other=second)
    (receipt,) = await taken(meeting, LEAD)
    assert receipt.result == "updated"
    (contact,) = records(meeting, "contacts")
    assert contact["properties"]["firstname"] == "First"
    assert receipt.remote_id == contact["id"]


async def test_two_addresses_of_one_contact_in_one_batch(meet: Meet) -> None:
    meeting = await meet(CONTACTS)
    first = by_hand(meeting, "create", properties={"email": "first@navy.example"})
    second = by_hand(meeting, "create", properties={"email": EMAIL})
    by_hand(meeting, "merge", id=first, other=second)
    receipts = await taken(meeting, LEAD, another(LEAD, email="first@navy.example", first_name="Other"))
    assert len({each.remote_id for each in receipts}) == 1
    (contact,) = records(meeting, "contacts")
    assert contact["properties"]["firstname"] == LEAD.customer.first_name


async def test_an_update_that_is_left_out_without_a_word_is_done_by_itself(meet: Meet) -> None:
    meeting = await meet(CONTACTS)
    by_hand(meeting, "create", properties={"email": EMAIL})
    account(meeting).choose("updateSkips")
    (receipt,) = await taken(meeting, LEAD)
    assert receipt.result == "updated"
    assert records(meeting, "contacts")[0]["properties"]["firstname"] == LEAD.customer.first_name


@pytest.mark.parametrize("line", [WITH_LEADS, CONTACTS], ids=lambda line: line.name)
async def test_one_that_is_refused_does_not_hold_up_the_others(line: Any, meet: Meet) -> None:
    meeting = await meet(line)
    bad, nobody = another(lead(1), email="a@navy.local"), another(lead(2), email="")
    good = [lead(number) for number in range(3, 12)]
    answers = await meeting.send(good[0], bad, *good[1:], nobody)
    refused = [each for each in answers if isinstance(each, Diagnosis)]
    assert [each.kind for each in refused] == [HubSpotKind.EMAIL_UNUSABLE] * 2
    assert len([each for each in answers if isinstance(each, Receipt)]) == len(good)
    assert len(records(meeting, "contacts")) == len(good)


async def test_evidence_names_scopes_and_properties_for_many_leads_too(meet: Meet) -> None:
    fields = {"fields": {"shoe_size": "44"}}
    meeting = await meet(replace(CONTACTS, settings={**CONTACTS.settings, **fields}))
    answers = await meeting.send(lead(1), lead(2))
    summary = [each.evidence.text or "" for each in answers if isinstance(each, Diagnosis)]
    assert ["shoe_size" in text for text in summary] == [True, True]
    other = await meet(WITH_LEADS, State("leadWriteScopeMissing", "403", None))  # type: ignore[arg-type]
    lacking = [each.evidence.text for each in await other.send(lead(1), lead(2)) if isinstance(each, Diagnosis)]
    assert lacking == ["crm.objects.leads.write"] * 2
    account(meeting).choose("readScopeMissing")
    (answer,) = await meeting.send(lead(1))
    assert isinstance(answer, Diagnosis)
    assert "crm.objects.contacts.read" in (answer.evidence.text or "")


async def test_a_contact_without_its_lead_gets_it_later(meet: Meet) -> None:
    meeting = await meet(WITH_LEADS, State("leadsLocked", "423", None))  # type: ignore[arg-type]
    account(meeting).choose("leadRefused")
    (refused,) = await meeting.send(LEAD)
    assert isinstance(refused, Diagnosis)
    account(meeting).choose("ok")
    (receipt,) = await taken(meeting, LEAD)
    assert receipt.result == "created"
    assert (len(records(meeting, "contacts")), len(records(meeting, "leads"))) == (1, 1)


async def test_a_full_batch_arrives(meet: Meet) -> None:
    meeting = await meet(WITH_LEADS)
    assert meeting.adapter.batch == 100
    await taken(meeting, *(lead(number) for number in range(1, 101)))
    assert (len(records(meeting, "contacts")), len(records(meeting, "leads"))) == (100, 100)


async def test_an_account_in_europe_without_leads_gets_contacts(meet: Meet) -> None:
    meeting = await meet(replace(WITH_LEADS, settings={"accessToken": "pat-eu1-2c9d0e1f-3a4b-4c5d-9e6f-7a8b9c0d1e2f"}))
    check = await meeting.check()
    assert [(step.name, step.ok) for step in check.steps if step.name == "leads"] == [("leads", None)]
    (receipt,) = await taken(meeting, LEAD)
    assert receipt.link is not None
    assert receipt.link.startswith("https://app-eu1.hubspot.com/contacts/139765432/record/0-1/")


async def test_a_preview_shows_both_records_and_what_the_account_lacks(meet: Meet) -> None:
    meeting = await meet(replace(WITH_LEADS, settings={**WITH_LEADS.settings, "fields": {"shoe_size": "44"}}))
    assert isinstance(meeting.adapter, Previews)
    preview = await meeting.adapter.preview(LEAD)
    assert preview.record["email"] == EMAIL
    assert preview.record["leads.marketplace_lead_id"] == LEAD.id
    assert any("shoe_size" in note for note in preview.notes)
    assert await meeting.stage.total() == 0


async def test_a_form_is_posted_in_its_region_and_its_time_is_told(meet: Meet) -> None:
    meeting = await meet(FORM)
    (receipt,) = await taken(meeting, LEAD)
    assert not receipt.confirmed
    assert [each["status"] for each in account(meeting).received() if each["object"] == "submission"] == ["taken"]


async def test_a_field_that_is_not_on_the_form_breaks_the_connection(meet: Meet) -> None:
    meeting = await meet(replace(FORM, settings={**FORM.settings, "fields": {"city": "{country}"}}))
    (answer,) = await meeting.send(LEAD)
    assert isinstance(answer, Diagnosis)
    assert (answer.kind, answer.evidence.code) == (HubSpotKind.FORM_FIELD_UNKNOWN, "FIELD_NOT_IN_FORM_DEFINITION")
