"""A damaged trouble of a contact, or version of an offer, stops nothing but itself. Both databases."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from leadkeeper.connections.recipients import Recipients
from leadkeeper.destinations.email.adapter import Email
from leadkeeper.destinations.email.settings import EmailConfig
from leadkeeper.diagnosis import Receipt
from leadkeeper.mail.address import DEFAULT_RULES
from leadkeeper.mail.service import MailService
from leadkeeper.offer import OfferRef
from leadkeeper.problem import Problem
from leadkeeper.publishing.steps import OperationState
from leadkeeper.publishing.versions import Slot
from leadkeeper.sandbox.authority import Authority
from leadkeeper.storage import tables as t
from tests.contracts.installation import CRM
from tests.contracts.mailbox import mailbox
from tests.contracts.market import market
from tests.contracts.test_email import LEAD, server_of
from tests.contracts.test_portal import signed_in
from tests.in_process import OFFER, Installation, Visitor
from tests.journeys.customer import Customer

ERP = OfferRef("contoso", "erp")
EMAIL = {"leadDestination": "email", "emailLeadConfiguration": {"contactEmail": ["a@contoso.com", "b@contoso.com"]}}
DAMAGES = ['{"kind": "thrott', "[]", "7", "", '{"kind": "noSuchKind"}']


@pytest.mark.parametrize("trouble", DAMAGES)
async def test_a_damaged_trouble_stops_no_mail_and_no_page(home: Installation, operator: Visitor, trouble: str) -> None:
    assert (await operator.put(f"{OFFER}/connections/primary", EMAIL)).status == 201
    storage = home.services.storage
    one = sa.update(t.contact).where(t.contact.c.address.startswith("a@")).values(trouble=trouble)
    assert await storage.write(lambda conn: conn.execute(one).rowcount) == 1
    shown = await operator.get(f"{OFFER}/connections/primary")
    assert shown.status == 200
    summary = {each["email"]: each["diagnosis"] for each in shown.json()["contacts"]}
    assert summary["a@contoso.com"]["kind"] == "recordDamaged"
    assert summary["b@contoso.com"] is None
    async with Customer(home.url) as visitor:
        await signed_in(home, visitor, "publisher:contoso")
        assert (await visitor.open("/portal/offers/contoso/crm-pro")).status == 200
    (connection,) = await home.services.connections.list(CRM)
    with mailbox() as box:
        mail = MailService(server_of(box), base_url="https://leads.example")
        config = EmailConfig.model_validate(EMAIL["emailLeadConfiguration"])
        (answer,) = await Email(config, mail, Recipients(storage, connection, DEFAULT_RULES)).deliver([LEAD])
        assert isinstance(answer, Receipt)
        assert box.recipients == [["a@contoso.com", "b@contoso.com"]]
    # The mail that went out says more than what could not be read.
    left = await storage.read(lambda conn: conn.scalars(sa.select(t.contact.c.trouble)).all())
    assert set(left) == {None}


@pytest.mark.parametrize("definition", ['{"offer": {"micro', "[]", "7", ""])
async def test_a_damaged_version_is_told_for_its_own_offer_alone(
    database_url: str, authority: Authority, definition: str
) -> None:
    async with market(database_url, authority) as m:
        await m.define()
        await m.define(ERP)
        await m.connect()
        await m.connections.put(ERP, "primary", m.remote.settings, by="test")
        await damaged(m.storage, definition)
        for ask in (m.catalogue.slot(CRM, Slot.DRAFT), m.catalogue.version(CRM, 1), m.publication.missing(CRM)):
            with pytest.raises(Problem) as refused:
                await ask
            assert refused.value.type.value == "record-damaged"
            assert "contoso.crm-pro" in refused.value.detail
            assert "version 1" in refused.value.detail
        assert {offer.ref for offer in await m.catalogue.offers("contoso")} == {CRM, ERP}
        await m.publication.publish(ERP, emails=["ops@contoso.example"], by="test")
        assert (await m.worked(ERP)).state is OperationState.COMPLETED
        # Whoever enters the draft anew fixes it.
        await m.define()
        assert (await m.published()).state is OperationState.COMPLETED


async def test_publishing_a_version_that_is_damaged_meanwhile_ends_as_failed_and_says_why(
    database_url: str, authority: Authority
) -> None:
    async with market(database_url, authority) as m:
        await m.define()
        await m.connect()
        await m.publication.publish(CRM, emails=["ops@contoso.example"], by="test")
        await damaged(m.storage, "[]")
        operation = await m.worked()
        assert operation.state is OperationState.FAILED
        summary = "\n".join(message.text for step in operation.steps for message in step.messages)
        assert "version 1 of the offer contoso.crm-pro" in summary


async def test_the_doors_answer_with_a_problem_that_names_the_offer(home: Installation, operator: Visitor) -> None:
    storage = home.services.storage
    other = "/v1/publishers/contoso/offers/erp"
    assert (await operator.put(other, {"title": "ERP", "offerType": "saas"})).status == 201
    await damaged(storage, "[]")
    refused = (await operator.post(f"{OFFER}/publish", {})).problem(500, "record-damaged")
    assert "contoso.crm-pro" in refused["detail"]
    assert (await operator.get(OFFER)).status == 200
    assert (await operator.get(other)).status == 200
    async with Customer(home.url) as visitor:
        assert (await visitor.open("/store")).status == 200
        await signed_in(home, visitor, "publisher:contoso")
        assert (await visitor.open("/portal")).status == 200


async def damaged(storage: Any, definition: str) -> None:
    """Damage the offer's only version."""
    v = t.offer_version
    query = sa.update(v).where(v.c.offer_ref == str(CRM)).values(definition=definition)
    assert await storage.write(lambda conn: conn.execute(query).rowcount) == 1
