"""The contacts of several leads: found by their address, created, or filled in where they are empty.

What people changed is never written over: a property that holds something is left as it is. Addresses are unique in
HubSpot, so that a contact is never there twice, whoever creates it first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from leadkeeper.destinations.hubspot.account import CONTACTS, Account, FailedItem, Item
from leadkeeper.destinations.hubspot.errors import CONFLICT
from leadkeeper.destinations.hubspot.records import EMAIL, MORE_EMAILS, HubSpotContact
from leadkeeper.diagnosis import Diagnosis
from leadkeeper.network.answer import Private


@dataclass(frozen=True, slots=True)
class WantedContact:
    """Somebody to be found or made: the address in small letters, as it is written, what the contact gets beside."""

    address: str
    email: str
    properties: Mapping[str, str]
    private: Private


@dataclass(frozen=True, slots=True)
class KeptContact:
    """A contact that is there now: ``result`` is ``created``, ``updated`` or ``duplicate`` (nothing was empty)."""

    id: str
    result: str


async def keep_contacts(
    account: Account, people: Sequence[WantedContact], deadline: float
) -> dict[str, KeptContact | FailedItem]:
    """See to it that each of ``people`` is a contact; by address, the contact or why there is none."""
    there = await _find(account, people)
    if isinstance(there, Diagnosis):
        return {person.address: FailedItem(there) for person in people}
    new = [person for person in people if person.address not in there]
    found = await _create(account, new, deadline)
    late = [person for person in new if isinstance(at := found[person.address], FailedItem) and at.code == CONFLICT]
    if late:  # somebody else made them meanwhile
        more = await _find(account, late)
        if isinstance(more, Diagnosis):
            found |= {person.address: FailedItem(more) for person in late}
        else:
            there |= more
            there |= await _by_id(account, [person for person in late if person.address not in more], found)
    known = [person for person in people if person.address in there]
    return found | await _fill(account, known, there, deadline)


async def _find(account: Account, people: Sequence[WantedContact]) -> dict[str, HubSpotContact] | Diagnosis:
    names = dict.fromkeys((EMAIL, MORE_EMAILS, *(name for person in people for name in person.properties)))
    found = await account.read(CONTACTS, (person.email for person in people), list(names), EMAIL)
    if isinstance(found, Diagnosis):
        return found
    asked = {person.address for person in people}
    return {address: contact for contact in found for address in contact.addresses if address in asked}


async def _by_id(
    account: Account, people: Sequence[WantedContact], found: Mapping[str, KeptContact | FailedItem]
) -> dict[str, HubSpotContact]:
    """Those that HubSpot itself names as having the address: an address from before a merge may find nobody."""
    named = {
        person.address: at.existing
        for person in people
        if isinstance(at := found[person.address], FailedItem) and at.existing is not None
    }
    names = dict.fromkeys(name for person in people for name in person.properties)
    records = await account.read(CONTACTS, dict.fromkeys(named.values()), list(names))
    by_id = {} if isinstance(records, Diagnosis) else {each.id: each for each in records}
    return {address: by_id[number] for address, number in named.items() if number in by_id}


async def _create(
    account: Account, people: Sequence[WantedContact], deadline: float
) -> dict[str, KeptContact | FailedItem]:
    items = [
        Item(person.address, {"properties": {**person.properties, EMAIL: person.email}}, person.private)
        for person in people
    ]
    made = await account.write(CONTACTS, "create", items, _address, deadline)
    return {key: KeptContact(each, "created") if isinstance(each, str) else each for key, each in made.items()}


def _address(contact: HubSpotContact) -> str:
    return next(iter(contact.addresses), "")


async def _fill(
    account: Account, people: Iterable[WantedContact], there: Mapping[str, HubSpotContact], deadline: float
) -> dict[str, KeptContact | FailedItem]:
    """Fill in what is empty. Two addresses may be one contact's: it is written once."""
    wanted: dict[str, dict[str, str]] = {}
    private: dict[str, Private] = {}
    ids: dict[str, str] = {}
    for person in people:
        contact = there[person.address]
        ids[person.address] = contact.id
        empty = contact.empty_of(person.properties)
        private[contact.id] = person.private
        wanted[contact.id] = {**empty, **wanted.get(contact.id, {})}
    items = [Item(key, {"id": key, "properties": each}, private[key]) for key, each in wanted.items() if each]
    written = await account.write(CONTACTS, "update", items, lambda contact: contact.id, deadline)
    found: dict[str, KeptContact | FailedItem] = {key: KeptContact(key, "duplicate") for key in wanted}
    for item in items:
        result = written[item.key]
        if isinstance(result, FailedItem) and result.silent:  # what was merged is left out without a word
            result = await account.update_one(item.key, Item(item.key, {"properties": wanted[item.key]}, item.private))
        found[item.key] = result if isinstance(result, FailedItem) else KeptContact(item.key, "updated")
    return {address: found[key] for address, key in ids.items()}
