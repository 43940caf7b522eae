"""What a publisher sees: leads, deliveries, attempts, receipts and diagnoses, as JSON writes them (camelCase)."""

from __future__ import annotations

from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from leadkeeper.catalogue import docs_of, text_of
from leadkeeper.diagnosis import Diagnosis, Evidence, Receipt, Who
from leadkeeper.texts import ENGLISH, Language, _, own_part


class View(BaseModel, defer_build=True):
    """Base of all that is shown: camelCase in JSON, read-only. Built when first used: a command uses few of them."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, from_attributes=True)


DeliveryState = Literal["pending", "sending", "delivered", "unconfirmed", "waiting", "held", "setAside", "withheld"]
ListedState = Literal[DeliveryState, "attention"]
"""What leads are listed by: a state of their deliveries, or that a person must do something."""


class EvidenceView(View):
    """What the remote side said, masked."""

    status: int | None = Field(None, description="HTTP status of the answer.")
    code: str | None = Field(None, description="The remote system's own error code.")
    request_id: str | None = Field(None, description="The remote system's id of the request.")
    text: str | None = Field(None, description="At most 500 masked characters of the answer, in its own words.")
    note: str | None = Field(None, description="What Leadkeeper itself found, in the language asked for.")

    @classmethod
    def of(cls, evidence: Evidence, language: Language = ENGLISH) -> EvidenceView:
        """The view of it: our own sentences told in ``language``, apart from the other side's words as they came."""
        view = cls.model_validate(evidence)
        if evidence.text is None:
            return view
        note, text = (language.tell(own_part(evidence.text, own=own)) for own in (True, False))
        return view.model_copy(update={"text": text or None, "note": note or None})


class DiagnosisView(View):
    """Why a lead did not arrive, who must act, and how."""

    kind: str = Field(description="Cause, from a closed list.")
    outcome: str
    who: str = Field(description="Who must act: nobody, publisher, destinationAdmin, operator, leadkeeper.")
    summary: str
    steps: tuple[str, ...]
    docs: str = Field(description="Where the documentation treats it: a page of this installation, as a path.")
    evidence: EvidenceView

    @classmethod
    def of(cls, diagnosis: Diagnosis, language: Language = ENGLISH) -> DiagnosisView:
        """The view of a diagnosis, told in ``language``. What the other side said stays in its own words."""
        text = text_of(diagnosis.kind, language)
        return cls(
            kind=diagnosis.kind,
            outcome=diagnosis.outcome,
            who=diagnosis.who,
            summary=text.summary,
            steps=text.steps,
            docs=docs_of(diagnosis.kind, language),
            evidence=EvidenceView.of(diagnosis.evidence, language),
        )

    def for_a_person(self, language: Language = ENGLISH) -> Self:
        """The same where nothing goes on by itself: of a lead that was set aside, a validation, a blocked publishing.

        What a delivery waits out (then nobody acts) is here the publisher's to try again.
        """
        if self.who != Who.NOBODY.value:
            return self
        steps = tuple(language.gettext(step) for step in _BY_HAND)
        return self.model_copy(update={"who": Who.PUBLISHER.value, "steps": steps})


_BY_HAND: Final = (
    _("It may pass by itself: wait some minutes, then try again."),
    _("If it lasts, ask whoever runs the destination, and tell them what stands below."),
)


class ReceiptView(View):
    """What the destination said when it took the lead."""

    result: str = Field(
        description="created, updated or duplicate (it was already there); sent where the destination does not say."
    )
    remote_id: str | None = None
    link: str | None = None
    confirmed: bool
    note: str | None = None

    @classmethod
    def of(cls, receipt: Receipt, language: Language = ENGLISH) -> ReceiptView:
        """The view of a receipt, its note told in ``language`` where the words are ours.

        One that confirms nothing does not say that anything was created.
        """
        view = cls.model_validate(receipt)
        if receipt.note is not None:
            view = view.model_copy(update={"note": language.tell(receipt.note)})
        return view if receipt.confirmed else view.model_copy(update={"result": "sent"})


class AttemptView(View):
    """One send of the lead."""

    at: str
    took_ms: int
    outcome: str
    late: bool = Field(False, description="The answer came after another worker had taken over; it moved nothing.")
    diagnosis: DiagnosisView | None = None
    receipt: ReceiptView | None = None


