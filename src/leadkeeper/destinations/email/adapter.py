"""E-mail notice: a mail to the contact e-mails says that a lead came, and where to read it. No personal data in it.

A mail server that took a mail may still lose it, and sending twice makes two mails: so it is never repeated blindly.
Only contacts that are confirmed get mail; a lead is delivered once one of them has got it, and those whom the mail
server puts off hear of it later.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

import structlog

from leadkeeper.catalogue import diagnose
from leadkeeper.check import Check, CheckStep, tell_step
from leadkeeper.destinations.email.settings import EmailConfig
from leadkeeper.destinations.interface import Contacts, Preview, Standing
from leadkeeper.diagnoses.unseen import Unseen
from leadkeeper.diagnosis import Answer, Diagnosis, Outcome, Receipt
from leadkeeper.lead import OutgoingLead
from leadkeeper.mail.address import MailAddress, masked_address
from leadkeeper.mail.diagnoses import MailKind
from leadkeeper.mail.mailer import SECONDS, Mailer, Results
from leadkeeper.mail.service import MailService
from leadkeeper.mail.text import Envelope, lead_notice
from leadkeeper.network.trouble import NoFreeConnection, diagnose_network, not_sent
from leadkeeper.storage.away import StorageAway
from leadkeeper.texts import _, join_lazily, lazy_gettext

_NOBODY = MailAddress("leadkeeper", "localhost")

log: Final = structlog.get_logger(__name__)


UNSEEN: Final = Unseen(
    _(
        "The check sent no mail: it did not look at whether the mailboxes exist, and it never sees "
        "whether a mail is sorted out as unwanted."
    )
)
"""What a check that passes did not look at."""


class Email:
    """A line to some mailboxes, over the operator's mail server. Without ``contacts`` all count as confirmed."""

    batch: ClassVar[int] = 1
    repeatable: ClassVar[bool] = False

    def __init__(self, config: EmailConfig, mail: MailService, contacts: Contacts | None = None) -> None:
        self._to = list(dict.fromkeys(config.contact_email))
        self._mailer = mail.mailer
        self._base_url = mail.base_url
        self._mail = mail
        self._contacts = contacts

    async def check(self) -> Check:
        """The mail server lets us sign in, and somebody is there to be told.

        Whether the mailboxes exist, only a mail can prove.
        """
        if self._mailer is None:
            diagnosis = diagnose(MailKind.NOT_SET_UP)
            return Check((CheckStep("mailServer", False, diagnosis.summary),), diagnosis)
        try:
            async with self._mail.turn(SECONDS):
                found = await self._mailer.probe()
        except NoFreeConnection as error:
            found = diagnose_network(error)
        detail = lazy_gettext("The mail server lets us sign in.") if found is None else found.summary
        server = tell_step(CheckStep("mailServer", found is None, detail))
        standings = await self._standings()
        missing = _nobody_to_tell(standings)
        if missing is not None:
            return Check((server, CheckStep("contacts", False, missing.summary)), found or missing)
        confirmed = sum(standing is Standing.CONFIRMED for standing in standings.values())
        contacts = CheckStep(
            "contacts",
            True,
            lazy_gettext("%(confirmed)s of %(standings)s confirmed.", confirmed=confirmed, standings=len(standings)),
        )
        mailboxes = CheckStep("mailboxes", None, lazy_gettext("Only a mail can prove that they exist."))
        return Check((server, contacts, mailboxes), found, UNSEEN)

    async def deliver(self, leads: Sequence[OutgoingLead]) -> Sequence[Answer]:
        """One mail for each lead; see :class:`~leadkeeper.destinations.interface.Adapter`."""
        return [await self._send(lead) for lead in leads]

    async def preview(self, lead: OutgoingLead) -> Preview:
        """The mail for ``lead``."""
        message = lead_notice([lead.id], lead.offer_title, self._base_url, Envelope(self._to, _NOBODY, lead.id))
        return Preview({"to": self._to, "subject": message["Subject"], "text": message.get_content()})

    async def aclose(self) -> None:
        """Nothing is held."""

    async def _send(self, lead: OutgoingLead) -> Answer:
        if self._mailer is None:
            return diagnose(MailKind.NOT_SET_UP)
        try:
            standings = await self._standings()
        except StorageAway:
            return not_sent()
        missing = _nobody_to_tell(standings)
        if missing is not None:
            return missing
        to = [email for email, standing in standings.items() if standing is Standing.CONFIRMED]
        try:
            async with self._mail.turn(SECONDS):
                return await self._hand_over(self._mailer, lead, to)
        except NoFreeConnection as error:
            return diagnose_network(error)

    async def _hand_over(self, mailer: Mailer, lead: OutgoingLead, to: Sequence[str]) -> Answer:
        try:
            seconds = None if self._contacts is None else await self._contacts.spend(len(to))
        except StorageAway:
            return not_sent()
        if seconds is not None:
            return diagnose(MailKind.BOUND_REACHED, retry_after=seconds)
        message = lead_notice([lead.id], lead.offer_title, self._base_url, Envelope(to, mailer.sender, lead.id))
        results = await mailer.send(message, to)
        answer = _answer(results, message["Message-ID"])
        _log(lead.id, results)
        if self._contacts is not None:
            later = [
                email for email, summary in results.items() if summary is not None and summary.outcome is Outcome.FAILED
            ]
            with contextlib.suppress(StorageAway):  # whatever cannot be written down now, the mail is out
                await self._contacts.report(results)
                if later and isinstance(answer, Receipt):
                    await self._contacts.try_again(lead.id, later)
        return answer

    async def _standings(self) -> Mapping[str, Standing]:
        if self._contacts is None:
            return dict.fromkeys(self._to, Standing.CONFIRMED)
        return await self._contacts.standings(self._to)


