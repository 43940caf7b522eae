"""Publishing on the pages: the difference, steps that stay, the queue, withdrawing, copies. On both databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from leadkeeper.connections.outbox import OPERATION_FAILED
from leadkeeper.offer import OfferRef
from leadkeeper.publishing.runner import PublishingRunner
from leadkeeper.publishing.versions import Slot
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.faults import answer
from leadkeeper.storage import tables as t
from tests.contracts.market import DEFINITION, RemoteSide
from tests.contracts.test_portal import signed_in
from tests.in_process import MASK, OFFER, Installation, installation
from tests.journeys.customer import Customer, Form, Page

AT = "/portal/offers/contoso/crm-pro"
REF = OfferRef("contoso", "crm-pro")
SUMMARY = "microsoft-azure-marketplace.summary"


@dataclass
class Stage:
    """An installation with an endpoint that takes leads, and a publishing runner that works at the test's word."""

    home: Installation
    remote: RemoteSide
    runner: PublishingRunner

    async def define(self, **changed: Any) -> None:
        """Change the draft of the offer."""
        definition = {**DEFINITION, "offer": DEFINITION["offer"] | changed}
        await self.home.services.offers.catalogue.put_definition(
            REF, offer_type="saas", definition=definition, lead_settings=None, by="test"
        )

    async def connect(self, **more: Any) -> None:
        """Connect the offer to the endpoint."""
        settings: dict[str, Any] = dict(self.remote.settings)
        settings["httpsEndpointLeadConfiguration"] = settings["httpsEndpointLeadConfiguration"] | more
        answered = await (await self.home.visitor("operator")).put(f"{OFFER}/connections/primary", settings)
        assert answered.status in (200, 201, 202), answered.body

    async def work(self) -> None:
        """Let the publishing runner work until nothing is due."""
        while begun := await self.runner.look():
            await asyncio.gather(*begun)

    async def live(self) -> None:
        """Publish the draft all the way to customers."""
        await self.home.services.offers.publication.publish(REF, by="test")
        await self.work()
        await self.home.services.offers.publication.go_live(REF, by="test")
        await self.work()


@asynccontextmanager
async def stage(url: str, authority: Authority, *, by_operator: bool = False) -> AsyncIterator[Stage]:
    """A stage over a new database."""
    remote = RemoteSide(authority, answer(200))
    await remote.start()
    settings: dict[str, Any] = {
        "ca_file": authority.ca_file,
        "allow_addresses": "127.0.0.0/8",
        "public_url": "http://leads.example",
    }
    try:
        async with installation(url, **settings) as home:
            services = home.services
            runner = PublishingRunner(
                services.storage,
                services.connections,
                services.validator,
                by_operator=by_operator,
                base_url="http://leads.example",
                # The clock that says from when an operation is due: another's may be behind it.
                clock=services.clock,
            )
            yield Stage(home, remote, runner)
    finally:
        await remote.aclose()


def ending(page: Page, end: str) -> list[Form]:
    """The forms of a page that go to an address with this end."""
    return [form for form in page.forms if form.action.partition("?")[0].endswith(end)]


async def test_the_difference_between_draft_and_live_is_shown_field_by_field(
    database_url: str, authority: Authority
) -> None:
    async with stage(database_url, authority) as at, Customer(at.home.url) as member:
        await at.define()
        await at.connect()
        await signed_in(at.home, member, "publisher:contoso")
        page = await member.open(f"{AT}/publishing")
        assert ending(page, "/publish"), "never published: all of it is new"
        assert "Customers, well kept." in page.text
        await at.live()
        page = await member.open(f"{AT}/publishing")
        assert not ending(page, "/publish"), "nothing differs, so there is nothing to publish"
        assert "nothing to publish" in page.text
        await at.define(**{SUMMARY: "Customers, kept even better."})
        page = await member.open(f"{AT}/publishing")
        assert ending(page, "/publish")
        await at.define(**{SUMMARY: "Customers, kept even better.", "offer.microsoft-azure-marketplace.ownKey": "x"})
        page = await member.open(f"{AT}/publishing")
        assert "A property of the API <code" in page.html.replace("</strong>", ""), (
            "what has no word is named as a code"
        )
        for message in ("Summary", "Customers, well kept.", "Customers, kept even better."):
            assert message in page.text
        assert "A CRM for small sales teams." not in page.text, "what stays is not told"
        await at.define()
        assert not ending(await member.open(f"{AT}/publishing"), "/publish"), "changed back: the same again"


