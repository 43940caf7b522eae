"""HubSpot's REST API: a contact for each customer, and a lead tied to it where the account has leads.

Source: ``docs/reference/vendors/hubspot.md``. A lead that is sent twice is one record: our id is the value of a unique
property of leads, and a contact's address is unique. Search is not asked, since it sees new records late.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Final, NamedTuple

from leadkeeper.catalogue import diagnose
from leadkeeper.check import Check, CheckStep, tell_step
from leadkeeper.destinations.hubspot import contacts
from leadkeeper.destinations.hubspot.account import (
    BATCH,
    CONTACTS,
    DIALECT,
    LEADS,
    PROPERTIES_SECONDS,
    Account,
    Details,
    FailedItem,
    Item,
)
from leadkeeper.destinations.hubspot.contacts import KeptContact, WantedContact
from leadkeeper.destinations.hubspot.diagnoses import HubSpotKind
from leadkeeper.destinations.hubspot.errors import CONFLICT, UNIQUE_TAKEN
from leadkeeper.destinations.hubspot.read_back import find_records
from leadkeeper.destinations.hubspot.records import (
    CONTACT_FIELDS,
    EMAIL,
    LEAD_TO_PRIMARY_CONTACT,
    Properties,
    address_of,
    contact_of,
    fillable_properties,
    lead_properties,
    lead_wanted,
    merged_contact,
    unusable,
)
from leadkeeper.destinations.hubspot.settings import API_HOST, HubSpotConfig
from leadkeeper.destinations.interface import Presence, Preview, SentRecord
from leadkeeper.destinations.mapping import noted
from leadkeeper.diagnoses.unseen import Unseen
from leadkeeper.diagnosis import Answer, Diagnosis, Evidence, Receipt
from leadkeeper.lead import OutgoingLead
from leadkeeper.network.client import Network
from leadkeeper.network.rest import Fresh, Kept, Reply, unsent
from leadkeeper.texts import _, join_lazily, lazy_gettext

UNSEEN: Final = Unseen(
    _(
        "The check wrote nothing: it did not look at rules that HubSpot's administrators set for properties, at "
        "workflows, nor at what a pipeline of leads demands, which may refuse or change a lead."
    )
)

_PATIENCE: Final = 3
"""How many times the network's total time one call of ``deliver`` may take before it sends nothing more."""
_NO_RECORD: Final = "0"
"""The id of no record: a look for it shows whether records may be read."""
_NO_LEADS: Final = lazy_gettext("The token may not read leads, or the account has none: only contacts are made.")


class _Ready(NamedTuple):
    """What is known of the account before leads are sent: its details, its contacts' properties, whether leads are
    made."""

    details: Details
    known: Properties
    leads: bool