def _log(lead_id: str, results: Results) -> None:
    for email, summary in results.items():
        if summary is not None:
            log.warning(
                "contact not told of a lead",
                lead=lead_id,
                address=masked_address(email),
                kind=summary.kind.value,
                status=summary.evidence.status,
                outcome=summary.outcome.value,
            )


def _nobody_to_tell(standings: Mapping[str, Standing]) -> Diagnosis | None:
    found = set(standings.values())
    if Standing.CONFIRMED in found:
        return None
    asked = found & {Standing.ASKED, Standing.WAITING}
    return diagnose(MailKind.CONTACT_UNCONFIRMED if asked else MailKind.CONTACT_DECLINED)


_TOOK_SOME: Final = _("The mail server took the notice for %(number)s of %(total)s contact e-mails.")


def _answer(results: Results, message_id: str) -> Answer:
    """Delivered once one contact has got it; else what keeps most hope: a doubt, a passing trouble, a refusal."""
    wrong = {email: summary for email, summary in results.items() if summary is not None}
    if len(wrong) == len(results):
        worst = (Outcome.AMBIGUOUS, Outcome.FAILED)
        return min(
            wrong.values(), key=lambda summary: worst.index(summary.outcome) if summary.outcome in worst else len(worst)
        )
    note = lazy_gettext("The mail server took the notice.")
    if wrong:
        note = lazy_gettext(_TOOK_SOME, number=len(results) - len(wrong), total=len(results))
    return Receipt(
        confirmed=False,
        remote_id=message_id,
        note=join_lazily([note, *(_summary(email, diagnosis) for email, diagnosis in wrong.items())]),
    )


def _summary(email: str, diagnosis: Diagnosis) -> str:
    status = diagnosis.evidence.status
    address = f"{masked_address(email)}: {f'{status}, ' if status else ''}"
    whole = join_lazily((address, diagnosis.summary), "")
    return (
        join_lazily((whole, lazy_gettext("It will be tried again."))) if diagnosis.outcome is Outcome.FAILED else whole
    )