async def test_the_difference_tells_of_destinations_and_never_a_secret(database_url: str, authority: Authority) -> None:
    async with stage(database_url, authority) as at:
        await at.define()
        await at.connect(signingSecret="whsec_" + "A" * 32)
        await at.live()
        publisher = await at.home.visitor("publisher:contoso")
        assert (await publisher.get(f"{OFFER}/difference")).json() == {"differs": False, "changes": []}
        await at.connect(signingSecret="whsec_" + "B" * 32, keyCasing="camel")
        answered = await publisher.get(f"{OFFER}/difference")
        summary = {(each["part"], each["field"]): each for each in answered.json()["changes"]}
        secret = summary["destination", "primary.signingSecret"]
        assert (secret["old"], secret["new"], secret["secret"]) == (MASK, MASK, True)
        assert (summary["destination", "primary.keyCasing"]["new"]) == "camel"
        assert b"whsec_" not in answered.body
        async with Customer(at.home.url) as member:
            await signed_in(at.home, member, "publisher:contoso")
            page = await member.open(f"{AT}/publishing")
        assert "whsec_" not in page.html
        assert "(camel)" in page.text, "the words, and the code of the API beside them"
        changed = page.text[page.text.index("What publishing changes") :]
        assert "primary" not in changed, "the name of an offer's usual connection goes without saying"
        assert "changed" in page.text


async def test_the_difference_is_its_publishers_alone(database_url: str, authority: Authority) -> None:
    async with stage(database_url, authority) as at:
        operator = await at.home.visitor("operator")
        await operator.put("/v1/publishers/fabrikam", {"displayName": "Fabrikam"})
        stranger = await at.home.visitor("publisher:fabrikam")
        (await stranger.get(f"{OFFER}/difference")).problem(403, "forbidden")
        (await at.home.anyone.get(f"{OFFER}/difference")).problem(401, "unauthorized")


async def test_steps_keep_what_they_said_and_their_test_lead_after_going_live(
    database_url: str, authority: Authority
) -> None:
    async with stage(database_url, authority) as at, Customer(at.home.url) as member:
        await at.define()
        await at.connect()
        await at.live()
        await signed_in(at.home, member, "publisher:contoso")
        page = await member.open(f"{AT}/publishing")
        assert "MSFT_TEST_" in page.text
        assert any("/portal/leads/" in address for address in page.links.values()), "the test lead is a click away"
        operation = (await at.home.services.offers.publication.status(REF)).operation
        assert operation is not None
        assert all(step.messages for step in operation.steps)
        assert "MSFT_TEST_" in " ".join(m.text for m in operation.steps[3].messages)


async def test_an_operator_looks_at_what_waits_and_approves_it(database_url: str, authority: Authority) -> None:
    async with stage(database_url, authority, by_operator=True) as at, Customer(at.home.url) as operator:
        await at.define()
        await at.connect()
        page = await signed_in(at.home, operator, "operator")
        assert page.links["Certification"].endswith("/portal/certification")
        assert "Nothing waits" in (await operator.open("/portal/certification")).text
        await at.home.services.offers.publication.publish(REF, by="test")
        await at.work()
        page = await operator.open("/portal/certification")
        assert "Contoso CRM Pro" in page.text
        assert "Customers, well kept." in page.text, "the difference"
        (form,) = ending(page, "/approve")
        page = await operator.send(form, {})
        assert "Nothing waits" in page.text
        await at.work()
        assert (await at.home.services.offers.catalogue.offer(REF)).preview_version == 1


async def test_a_refusal_needs_a_reason_that_the_publisher_reads(database_url: str, authority: Authority) -> None:
    async with stage(database_url, authority, by_operator=True) as at, Customer(at.home.url) as operator:
        await at.define()
        await at.connect()
        await at.home.services.offers.publication.publish(REF, emails=["ada@contoso.example"], by="test")
        await at.work()
        await signed_in(at.home, operator, "operator")
        (form,) = ending(await operator.open("/portal/certification"), "/refuse")
        page = await operator.send(form, {"message": "  "})
        assert page.status == 422
        assert "Say why" in page.text
        (form,) = ending(page, "/refuse")
        page = await operator.send(form, {"message": "The logo is missing."})
        assert "Nothing waits" in page.text
        async with Customer(at.home.url) as member:
            await signed_in(at.home, member, "publisher:contoso")
            page = await member.open(f"{AT}/publishing")
        assert "The logo is missing." in page.text
        rows = await at.home.services.storage.read(lambda conn: conn.execute(t.notice.select()).all())
        assert [row.kind for row in rows if row.operation_id] == [OPERATION_FAILED]


async def test_what_was_decided_was_what_was_seen(database_url: str, authority: Authority) -> None:
    async with stage(database_url, authority, by_operator=True) as at, Customer(at.home.url) as operator:
        await at.define()
        await at.connect()
        services = at.home.services
        await services.offers.publication.publish(REF, by="test")
        await at.work()
        await signed_in(at.home, operator, "operator")
        (form,) = ending(await operator.open("/portal/certification"), "/approve")
        await services.offers.publication.cancel(REF, by="test")
        await at.define(**{SUMMARY: "Something quite different."})
        await services.offers.publication.publish(REF, by="test")
        await at.work()
        page = await operator.send(form, {})
        assert page.status == 409
        newest = (await services.offers.publication.status(REF)).operation
        assert newest is not None
        assert newest.state == "running", "another version waits by now: nobody has looked at it"


