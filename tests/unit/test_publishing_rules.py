"""The rules of publishing: steps, what an offer lacks, what a definition says, which leads an action makes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadkeeper.doors.storefront.actions import FREE_TRIAL_NOTE, PREVIEW_NOTE, Acted, lead_of, partner_leads
from leadkeeper.lead import Customer
from leadkeeper.offer import OfferRef
from leadkeeper.publishing.listing import LONGEST, CallToAction, Listing, call_to_action, read_listing, written
from leadkeeper.publishing.steps import (
    Done,
    FailedStep,
    OperationKind,
    OperationState,
    StepId,
    StepResult,
    StepStatus,
    Waits,
    after,
    canceled,
    current,
    first_steps,
    missing_for_publication,
    steps_from_json,
    steps_to_json,
)

RESULTS: st.SearchStrategy[StepResult] = st.one_of(
    st.just(Done(("seen",))),
    st.just(FailedStep(("broken",))),
    st.just(FailedStep(("no",), StepStatus.REJECTED)),
    st.just(Waits(StepStatus.WAITING_FOR_APPROVAL, "An operator looks at it.")),
)


@given(st.sampled_from(OperationKind), st.lists(RESULTS, max_size=12), st.booleans())
def test_any_order_of_results_ends_in_a_sound_state(
    kind: OperationKind, results: list[StepResult], cancel: bool
) -> None:
    steps, state = first_steps(kind, 1), OperationState.RUNNING
    for number, result in enumerate(results):
        if state is not OperationState.RUNNING:
            break
        steps, state = after(steps, result, number + 2)
        assert steps_from_json(steps_to_json(steps)) == steps
    if cancel:
        steps = canceled(steps, "Canceled.", 99)
    assert [step.id for step in steps] == list(StepId)
    statuses = [step.status for step in steps]
    done = statuses.count(StepStatus.COMPLETE)
    assert statuses[:done] == [StepStatus.COMPLETE] * done, "no step is complete before one that is not"
    assert set(statuses[done + 1 :]) <= {StepStatus.NOT_STARTED}
    step = current(steps)
    if state is OperationState.COMPLETED and not cancel:
        assert step is None or step.status is StepStatus.WAITING_FOR_REVIEW
    if state is OperationState.FAILED and not cancel:
        assert step is not None
        assert step.messages[-1].level == "error"


def test_a_whole_publishing() -> None:
    steps, state = first_steps(OperationKind.PUBLISH, 1), OperationState.RUNNING
    while state is OperationState.RUNNING:
        steps, state = after(steps, Done(), 2)
    assert [step.status for step in steps][3:] == [
        StepStatus.COMPLETE,
        StepStatus.WAITING_FOR_REVIEW,
        StepStatus.NOT_STARTED,
    ]
    steps, state = after(first_steps(OperationKind.GO_LIVE, 3), Done(), 4)
    assert state is OperationState.COMPLETED
    assert {step.progress for step in steps} == {100}


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("free", CallToAction.GET_IT_NOW),
        ("get-it-now", CallToAction.GET_IT_NOW),
        ("contact-me", CallToAction.CONTACT_ME),
        ("ContactMe", CallToAction.CONTACT_ME),
        ("free-trial", CallToAction.FREE_TRIAL),
        ("test drive", CallToAction.TEST_DRIVE),
        ("create", CallToAction.CREATE),
        ("dance", None),
    ],
)
def test_calls_to_action_in_every_spelling(text: str, call: CallToAction | None) -> None:
    assert call_to_action(text) is call


def test_a_definition_is_read_whatever_its_prefix() -> None:
    offer = {"microsoft-dynamics365.summary": " S ", "x.description": "D", "x.callToAction": "free"}
    offer |= {"microsoft-azure-marketplace-testdrive.enabled": True}  # type: ignore[dict-item]
    listing = read_listing({"displayText": "T", "offer": offer})
    assert listing == Listing("T", "S", "D", (CallToAction.GET_IT_NOW, CallToAction.TEST_DRIVE))
    assert read_listing({"displayText": None, "offer": [], "plans": 3}) == Listing("")


@given(st.text(max_size=20), st.none() | st.text(max_size=20), st.none() | st.lists(st.sampled_from(CallToAction)))
def test_what_is_written_is_read_again(title: str, summary: str | None, calls: list[CallToAction] | None) -> None:
    listing = read_listing(written({}, title=title, summary=summary, calls_to_action=calls))
    assert listing.title == title.strip()
    assert listing.summary == (summary or "").strip()
    assert listing.calls_to_action == tuple(dict.fromkeys(calls or ()))


@pytest.mark.parametrize(("name", "most"), LONGEST.items())
def test_no_text_is_longer_than_customers_are_shown(name: str, most: int) -> None:
    short = Listing("t", "s", "d")
    for length, wrong in ((most, []), (most + 1, [name])):
        texts: dict[str, Any] = {name: "x" * length}
        listing = replace(short, **texts)
        found = missing_for_publication("power-bi-app", listing, has_connection=False)
        assert [error.field for error in found] == wrong


ADA = Customer("Ada", "Lovelace", "ada@contoso.example")
CRM = OfferRef("contoso", "crm-pro")


def test_a_preview_and_a_trial_say_so() -> None:
    acted = Acted(CRM, "saas", CallToAction.FREE_TRIAL, ADA, "f" * 16, notes="Soon, please.", preview=True)
    lead = lead_of(acted)
    assert lead.description == f"{PREVIEW_NOTE}\n{FREE_TRIAL_NOTE}\nSoon, please."
    assert lead.preview


def test_the_notes_for_a_partner_are_the_partner_s() -> None:
    acted = Acted(CRM, "saas", CallToAction.CONTACT_ME, ADA, "f" * 16, notes="Between us.", campaign="spring")
    asked, known = partner_leads(acted, OfferRef("fabrikam", "help"), "Help")
    assert (asked.action, asked.description, asked.campaign) == ("PLT", "Between us.", "spring")
    assert known.action == "DNC"
    assert "Between us." not in known.description
    assert not asked.preview
    from_preview = partner_leads(replace(acted, preview=True), OfferRef("fabrikam", "help"), "Help")
    assert [lead.preview for lead in from_preview] == [True, True]
    assert asked.idempotency_key != known.idempotency_key
