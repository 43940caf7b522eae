"""The storefront's list shows what stands in the offers' rows: it reads no definitions. Both databases."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from typing import Any, Final

import pytest
import sqlalchemy as sa
from alembic import command

from leadkeeper.offer import OfferRef
from leadkeeper.publishing.listing import LONGEST
from leadkeeper.publishing.showcase import PAGE, OfferCard, Showcase
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage
from leadkeeper.storage.migrate import _config, upgrade
from tests.contracts.older_version import insert_row, storage
from tests.contracts.plans import statements
from tests.in_process import Installation
from tests.shop import PLANNER, open_shop, put_in_slots

__all__ = ["storage"]

LOGO: Final = "0123456789abcdef" * 4
PREFIX: Final = "microsoft-azure-marketplace."


def definition(title: str, **properties: str) -> dict[str, Any]:
    """What a publisher says of an offer, with these properties."""
    return {"displayText": title, "offer": {PREFIX + name: text for name, text in properties.items()}, "plans": []}


async def say(home: Installation, ref: OfferRef, content: Mapping[str, Any]) -> None:
    """Change the draft, and show it to customers."""
    catalogue = home.services.offers.catalogue
    offer, _ = await catalogue.put_definition(ref, offer_type="saas", definition=content, lead_settings=None, by="test")
    await put_in_slots(home.services, ref, production=offer.draft_version)


async def test_a_card_shows_what_went_live_and_no_definition_is_read(home: Installation) -> None:
    await open_shop(home.services)
    texts = {"summary": "Plans <all>.", "priceLine": "From 5 EUR", "category": "Work", "logo": LOGO}
    await say(home, PLANNER, definition("Planner", description="Long.", **texts))
    draft = definition("Another title", summary="Not yet.", description="Long.")
    await home.services.offers.catalogue.put_definition(
        PLANNER, offer_type="saas", definition=draft, lead_settings=None, by="test"
    )
    logo = sa.insert(t.offer_logo).values(offer_ref=str(PLANNER), digest=LOGO, body=b"png", created_at=1)
    await home.services.storage.write(lambda conn: conn.execute(logo).rowcount)
    pages = ("/store", "/store?search=planner", "/store?category=Work", f"/store/logos/contoso/planner/{LOGO}")
    for path in pages:
        with statements() as seen:
            answer = await home.anyone.get(path)
        assert answer.status == 200
        assert seen
        assert not [text for text, _ in seen if "definition" in text], path
        if path != pages[-1]:
            html = answer.body.decode()
            assert all(text in html for text in ("Planner", "Plans &lt;all&gt;.", "From 5 EUR", LOGO)), path
            assert "Not yet." not in html
    assert (await home.anyone.get(f"/store/logos/contoso/planner/{LOGO[::-1]}")).status == 404
    # What goes live next has neither a price nor a logo.
    await say(home, PLANNER, draft)
    (card,) = (await home.services.offers.showcase.offers("another")).offers
    assert card == OfferCard(PLANNER, "saas", "Contoso", "Another title", "Not yet.", "", "")
    assert (await home.anyone.get(pages[-1])).status == 404


def published_before(conn: sa.Connection, name: str, text: str, *, production: int | None = 1) -> None:
    """An offer as the version before this one left it."""
    ref, on_shelf = f"contoso.{name}", {"shelf_title": name, "shelf_text": name}
    row = {"ref": ref, "publisher_id": "contoso", "id": name, "title": name, "offer_type": "saas", "live": True}
    versions = {"draft_version": 1, "production_version": production, "created_at": 1, "changed_at": 1}
    insert_row(conn, "offer", **row, **versions, **on_shelf)
    insert_row(conn, "offer_version", offer_ref=ref, version=1, definition=text, changed_at=1)


@pytest.mark.empty_database
async def test_what_was_published_before_gets_its_card(storage: Storage) -> None:
    texts = {"summary": "Near.", "priceLine": "Free", "logo": LOGO}
    endless = definition("t" * 9_000, summary="s" * 9_000, priceLine="p" * 9_000, logo="no logo")
    odd = {"displayText": 7, "offer": {"summary": ["no text"], "x.title": "Odd\0\ud800"}, "plans": []}

    def publish(conn: sa.Connection) -> None:
        command.upgrade(_config(conn), "0053")
        insert_row(conn, "publisher", id="contoso", display_name="Contoso", created_at=1, changed_at=1)
        for number in range(120):  # more than are read at a time
            published_before(conn, f"a{number:03}", json.dumps(definition(f"A {number}", **texts)))
        published_before(conn, "b-damaged", '{"cut": ')
        published_before(conn, "c-endless", json.dumps(endless))
        published_before(conn, "d-odd", json.dumps(odd))
        published_before(conn, "e-draft", json.dumps(definition("Draft", **texts)), production=None)

    await storage.write(publish)
    await storage.write(upgrade)
    cards = {card.ref.offer_id: card for card in (await Showcase(storage).offers(limit=200)).offers}
    assert len(cards) == 123
    for number in range(120):
        card = cards[f"a{number:03}"]
        assert (card.title, card.summary, card.price, card.logo) == (f"A {number}", "Near.", "Free", LOGO)
    assert (cards["b-damaged"].title, cards["b-damaged"].summary) == ("b-damaged", "")
    long = cards["c-endless"]
    assert {name: len(getattr(long, name)) for name in ("title", "summary", "price", "logo")} == {
        **{name: LONGEST[name] for name in ("title", "summary", "price")},
        "logo": 0,
    }
    assert (cards["d-odd"].title, cards["d-odd"].summary) == ("Odd", "")


async def on_every_page(home: Installation) -> list[str]:
    """The offers of contoso that a customer finds who follows the list to its end."""
    address, found = "/store", list[str]()
    for _ in range(9):
        page = (await home.anyone.get(address)).body.decode()
        found += re.findall(r'href="/store/offers/contoso/([^"]+)"', page)
        following = re.search(r'rel="next" href="([^"]+)"', page)
        if following is None:
            return found
        address = html.unescape(following[1])
    raise AssertionError("the list never ends")


@pytest.mark.parametrize("end", ["\u3000", "\u00a0Pro", "\tPro", "\u8acb" * 180])
async def test_no_title_ends_the_list(home: Installation, end: str) -> None:
    """What is not shown, and what takes many bytes, leads on as every other title does."""
    names = [f"a{number:02}" for number in range(PAGE + 2)]

    def publish(conn: sa.Connection) -> None:
        for name in names:
            published_before(conn, name, json.dumps(definition(name + end)))
            conn.execute(sa.update(t.offer).where(t.offer.c.id == name).values(shelf_title=name + end))

    await home.services.storage.write(publish)
    assert await on_every_page(home) == names


async def test_who_is_suspended_ends_nobody_s_list(home: Installation) -> None:
    def publish(conn: sa.Connection) -> None:
        insert_row(conn, "publisher", id="adatum", display_name="Adatum", created_at=1, changed_at=1)
        for number in range(PAGE + 2):
            published_before(conn, f"a{number:02}", json.dumps(definition("A")))
        theirs = sa.update(t.offer).where(t.offer.c.id.startswith("a"))
        conn.execute(theirs.values(publisher_id="adatum"))
        published_before(conn, "z", json.dumps(definition("Z")))

    await home.services.storage.write(publish)
    await home.services.offers.suspensions.suspend("adatum", "Unpaid.", by="test")
    assert await on_every_page(home) == ["z"]
    await home.services.offers.suspensions.suspend("contoso", "Unpaid.", by="test")
    assert not await home.services.offers.showcase.has_offers()