class DeliveryView(View):
    """The lead on its way over one connection."""

    id: str
    connection: str
    connection_title: str = Field("", description="What people call the connection.")
    destination: str
    state: DeliveryState
    attempts: tuple[AttemptView, ...]
    receipt: ReceiptView | None = None
    diagnosis: DiagnosisView | None = None
    due_at: str | None = Field(None, description="When it is sent next, while it waits.")
    set_aside_for: str | None = Field(
        None,
        description="Why it is set aside, where that is known: outage (it goes out by itself once its connection "
        "works), or for a person refused, mayHaveArrived, gaveUp or damaged.",
    )
    missing_since: str | None = Field(None, description="Since when it is known not to be at the destination any more.")


class CustomerView(View):
    """The customer who acted on the offer; what they did not enter is empty."""

    first_name: str = ""
    last_name: str = ""
    email: str = ""
    phone: str = ""
    country: str = ""
    company: str = ""
    title: str = ""


class LeadNoteView(View):
    """What is to be known of a lead before it is used."""

    kind: str = Field(
        description="noCustomer (nothing of a customer was found), emailNotAnAddress, recordDamaged, "
        "personalDataRemoved."
    )
    text: str


class FollowUpView(View):
    """How sales people follow a lead up."""

    state: Literal["new", "active", "won", "lost", "declined", "expired"]
    reason: str = Field("", description="Why it was lost or declined.")
    owner_id: str | None = Field(None, description="The member who works on it.")
    owner: str | None = Field(None, description="That member's name.")
    due_at: str = Field(description="When somebody is to have turned to the customer.")
    touched_at: str | None = Field(None, description="When its state was first changed.")


class LeadEventView(View):
    """What somebody did to a lead."""

    at: str
    by: str = Field(description="The person's name, or as the audit writes whoever is none.")
    kind: str = Field(description="note, state, owner, again, againMissing, acceptMissing, foundThere or confirmed.")
    text: str


class ConsentView(View):
    """What the customer agreed to before the lead was made."""

    text: str = Field(description="The words that the customer read.")
    purpose: str = Field(description="What for, in one word: contact.")
    language: str
    at: str


class _Lead(View):
    id: str
    created_time: str
    publisher_id: str
    offer_id: str
    offer_title: str = Field("", description="What people call the offer; empty where there is no such offer any more.")
    source: str
    action: str
    lead_source: str
    test: bool
    preview: bool = Field(description="Made by somebody who looked at the offer's preview.")
    withheld: bool = Field(description="The customer's data were neither stored nor passed on, for privacy.")
    unknown: tuple[str, ...] = Field((), description="Which of source and action are none that we know.")
    customer: CustomerView
    personal_data_removed_at: str | None = Field(
        None, description="When all that may be personal was removed, since it was kept long enough; null before."
    )
    notes: tuple[LeadNoteView, ...] = Field((), description="What is to be known of the lead before it is used.")
    follow_up: FollowUpView | None = Field(
        None, description="How it is followed up; null where there is no customer to turn to, or who asked not to be."
    )


class DeliverySummary(View):
    """A delivery as it is listed."""

    id: str
    connection: str
    connection_title: str = Field("", description="What people call the connection.")
    destination: str
    state: DeliveryState


class LeadSummary(_Lead):
    """A lead as it is listed."""

    deliveries: tuple[DeliverySummary, ...]


class LeadView(_Lead):
    """A lead whole: as it was handed in, and what became of it."""

    description: str
    campaign: str
    consent: ConsentView | None = Field(None, description="Null where no form of ours asked.")
    extra: dict[str, object] = Field(
        description="What was handed in beyond the fields that we know; asReceived holds texts that were made normal."
    )
    deliveries: tuple[DeliveryView, ...]
    events: tuple[LeadEventView, ...] = Field((), description="What people did to it, oldest first.")


class LeadPage(View):
    """Some leads, newest first; ``nextCursor`` leads to the older ones."""

    leads: tuple[LeadSummary, ...]
    next_cursor: str | None = None
    previous_cursor: str | None = None
    looked_further: bool = Field(
        False, description="Only a part of the leads was looked at; `nextCursor` goes on with the others."
    )


class CheckStepView(View):
    """One thing that a check looked at; ``ok`` is null when it cannot be proven without writing."""

    name: str
    ok: bool | None
    detail: str


class TestLeadView(View):
    """The test lead that a validation sent down the real road."""

    __test__ = False

    id: str
    marker: str
    receipt: ReceiptView | None = None


