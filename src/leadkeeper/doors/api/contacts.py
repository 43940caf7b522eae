"""Who is told by mail, and whether they have said that they want it."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Query
from pydantic import Field

from leadkeeper.access.contacts import OwnedContact
from leadkeeper.catalogue import from_stored, text_of
from leadkeeper.destinations.interface import Standing
from leadkeeper.diagnosis import Diagnosis
from leadkeeper.doors.api.language import SUMMARY, Asked
from leadkeeper.doors.api.resource import add
from leadkeeper.doors.api.schemas import Body
from leadkeeper.doors.api.security import Operator, PublisherId
from leadkeeper.mail.address import ContactEmail, parse_address
from leadkeeper.notices.answers import ContactAnswers
from leadkeeper.offer import PUBLISHER_ID
from leadkeeper.problem import FieldError, Problem, ProblemType
from leadkeeper.texts import Language
from leadkeeper.texts import lazy_gettext as _
from leadkeeper.views import View

OfPublisher = Annotated[str | None, Query(alias="publisherId", pattern=PUBLISHER_ID)]


class OwnedContactView(View):
    """An address, and whose notices it is for."""

    publisher_id: str
    email: str
    state: Standing = Field(description="As in a connection's `contacts`.")
    trouble: str | None = Field(description="Why the mail server refused its last mail.")

    @classmethod
    def of(cls, found: OwnedContact, language: Language) -> OwnedContactView:
        """The view of a contact."""
        one = found.contact
        trouble = _trouble(one.trouble, language)
        return cls(publisher_id=found.publisher_id, email=one.email, state=one.standing, trouble=trouble)


class OwnedContactList(View):
    """By publisher and address."""

    contacts: tuple[OwnedContactView, ...]


class AllowBody(Body):
    """Whose reader somebody asked in person."""

    email: ContactEmail


class ContactRoutes:
    """``/v1/contacts`` and ``/v1/publishers/{publisherId}/contacts``."""

    def __init__(self, answers: ContactAnswers) -> None:
        self._answers = answers

    def serve_on(self, app: FastAPI) -> None:
        """Add the routes."""
        summary = "List contact addresses, and whether they want notices"
        add(app, "GET", "/v1/contacts", self.list_contacts, tag="Channels", summary=summary, responses={200: SUMMARY})
        summary, path = "Let an address get a publisher's notices", "/v1/publishers/{publisherId}/contacts"
        unknown = ProblemType.UNKNOWN_PUBLISHER
        add(app, "POST", path, self.allow_contact, unknown, tag="Channels", summary=summary, status=204)

    async def list_contacts(self, _: Operator, language: Asked, publisher_id: OfPublisher = None) -> OwnedContactList:
        """For an operator: every address that was ever entered, of one publisher or of all."""
        found = await self._answers.all(publisher_id)
        return OwnedContactList(contacts=tuple(OwnedContactView.of(each, language) for each in found))

    async def allow_contact(self, publisher_id: PublisherId, body: AllowBody, caller: Operator) -> None:
        """For an operator who asked its reader: it gets them without a click, even if it had declined."""
        try:
            await self._answers.allow(publisher_id, parse_address(body.email), by=caller.name)
        except ValueError:
            message = _("There is no publisher %(publisher)s.", publisher=publisher_id)
            raise Problem(ProblemType.UNKNOWN_PUBLISHER, message, (FieldError("publisherId", message),)) from None


def _trouble(stored: str | None, language: Language) -> str | None:
    summary = None if stored is None else from_stored(stored)
    if not isinstance(summary, Diagnosis):
        return None
    status = f"{summary.evidence.status}: " if summary.evidence.status else ""
    return status + text_of(summary.kind, language).summary