class HubSpotRestApi:
    """The line to one account's REST API."""

    batch: ClassVar[int] = BATCH
    repeatable: ClassVar[bool] = True
    find_batch: ClassVar[int] = BATCH

    def __init__(self, config: HubSpotConfig, network: Network, now: Callable[[], float] = time.time) -> None:
        self._config = config
        self._network = network
        self._account = Account(config, network, now)
        self._leads = Kept(self._look_at_leads)

    async def aclose(self) -> None:
        """Give up what is being asked for."""
        await self._leads.aclose()
        await self._account.aclose()

    async def deliver(self, leads: Sequence[OutgoingLead]) -> Sequence[Answer]:
        """Keep each lead's contact, then make the lead; those that are there already are answered ``duplicate``."""
        deadline = asyncio.get_running_loop().time() + _PATIENCE * self._network.policy.total_seconds
        ready = await self._ready()
        if isinstance(ready, Diagnosis):
            return [ready] * len(leads)
        answers: dict[str, Answer] = {}
        if ready.leads:
            there = await self._lead_ids(leads)
            if isinstance(there, Diagnosis):
                return [there] * len(leads)
            answers |= {each: self._receipt(ready, LEADS, "duplicate", there[each]) for each in there}
        addresses = {lead.id: address_of(lead) for lead in leads if lead.id not in answers}
        answers |= {each: diagnose(HubSpotKind.EMAIL_UNUSABLE) for each, address in addresses.items() if not address}
        new = [lead for lead in leads if lead.id not in answers]
        kept = await contacts.keep_contacts(self._account, self._people(ready, new), deadline)
        found = {lead.id: kept[str(addresses[lead.id]).casefold()] for lead in new}
        answers |= {each: self._known(what.diagnosis) for each, what in found.items() if isinstance(what, FailedItem)}
        if ready.leads:
            tied = [(lead, what) for lead in new if isinstance(what := found[lead.id], KeptContact)]
            answers |= await self._create(ready, tied, deadline)
        for lead in new:
            if lead.id not in answers and isinstance(what := found[lead.id], KeptContact):
                answers[lead.id] = self._receipt(ready, CONTACTS, what.result, what.id, self._notes(ready, lead))
        return [answers[lead.id] for lead in leads]

    async def preview(self, lead: OutgoingLead) -> Preview:
        """The contact's properties, and the lead's beginning with ``leads.``; and what the account lacks."""
        fields, notes = contact_of(lead, self._config)
        address = address_of(lead)
        summary = [] if address else ["the lead has no e-mail address that HubSpot takes, so it is refused"]
        record: dict[str, Any] = {EMAIL: address or lead.customer.email, **fields}
        ready = await self._ready()
        if isinstance(ready, Diagnosis):
            return Preview(record, (*notes, *summary, ready.summary))
        missing = unusable(fields, ready.known)
        own = [f"{name} does not exist in this account, or only HubSpot writes it" for name in missing]
        if ready.leads:
            properties, more = lead_properties(lead, self._config)
            record |= {f"{LEADS}.{name}": value for name, value in properties.items()}
            return Preview(record, (*notes, *more, *summary, *own))
        return Preview(record, (*notes, *summary, *own, lazy_gettext("no lead is made, only a contact")))

    async def find(self, sent: Sequence[SentRecord]) -> Sequence[Presence] | Diagnosis:
        """Which records are there; see :class:`~leadkeeper.destinations.interface.ReadsBack`."""
        found = await find_records(self._account, self._config.lead_id_property, sent)
        return self._known(found) if isinstance(found, Diagnosis) else found

    async def _ready(self) -> _Ready | Diagnosis:
        details = await self._account.details.get()
        if isinstance(details, Diagnosis):
            return details
        known = await self._account.contact_properties.get()
        if isinstance(known, Diagnosis):
            return known
        leads = False if self._config.leads == "never" else await self._leads.get()
        return leads if isinstance(leads, Diagnosis) else _Ready(details, known, leads)

    async def _look_at_leads(self) -> Fresh[bool] | Diagnosis:
        """Whether leads are made: they can be read, and a unique property holds our ids."""
        read = await self._account.read(LEADS, (_NO_RECORD,), [self._config.lead_id_property])
        if isinstance(read, Diagnosis):
            lacking = read.kind is HubSpotKind.SCOPE_MISSING
            if (lacking or read.evidence.status in (400, 404)) and self._config.leads == "whereAvailable":
                return Fresh(False, PROPERTIES_SECONDS)
            unknown = not lacking and read.evidence.status in (400, 404)
            return diagnose(HubSpotKind.LEADS_UNAVAILABLE, read.evidence) if unknown else read
        found = await self._account.properties(LEADS)
        if isinstance(found, Reply):
            return unsent(self._account.diagnose(found, self._account.client.private()))
        if isinstance(found, Diagnosis):
            return found
        return self._unusable_id(found) or Fresh(True, PROPERTIES_SECONDS)

    def _unusable_id(self, known: Properties) -> Diagnosis | None:
        name = self._config.lead_id_property
        text = None
        if name not in known:
            text = lazy_gettext("Leads have no property %(name)s.", name=name)
        elif known[name].get("hasUniqueValue") is False:
            text = lazy_gettext("%(name)s does not demand unique values.", name=name)
        elif unusable((name,), known) or known[name].get("type") not in (None, "string"):
            text = lazy_gettext("%(name)s is not a text that may be written.", name=name)
        return None if text is None else diagnose(HubSpotKind.LEAD_PROPERTY_UNUSABLE, Evidence(text=text))

    async def _lead_ids(self, leads: Iterable[OutgoingLead]) -> dict[str, str] | Diagnosis:
        """HubSpot's ids of the leads that are there, by ours."""
        name = self._config.lead_id_property
        found = await self._account.read(LEADS, (lead.id for lead in leads), [name], name)
        if isinstance(found, Diagnosis):
            return self._known(found)
        return {str(each.values[name]): each.id for each in found if each.values.get(name)}

    def _people(self, ready: _Ready, leads: Iterable[OutgoingLead]) -> list[WantedContact]:
        """One for each address; what two leads say of it differently, the earlier one says."""
        together: dict[str, list[OutgoingLead]] = {}
        for lead in leads:
            together.setdefault(str(address_of(lead)).casefold(), []).append(lead)
        return [
            WantedContact(
                address,
                str(address_of(those[0])),
                merged_contact(self._fields(ready, each) for each in those),
                self._account.client.private(those[0]),
            )
            for address, those in together.items()
        ]

    def _fields(self, ready: _Ready, lead: OutgoingLead) -> dict[str, str]:
        """The contact's properties, without usual ones that this account cannot hold."""
        fields, _ = contact_of(lead, self._config)
        left = self._left_out(ready)
        return {name: value for name, value in fields.items() if name not in left}

    def _left_out(self, ready: _Ready) -> list[str]:
        """Ours alone: one that the publisher chose and that is not there is an error."""
        return [name for name in unusable(CONTACT_FIELDS, ready.known) if name not in self._config.fields]

    def _notes(self, ready: _Ready, lead: OutgoingLead) -> tuple[str, ...]:
        fields, notes = contact_of(lead, self._config)
        left = [name for name in self._left_out(ready) if name in fields]
        return (
            (*notes, lazy_gettext("not in this account and left out: %(fields)s", fields=", ".join(left)))
            if left
            else notes
        )

    async def _create(
        self, ready: _Ready, those: Sequence[tuple[OutgoingLead, KeptContact]], deadline: float
    ) -> dict[str, Answer]:
        """Make the leads, each tied to its contact; one whose id is taken is there already."""
        name = self._config.lead_id_property
        items = [self._item(lead, contact.id) for lead, contact in those]
        made = await self._account.write(
            LEADS, "create", items, lambda record: str(record.values.get(name, "")), deadline
        )
        taken = [
            lead
            for lead, _contact in those
            if isinstance(at := made[lead.id], FailedItem) and at.code in (UNIQUE_TAKEN, CONFLICT)
        ]
        there = await self._lead_ids(taken)
        answers: dict[str, Answer] = {}
        for lead, _contact in those:
            at = made[lead.id]
            if isinstance(at, str):
                notes = (*lead_properties(lead, self._config)[1], *self._notes(ready, lead))
                answers[lead.id] = self._receipt(ready, LEADS, "created", at, notes)
            elif lead in taken and isinstance(there, Diagnosis):
                answers[lead.id] = there
            elif not isinstance(there, Diagnosis) and lead.id in there:
                answers[lead.id] = self._receipt(ready, LEADS, "duplicate", there[lead.id])
            else:
                answers[lead.id] = self._known(at.diagnosis)
        return answers

    def _item(self, lead: OutgoingLead, contact: str) -> Item:
        types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": LEAD_TO_PRIMARY_CONTACT}]
        body: Mapping[str, Any] = {
            "properties": lead_properties(lead, self._config)[0],
            "associations": [{"to": {"id": contact}, "types": types}],
        }
        return Item(lead.id, body, self._account.client.private(lead))

    def _known(self, diagnosis: Diagnosis) -> Diagnosis:
        """The diagnosis; what is believed of the account is asked anew where it proved wrong."""
        if diagnosis.kind in (HubSpotKind.PROPERTY_UNUSABLE, HubSpotKind.SCOPE_MISSING):
            self._account.contact_properties.forget()
            self._leads.forget()
        return diagnosis

    def _receipt(self, ready: _Ready, kind: str, result: str, record: str, notes: tuple[str, ...] = ()) -> Receipt:
        return Receipt(result, record, ready.details.link(kind, record), note=noted(notes))

    async def check(self) -> Check:
        """The steps of reaching the host, then ``token``, ``properties``, ``contacts`` and ``leads`` (the scopes for
        them). An empty batch shows what may be written: nothing is made of it."""
        reach = await self._network.check_reach(f"https://{API_HOST}/", DIALECT.about_host)
        if reach.diagnosis is not None:
            return reach
        self._account.contact_properties.forget()
        self._account.details.forget()
        self._leads.forget()
        steps = list(reach.steps)
        for name, look in (
            ("token", self._check_token),
            ("properties", self._check_properties),
            ("contacts", self._check_contacts),
            ("leads", self._check_leads),
        ):
            found = await look()
            if isinstance(found, Diagnosis):
                return Check((*steps, CheckStep(name, False, found.evidence.text or found.summary)), found)
            steps.append(tell_step(CheckStep(name, *found)))
        return Check(tuple(steps), unseen=UNSEEN)

    async def _check_token(self) -> tuple[bool | None, str] | Diagnosis:
        details = await self._account.details.get()
        if isinstance(details, Diagnosis):
            return details
        return True, lazy_gettext("HubSpot accepts the token; it is of account %(account)s.", account=details.portal_id)

    async def _check_properties(self) -> tuple[bool | None, str] | Diagnosis:
        known = await self._account.contact_properties.get()
        if isinstance(known, Diagnosis):
            return known
        bad = unusable(fillable_properties(self._config), known)
        chosen = [name for name in bad if name in self._config.fields]
        if chosen:
            return _not_usable(chosen)
        texts: tuple[str, ...] = (lazy_gettext("The properties of the settings exist and may be written."),)
        if bad:
            text = lazy_gettext(
                "Left out, since it is not there or only HubSpot writes it: %(names)s.", names=", ".join(bad)
            )
            texts += (text,)
        return True, join_lazily(texts)

    async def _check_contacts(self) -> tuple[bool | None, str] | Diagnosis:
        read = await self._account.read(CONTACTS, (_NO_RECORD,), [EMAIL])
        if isinstance(read, Diagnosis):
            return read
        return await self._account.may_write(CONTACTS) or (True, lazy_gettext("The token may read and write contacts."))

    async def _check_leads(self) -> tuple[bool | None, str] | Diagnosis:
        if self._config.leads == "never":
            return None, lazy_gettext("Only contacts are made, by the settings.")
        leads = await self._leads.get()
        if isinstance(leads, Diagnosis):
            return leads
        if not leads:
            return None, _NO_LEADS
        known = await self._account.properties(LEADS)
        if isinstance(known, Diagnosis):
            return known
        bad = [] if isinstance(known, Reply) else unusable(lead_wanted(self._config), known)
        if bad:
            return _not_usable(bad)
        return await self._account.may_write(LEADS) or (True, lazy_gettext("The token may read and write leads."))


def _not_usable(names: Iterable[str]) -> Diagnosis:
    text = lazy_gettext("Not there, or only HubSpot writes it: %(names)s.", names=", ".join(names))
    return diagnose(HubSpotKind.PROPERTY_UNUSABLE, Evidence(text=text))