class Validation(View):
    """What a validation found."""

    ok: bool | None = Field(
        description="Whether the destination confirmed the test lead; null where it was sent, unconfirmed: search for "
        "it there, then say at `test-lead` whether it was found."
    )
    message: str = Field(description="What became of the test lead, in plain words.")
    checks: tuple[CheckStepView, ...]
    not_looked_at: str | None = Field(None, description="What a check that passed did not look at.")
    test_lead: TestLeadView | None = None
    diagnosis: DiagnosisView | None = None


class PreviewView(View):
    """What would be sent for a lead, without sending it."""

    destination: str
    record: dict[str, Any] = Field(description="The record, as the remote system names its fields.")
    notes: tuple[str, ...] = Field((), description="What the remote system lacks or would be cut.")


class Replayed(View):
    """How many deliveries are (or, on a dry run, would be) sent again."""

    deliveries: int
    dry_run: bool


class BulkOutcome(View):
    """What an act on many leads did, or on a dry run would do, to one of them."""

    lead_id: str
    done: bool = Field(description="Whether anything changed, or would.")
    deliveries: int = Field(0, description="How many deliveries go out again.")
    reason: (
        Literal[
            "unknown",
            "notFollowed",
            "ownerMayNot",
            "unchanged",
            "held",
            "mayHaveArrived",
            "damaged",
            "withheld",
            "noConnection",
            "nothingToSend",
        ]
        | None
    ) = Field(None, description="Why nothing was done, or, where something was, why a part was left out.")
    detail: str = Field("", description="That reason in words.")


class BulkResult(View):
    """What an act did to each of many leads, in the order in which they were named."""

    dry_run: bool
    outcomes: tuple[BulkOutcome, ...]


class AuditEntry(View):
    """One line of the audit."""

    id: str
    at: str
    who: str = Field(description="`key:<id>`, `cli`, `publishing`, or `anyone` for somebody without a key.")
    act: str = Field(description="What was done, from a closed list.", examples=["connection.put"])
    subject: str = Field(description="To which thing.")
    detail: str = Field(description="What it led to; never a secret or a customer's data.")
    publisher_id: str | None = Field(description="Whose thing it is, where it is one publisher's.")


class AuditPage(View):
    """Lines of the audit, newest first."""

    entries: tuple[AuditEntry, ...]
    next_cursor: str | None = Field(description="Send it as `cursor` for the lines before these; null at the end.")


class AttentionEntry(View):
    """One cause that needs attention."""

    cause: Literal[
        "connectionBroken",
        "connectionFailing",
        "workersAway",
        "diskNearlyFull",
        "leadsDamaged",
        "recordsDamaged",
        "leadsRefused",
        "leadsMayHaveArrived",
        "leadsGaveUp",
        "leadsMissing",
        "channelOff",
        "credentialsEnd",
        "publishingFailed",
        "mailNotSent",
        "certificationWaits",
        "connectionPaused",
        "testLeadUnanswered",
        "leadsWithheld",
    ]
    summary: str = Field(description="What happened and what to do, in the language asked for.")
    since: str | None = Field(description="Since when it is so, where that is known.")
    until: str | None = Field(None, description="By when somebody must act, where that is known.")
    publisher_id: str | None = Field(description="Whose it is; null for what concerns the whole installation.")
    publisher_name: str | None = Field(None, description="What people call the publisher.")
    offer_id: str | None = None
    offer_title: str | None = Field(None, description="What people call the offer.")
    connection: str | None = None
    connection_title: str | None = Field(None, description="What people call the connection.")
    destination: str | None = None
    channel_id: str | None = Field(None, description="The channel that is switched off.")
    channel_name: str | None = Field(None, description="What people call the channel.")
    channel_off_for: str | None = Field(None, description="Why it is off: gone, failed or tooManyWait.")
    leads: int = Field(description="How many leads wait for it, or were withheld; 10001 means more than 10000.")
    lead_id: str | None = Field(None, description="The lead, where exactly one was set aside for it.")
    count: int = Field(description="How many things it is about: leads, records, mails, offers; 10001 means more.")
    who: str = Field(description="Who must act: nobody, publisher, destinationAdmin, operator, leadkeeper.")
    diagnosis: DiagnosisView | None = Field(None, description="Why the connection fails, where that is known.")


class AttentionList(View):
    """What needs attention, most harmful first."""

    entries: tuple[AttentionEntry, ...]
    complete: bool = Field(description="False where more needs attention than is listed: 500 connections, 100 of else.")
