"""A test payload for a hook: what Microsoft's marketplace posts when somebody presses Validate there."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import sqlalchemy as sa

from leadkeeper.access.audit import note
from leadkeeper.access.hooks import Hooks
from leadkeeper.access.quotas import Rate
from leadkeeper.clock import Clock, now_ms, to_datetime
from leadkeeper.intake.keep import Intake
from leadkeeper.intake.payload import json_object, lead_in
from leadkeeper.intake.payload_keys import keys_of
from leadkeeper.lead import Action, test_customer, test_marker
from leadkeeper.offer import OfferRef
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage

_CUSTOMER = {
    "first_name": "FirstName",
    "last_name": "LastName",
    "email": "Email",
    "phone": "Phone",
    "country": "Country",
    "company": "Company",
    "title": "Title",
}


@dataclass(frozen=True, slots=True)
class PostedTest:
    """The test lead that came of it."""

    lead_id: str
    marker: str


class HookTests:
    """Posts test payloads to hooks."""

    def __init__(self, storage: Storage, hooks: Hooks, intake: Intake, clock: Clock = now_ms) -> None:
        self._storage = storage
        self._hooks = hooks
        self._intake = intake
        self._clock = clock

    async def post(self, offer: OfferRef, hook_id: str, *, by: str) -> PostedTest:
        """Take a test payload in as the hook would: read, counted, kept, sent to all connections of the offer.

        What is not tried is the way to here: that is the sender's part. Raises :class:`Problem` for an unknown offer or
        hook, and as the hook would (an offer that takes no leads, a quota that is used up).
        """
        await self._hooks.require(offer, hook_id)
        titled = sa.select(t.offer.c.title).where(t.offer.c.ref == str(offer))
        title = await self._storage.read(lambda conn: str(conn.execute(titled).scalar_one()))
        marker = test_marker(to_datetime(self._clock()))
        payload = json_object(test_payload(title, marker))
        self._hooks.took(hook_id, keys_of(payload))
        kept = await self._intake.keep(lead_in(payload, offer), Rate.HOOK_LEADS)
        detail = f"{hook_id} {kept.id}"
        await self._storage.write(lambda conn: note(conn, self._clock(), by, "hook.test", str(offer), detail))
        return PostedTest(kept.id, marker)


def test_payload(title: str, marker: str) -> bytes:
    """The body that Microsoft's marketplace posts to prove an endpoint: its texts are ``marker``."""
    customer = {_CUSTOMER[name]: text for name, text in asdict(test_customer(marker)).items()}
    payload = {
        "UserDetails": customer,
        "LeadSource": f"{marker}-{marker}|{title}",
        "ActionCode": Action.INSTALL.value,
        "OfferTitle": title,
        "Description": marker,
    }
    return json.dumps(payload).encode()
