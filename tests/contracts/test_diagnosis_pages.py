"""What a page says of a failure: our own words stand with the cause, and only the destination's stand as its answer."""

from __future__ import annotations

import sqlalchemy as sa

from leadkeeper.access.permissions import Role
from leadkeeper.catalogue import diagnose, to_stored
from leadkeeper.diagnosis import Evidence, Kind
from leadkeeper.storage import tables as t
from leadkeeper.texts import join_lazily, lazy_gettext
from tests.in_process import DESTINATION, OFFER, Installation, installation
from tests.people import signed_in

PAGE = "/portal/offers/contoso/crm-pro/connections/primary?lang=pt"
OURS = lazy_gettext("While asking Microsoft Entra ID for a token.")
THEIRS = "AADSTS7000222: the keys are expired."


async def fails_with(home: Installation, text: str) -> None:
    """The connection is broken, and this is known of it."""
    stored = to_stored(diagnose(Kind.CREDENTIALS_REJECTED, evidence=Evidence(text=text)))
    values = {"paused": True, "failing_since": 1_760_000_000_000, "diagnosis": stored}
    await home.services.storage.write(lambda conn: conn.execute(sa.update(t.connection).values(values)) and None)


async def test_only_what_the_destination_said_stands_as_its_answer(database_url: str) -> None:
    async with (
        installation(database_url, public_url="http://leads.example") as home,
        signed_in(home, Role.OWNER) as owner,
    ):
        operator = await home.visitor("operator")
        assert (await operator.put(f"{OFFER}/connections/primary", DESTINATION)).status == 201
        await fails_with(home, OURS)
        page = await owner.open(PAGE)
        assert "Ao pedir um token ao Microsoft Entra ID." in page.text
        assert "O que o destino respondeu" not in page.text, "it was not asked, or said nothing"
        await fails_with(home, join_lazily((OURS, THEIRS)))
        page = await owner.open(PAGE)
        cause, answer = page.html.split("O que o destino respondeu")
        assert "Ao pedir um token ao Microsoft Entra ID." in cause
        assert f'<q class="break">{THEIRS}</q>' in answer
        assert "Ao pedir um token" not in answer
        (entry,) = (await operator.get("/v1/attention")).json()["entries"]
        told = {name: entry["diagnosis"]["evidence"][name] for name in ("text", "note")}
        assert told == {"text": THEIRS, "note": OURS}
