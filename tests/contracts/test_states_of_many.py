"""A page of leads in a state that very many have. Both databases."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from leadkeeper.inbox.lists.filter import LeadFilter
from leadkeeper.storage import tables as t
from tests.contracts.plans import work
from tests.contracts.test_flat import LEADS, home
from tests.in_process import Installation

__all__ = ["home"]


@pytest.mark.parametrize("state", ["waiting", "held", "attention"])
async def test_each_lead_of_a_state_of_many_is_looked_up_by_itself(
    home: Installation, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    monkeypatch.setattr("leadkeeper.inbox.lists.in_state.FEW", 0)
    await home.services.storage.write(_half_of_all_wait, state != "waiting")
    inbox, which = home.services.leads.inbox, LeadFilter("contoso", state=state)
    small = await work(home.services.storage, lambda: inbox.list(which, limit=1))
    large = await work(home.services.storage, lambda: inbox.list(which, limit=41))
    assert large - small < 40 * LEADS / 10


def _half_of_all_wait(conn: sa.Connection, paused: bool) -> None:
    ids = sa.select(t.delivery.c.lead_id).order_by(t.delivery.c.lead_id).limit(LEADS // 2)
    conn.execute(sa.update(t.delivery).where(t.delivery.c.lead_id.in_(ids)).values(state="waiting"))
    conn.execute(sa.update(t.connection).values(paused_by_person=paused))
    conn.exec_driver_sql("ANALYZE").close()
