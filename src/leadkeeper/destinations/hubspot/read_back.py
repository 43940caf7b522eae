"""Which records are still there: leads by our id and by HubSpot's, contacts by HubSpot's, up to 100 in one call.

A batch names the ids that it did not find. One that it neither gives nor names stands for a record that was merged:
such an id finds the record that is left. Source: ``docs/reference/vendors/hubspot.md``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from leadkeeper.destinations.hubspot.account import CONTACTS, LEADS, Account
from leadkeeper.destinations.interface import Presence, SentRecord
from leadkeeper.diagnosis import Diagnosis

_LEAD_PAGE: Final = "/record/0-136/"
"""In the address of a lead's page; a contact's has another number."""


class LookUp(NamedTuple):
    """What a batch of ids gave: those that were found under their own id, and those that are not there."""

    there: frozenset[str]
    lost: frozenset[str]

    def presence(self, value: str | None) -> Presence:
        """What became of the record with this id."""
        if value is None:
            return Presence.UNKNOWN
        if value in self.there:
            return Presence.THERE
        return Presence.MISSING if value in self.lost else Presence.MERGED


_NOTHING: Final = LookUp(frozenset(), frozenset())


async def find_records(
    account: Account, id_property: str, sent: Sequence[SentRecord]
) -> Sequence[Presence] | Diagnosis:
    """What became of each record, in order."""
    leads = [each for each in sent if _is_lead(each)]
    by_name = await _ask(account, LEADS, (each.lead.id for each in leads), id_property)
    if isinstance(by_name, Diagnosis):
        return by_name
    # Somebody may have emptied our property: what has lost it is looked for by HubSpot's own id.
    unnamed = [each for each in leads if by_name.presence(each.lead.id) is not Presence.THERE]
    by_id = await _ask(account, LEADS, (each.receipt.remote_id for each in unnamed))
    if isinstance(by_id, Diagnosis):
        return by_id
    contacts = await _ask(account, CONTACTS, (each.receipt.remote_id for each in sent if not _is_lead(each)))
    if isinstance(contacts, Diagnosis):
        return contacts
    found: Mapping[str, Presence] = {each.lead.id: by_id.presence(each.receipt.remote_id) for each in unnamed}
    return [
        (found.get(each.lead.id, Presence.THERE) if _is_lead(each) else contacts.presence(each.receipt.remote_id))
        for each in sent
    ]


def _is_lead(each: SentRecord) -> bool:
    return _LEAD_PAGE in (each.receipt.link or "")


async def _ask(account: Account, kind: str, values: Iterable[str | None], by: str = "") -> LookUp | Diagnosis:
    wanted = list(dict.fromkeys(value for value in values if value))
    if not wanted:
        return _NOTHING
    lost: set[str] = set()
    found = await account.read(kind, wanted, [by] if by else [], by, lost=lost)
    if isinstance(found, Diagnosis):
        return found
    there = frozenset(str(each.values.get(by)) if by else each.id for each in found)
    return LookUp(there, frozenset(lost))
