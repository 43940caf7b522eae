"""An upgrade counts what attempts still tell of the last 24 hours, so that no limit begins anew. Both databases."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
import sqlalchemy as sa
from alembic import command

from leadkeeper.catalogue import diagnose
from leadkeeper.clock import new_id, now_ms
from leadkeeper.connections.usage import Usage
from leadkeeper.delivery.record import attempt_row
from leadkeeper.destinations.salesforce.diagnoses import SalesforceKind
from leadkeeper.destinations.salesforce.provider import SALESFORCE
from leadkeeper.destinations.salesforce.settings import SalesforceConfig
from leadkeeper.diagnosis import Answer, Kind, Outcome, Receipt
from leadkeeper.network.trouble import not_sent
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage
from leadkeeper.storage.evidence import insert_attempts
from leadkeeper.storage.migrate import _config, upgrade
from tests.contracts.older_version import insert_row, storage
from tests.contracts.usage import used

__all__ = ["storage"]

BEFORE: Final = "0053"
HOUR: Final = 3_600_000
AT: Final[dict[str, Any]] = {"created_at": 1, "changed_at": 1}
MINE: Final = "00D58000000JmlM"
OTHER: Final = "00D5e000000NoOr"
REST: Final = {
    "myDomainUrl": "https://contoso.my.salesforce.com",
    "clientId": "3MVG9contoso",
    "clientSecret": "AF00DSECRET",
    "externalIdField": "LeadkeeperId__c",
}
SENT: Final = Receipt(confirmed=False)
LOST: Final = diagnose(Kind.NO_ANSWER, outcome=Outcome.AMBIGUOUS)


def publisher(conn: sa.Connection, name: str) -> None:
    insert_row(conn, "publisher", id=name, display_name=name, **AT)
    offer = {"ref": f"{name}.crm", "publisher_id": name, "id": "crm", "title": "CRM", "offer_type": "saas"}
    insert_row(conn, "offer", **offer, live=True, **AT)


def connection(conn: sa.Connection, owner: str, name: str, settings: object, **more: Any) -> str:
    """A connection as the version before wrote it; its id."""
    text = settings if isinstance(settings, str) else json.dumps(settings)
    row: dict[str, Any] = {"id": new_id(), "offer_ref": f"{owner}.crm", "name": name, "destination": "salesforce"}
    row |= {"settings": text, "secrets": "", "generation": 1, **AT, **more}
    conn.execute(sa.insert(t.connection).values(row))
    return str(row["id"])


def sent(conn: sa.Connection, connection_id: str, *answers: Answer, at: int, late: bool = False) -> None:
    """One lead over it, and what came of each of its attempts."""
    delivery = {"id": new_id(), "lead_id": new_id(), "connection_id": connection_id, "state": "delivered", "due_at": 1}
    conn.execute(sa.insert(t.delivery).values(**delivery, attempts=1, crash_count=0, created_at=at, changed_at=at))
    insert_attempts(conn, [attempt_row(str(delivery["id"]), at, 1, answer, late=late) for answer in answers])


def furnish(conn: sa.Connection, now: int) -> None:
    command.upgrade(_config(conn), BEFORE)
    for name in ("contoso", "fabrikam", "nobody"):
        publisher(conn, name)
    web = {"objectIdentifier": MINE, "webToLeadHost": "webto.salesforce.com"}
    mine = connection(conn, "contoso", "primary", web)
    sent(conn, mine, SENT, at=now - HOUR)
    sent(conn, mine, Receipt(remote_id="00Q"), at=now - 2 * HOUR)  # found there since
    sent(conn, mine, SENT, SENT, at=now - 3 * HOUR)  # sent again
    sent(conn, mine, LOST, diagnose(Kind.MAY_HAVE_ARRIVED, outcome=Outcome.OURS), at=now - 4 * HOUR)
    sent(conn, mine, not_sent(), diagnose(SalesforceKind.FORM_REJECTED), diagnose(Kind.THROTTLED), at=now - HOUR)
    sent(conn, mine, SENT, at=now - 25 * HOUR)
    sent(conn, mine, SENT, at=now - HOUR, late=True)  # counted when its lease was lost
    removed = connection(conn, "contoso", "removed", {"objectIdentifier": MINE}, removed_at=now)  # before hosts
    sent(conn, removed, SENT, at=now - 20 * HOUR)
    rest = connection(conn, "contoso", "rest", web | REST, repeatable=True)
    sent(conn, rest, Receipt(remote_id="00Q"), LOST, at=now - HOUR)
    sent(conn, connection(conn, "contoso", "other", web | {"objectIdentifier": OTHER}), SENT, at=now - HOUR)
    sent(conn, connection(conn, "fabrikam", "primary", web), SENT, at=now - HOUR)
    for number, damaged in enumerate(("{", "[]", "{}")):
        sent(conn, connection(conn, "fabrikam", f"damaged{number}", damaged), SENT, at=now - HOUR)
    mail = connection(conn, "contoso", "mail", {}, destination="email")
    sent(conn, mail, SENT, at=now - HOUR)


async def counted(storage: Storage, owner: str, oid: str, **more: Any) -> int:
    config = SalesforceConfig.model_validate({"objectIdentifier": oid} | more)
    return await used(Usage(storage, owner, SALESFORCE, config))


@pytest.mark.empty_database
async def test_what_attempts_tell_is_counted(storage: Storage) -> None:
    now = now_ms()
    await storage.migrate(lambda conn: furnish(conn, now))
    await storage.migrate(upgrade)
    assert await counted(storage, "contoso", MINE) == 1 + 1 + 2 + 2 + 1
    assert await counted(storage, "contoso", OTHER) == 1
    assert await counted(storage, "contoso", MINE, webToLeadHost="test.salesforce.com") == 0
    assert await counted(storage, "fabrikam", MINE) == 1
    assert await counted(storage, "nobody", MINE) == 0


@pytest.mark.empty_database
async def test_each_counts_until_its_own_24_hours_are_over(storage: Storage) -> None:
    now = now_ms()
    await storage.migrate(lambda conn: furnish(conn, now))
    await storage.migrate(upgrade)
    config = SalesforceConfig.model_validate({"objectIdentifier": MINE})
    later = [now + hours * HOUR + HOUR // 2 for hours in (0, 4, 20, 21, 22, 23)]
    usages = [Usage(storage, "contoso", SALESFORCE, config, lambda at=at: at) for at in later]  # type: ignore[misc]
    assert [await used(each) for each in usages] == [7, 6, 4, 2, 1, 0]