async def test_the_queue_is_for_operators(database_url: str, authority: Authority) -> None:
    async with stage(database_url, authority, by_operator=True) as at, Customer(at.home.url) as member:
        await at.define()
        await at.connect()
        await at.home.services.offers.publication.publish(REF, by="test")
        await at.work()
        page = await signed_in(at.home, member, "publisher:contoso")
        assert "Certification" not in page.links
        assert (await member.open("/portal/certification")).status == 404
        form = ending(await member.open(f"{AT}/publishing"), "/cancel")[0]
        form.action = f"{at.home.url}/portal/certification/contoso/crm-pro/approve"
        assert (await member.send(form, {})).status == 404
        publisher, operator = await at.home.visitor("publisher:contoso"), await at.home.visitor("operator")
        (await publisher.get("/v1/certifications")).problem(403, "forbidden")
        (waiting,) = (await operator.get("/v1/certifications")).json()["certifications"]
        assert (waiting["publisherId"], waiting["offerId"], waiting["operation"]["kind"]) == (
            "contoso",
            "crm-pro",
            "publish",
        )
        assert any(each["field"] == "summary" for each in waiting["changes"])


async def test_an_offer_is_withdrawn_from_the_storefront_and_published_again(
    database_url: str, authority: Authority
) -> None:
    async with stage(database_url, authority) as at, Customer(at.home.url) as member:
        await at.define()
        await at.connect()
        await at.live()
        store = "/store/offers/contoso/crm-pro"
        await signed_in(at.home, member, "publisher:contoso")
        assert (await member.open(store)).status == 200
        (form,) = ending(await member.open(f"{AT}/withdraw"), "/withdraw")
        page = await member.send(form, {})
        assert "withdrawn" in page.text
        assert (await member.open(store)).status == 404
        assert (await at.home.services.offers.catalogue.offer(REF)).live, "leads from elsewhere are still taken"
        publisher = await at.home.visitor("publisher:contoso")
        (await publisher.post(f"{OFFER}/withdraw")).problem(409, "not-possible-now")
        assert ending(page, "/publish"), "it can be published again"
        await at.live()
        assert (await member.open(store)).status == 200
        assert (await publisher.post(f"{OFFER}/withdraw")).json()["productionVersion"] is None


async def test_an_offer_is_copied_with_what_it_says_but_not_what_is_known(
    database_url: str, authority: Authority
) -> None:
    async with stage(database_url, authority) as at, Customer(at.home.url) as member:
        await at.define()
        await at.connect()
        await at.live()
        await signed_in(at.home, member, "publisher:contoso")
        page = await member.open(f"{AT}/copy")
        (form,) = ending(page, "/copy")
        assert (await member.send(form, {"offerId": "crm-pro"})).status == 422
        page = await member.send(form, {"offerId": "crm-lite", "title": "Contoso CRM Lite"}, "connections")
        assert page.url.endswith("/portal/offers/contoso/crm-lite")
        offer, draft = await at.home.services.offers.catalogue.slot(OfferRef("contoso", "crm-lite"), Slot.DRAFT)
        assert draft is not None
        assert (draft.listing.title, draft.listing.summary) == ("Contoso CRM Lite", "Customers, well kept.")
        assert (offer.live, offer.production_version) == (False, None)
        (copied,) = await at.home.services.connections.list(offer.ref)
        assert not copied.proven, "nobody has tried it there"
        (own,) = await at.home.services.connections.list(REF)
        assert copied.stored.secrets["httpsEndpointUrl"] == own.stored.secrets["httpsEndpointUrl"]


async def test_a_connection_is_copied_to_other_offers_of_its_publisher_alone(
    database_url: str, authority: Authority
) -> None:
    async with stage(database_url, authority) as at, Customer(at.home.url) as member:
        await at.connect()
        operator = await at.home.visitor("operator")
        await operator.put("/v1/publishers/fabrikam", {"displayName": "Fabrikam"})
        for path in ("contoso/offers/planner", "contoso/offers/notes", "fabrikam/offers/other"):
            assert (await operator.put(f"/v1/publishers/{path}", {"title": path[-5:]})).status == 201
        await operator.put("/v1/publishers/contoso/offers/notes/connections/primary", at.remote.settings)
        await signed_in(at.home, member, "publisher:contoso")
        page = await member.open(f"{AT}/connections/primary/copy")
        (form,) = ending(page, "/copy")
        assert set(form.boxes) == {"to.planner", "to.notes"}
        form.values["to.other"] = "yes"
        page = await member.send(form, {}, "to.planner", "to.notes")
        connections = at.home.services.connections
        assert await connections.get(OfferRef("contoso", "planner"), "primary") is not None
        assert await connections.get(OfferRef("fabrikam", "other"), "primary") is None
        assert "notes" in page.text
        assert "has a connection of that name already" in page.text
