"""Offers' logos: uploaded on the page or by the API, published with the draft, shown to customers."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa

from leadkeeper.offer import OfferRef
from leadkeeper.storage import tables as t
from tests.contracts.test_portal import signed_in
from tests.in_process import DESTINATION, OFFER, Installation, Visitor, connected
from tests.journeys.customer import Customer
from tests.pictures import png
from tests.shop import put_in_slots

REF = OfferRef("contoso", "crm-pro")
LOGO = f"{OFFER}/logo"
AT = "/portal/offers/contoso/crm-pro"


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[Installation]:
    """Its address is plain, so that cookies come back."""
    async with connected(database_url) as opened:
        yield opened


async def put(visitor: Visitor, body: bytes, kind: str = "image/png", path: str = LOGO, **headers: str) -> str:
    """Upload a picture; its name."""
    answer = await visitor.call("PUT", path, data=body, headers={"Content-Type": kind, **headers})
    assert answer.status == 200, answer.body
    return str(answer.json()["digest"])


async def kept(home: Installation) -> set[str]:
    """The names of all pictures that are kept."""
    return set(await home.services.storage.read(lambda conn: conn.scalars(sa.select(t.offer_logo.c.digest)).all()))


async def shown(home: Installation, path: str) -> list[str]:
    """The pictures of offers that a page shows."""
    async with home.session.get(home.url + path) as answer:
        return re.findall(r'src="(/store/logos/[^"]+)"', await answer.text())


async def test_a_logo_is_shown_to_customers_once_it_is_published(home: Installation) -> None:
    operator = await home.visitor("operator")
    await put_in_slots(home.services, REF, production=1)
    digest = await put(operator, png(64, 64))
    assert await shown(home, "/store") == []
    assert await shown(home, "/store/offers/contoso/crm-pro") == []
    await put_in_slots(home.services, REF, preview=2, production=1)
    key = (await home.services.offers.catalogue.offer(REF)).preview_key
    picture = f"/store/logos/contoso/crm-pro/{digest}"
    assert await shown(home, f"/store/offers/contoso/crm-pro?preview={key}") == [f"{picture}?preview={key}"]
    assert await shown(home, "/store") == []
    for path, status in ((picture, 404), (f"{picture}?preview={key}", 200), (f"{picture}?preview=x", 404)):
        assert (await home.anyone.get(path)).status == status, path
    await put_in_slots(home.services, REF, production=2)
    assert await shown(home, "/store") == [picture]
    assert await shown(home, "/store/offers/contoso/crm-pro") == [picture]
    async with home.session.get(home.url + picture) as answer:
        assert answer.status == 200
        assert (answer.headers["Content-Type"], answer.headers["X-Content-Type-Options"]) == ("image/png", "nosniff")
        assert answer.headers["Cache-Control"] == "private, max-age=31536000, immutable"
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert (await answer.read()).startswith(b"\x89PNG")


async def test_only_what_is_used_is_kept(home: Installation) -> None:
    operator = await home.visitor("operator")
    first = await put(operator, png(8, 8))
    await put_in_slots(home.services, REF, production=1)
    later = [await put(operator, png(side, side)) for side in (9, 10, 11)]
    assert await kept(home) == {first, later[-1]}
    assert (await operator.delete(LOGO)).status == 204
    assert await kept(home) == {first}
    assert (await operator.get(LOGO)).status == 404
    assert (await operator.delete(LOGO)).status == 204
    again = await put(operator, png(8, 8))
    assert again == first, "the same picture has the same name"


async def test_the_api_says_where_it_is_and_what_is_refused(home: Installation) -> None:
    operator = await home.visitor("operator")
    (await operator.get(LOGO)).problem(404, "not-found")
    etag = (await operator.get(OFFER)).headers["ETag"]
    digest = await put(operator, png(8, 8))
    found = (await operator.get(LOGO)).json()
    assert found == {
        "digest": digest,
        "link": f"http://leads.example/store/logos/contoso/crm-pro/{digest}",
    }
    calls = [
        (b"<svg/>", "image/svg+xml", 415, "unsupported-media-type"),
        (b"<svg/>", "image/png", 422, "invalid-request"),
        (bytes(300_000), "image/png", 413, "too-large"),
    ]
    for body, kind, status, type in calls:
        answer = await operator.call("PUT", LOGO, data=body, headers={"Content-Type": kind})
        answer.problem(status, type)
    changed = {"Content-Type": "image/png", "If-Match": etag}
    (await operator.call("PUT", LOGO, data=png(9, 9), headers=changed)).problem(412, "precondition-failed")
    unknown = LOGO.replace("crm-pro", "nothing")
    (await operator.call("PUT", unknown, data=png(9, 9), headers={"Content-Type": "image/png"})).problem(
        404, "unknown-offer"
    )
    (await operator.delete(unknown)).problem(404, "unknown-offer")
    assert await kept(home) == {digest}


async def test_nobody_changes_anothers(home: Installation) -> None:
    await home.services.offers.catalogue.put_publisher("fabrikam", "Fabrikam", by="test")
    for role in ("publisher:fabrikam", "reader:contoso"):
        visitor = await home.visitor(role)
        answer = await visitor.call("PUT", LOGO, data=png(9, 9), headers={"Content-Type": "image/png"})
        assert answer.status in (403, 404), (role, answer.body)
        assert (await visitor.delete(LOGO)).status in (403, 404)
        assert (await visitor.get(LOGO)).status in (403, 404)
    assert await kept(home) == set()


async def test_a_copied_offer_has_its_own(home: Installation) -> None:
    digest = await put(await home.visitor("operator"), png(8, 8))
    copy = OfferRef("contoso", "crm-copy")
    await home.services.offers.copies.copy(REF, "crm-copy", title="Copy", connections=False, by="test")
    assert await home.services.offers.logos.of_draft(copy) == digest
    await home.services.offers.logos.remove(REF, by="test")
    assert await home.services.offers.logos.read(REF, digest) is None
    assert await home.services.offers.logos.read(copy, digest) is not None


async def test_a_suspended_publishers_picture_is_shown_to_nobody(home: Installation) -> None:
    digest = await put(await home.visitor("operator"), png(8, 8))
    await put_in_slots(home.services, REF, production=1)
    assert await home.services.offers.logos.shown(REF, digest) is not None
    await home.services.offers.suspensions.suspend("contoso", "unpaid", by="test")
    assert await home.services.offers.logos.shown(REF, digest) is None


async def test_the_difference_names_it(home: Installation) -> None:
    await put_in_slots(home.services, REF, production=1)
    digest = await put(await home.visitor("operator"), png(8, 8))
    (change,) = await home.services.offers.differences.of(REF)
    assert (change.field, change.old, change.new) == ("logo", None, digest)


async def test_it_is_uploaded_and_removed_on_the_listing_page(home: Installation) -> None:
    async with Customer(home.url) as member:
        await signed_in(home, member, "publisher:contoso")
        page = await member.open(f"{AT}/listing")
        (upload,) = [form for form in page.forms if form.action.endswith("/logo")]

        page = await member.upload(upload, "logo", png(64, 64), "image/png")
        digest = await home.services.offers.logos.of_draft(REF)
        assert (page.status, bool(digest)) == (200, True)
        assert f"{AT}/logo/{digest}" in page.html
        async with Customer(home.url) as stranger:
            assert (await stranger.open(f"{AT}/logo/{digest}")).url.startswith(f"{home.url}/portal/sign-in")
        assert (await member.open(f"{AT}/logo/{'0' * 64}")).status == 404
        page = await member.upload(upload, "logo", b"<svg/>", "image/svg+xml")
        assert page.status == 422
        assert "no picture that can be read" in page.text
        assert await home.services.offers.logos.of_draft(REF) == digest
        page = await member.open(f"{AT}/listing")
        (removing,) = [form for form in page.forms if form.action.endswith("/logo/remove")]
        assert (await member.send(removing, {})).status == 200
        assert await home.services.offers.logos.of_draft(REF) == ""


async def test_the_form_says_how_the_offer_would_look(home: Installation) -> None:
    async with Customer(home.url) as member:
        await signed_in(home, member, "publisher:contoso")
        page = await member.open(f"{AT}/edit")
        form = page.form("title", "support")
        typed = {"title": "Planner", "description": "# Fast\n\n<b>no</b>", "support": "help@contoso.example"}
        form.action = f"{home.url}{AT}/edit/look"
        look = await member.send(form, typed | {"privacy": "no page"})
        for part in ("Planner", "<h3>Fast</h3>", "&lt;b&gt;no", "Help from Contoso"):
            assert part in look.html
        assert "no page" not in look.html
        form.action = f"{home.url}{AT}/edit"
        refused = await member.send(form, typed | {"privacy": "no page"})
        assert refused.status == 422
        assert "Enter the whole address of a page" in refused.text
        saved = await member.send(form, typed | {"privacy": "https://contoso.example/privacy"})
        assert saved.url.endswith("/listing")
        assert "https://contoso.example/privacy" in saved.text


async def test_a_destination_that_is_needed_is_named_while_somebody_types(home: Installation) -> None:
    async with Customer(home.url) as member:
        await signed_in(home, member, "publisher:contoso")
        form = (await member.open(f"{AT}/edit")).form("title", "support")
        form.action = f"{home.url}{AT}/edit/look"
        operator = await home.visitor("operator")
        assert (await operator.delete(f"{OFFER}/customer-leads")).status == 204
        needs, text = "must have a lead destination", {"summary": "A CRM.", "description": "It keeps customers."}
        asked = await member.send(form, text | {"offerType": "saas"})
        assert needs in asked.text
        assert asked.links["Connect it"].endswith(f"{AT}/connect")
        assert "Summary is missing" not in asked.text
        other = await member.send(form, {"offerType": "power-bi-app", "summary": ""})
        assert needs not in other.text
        assert "Summary is missing" in other.text
        await operator.put(f"{OFFER}/customer-leads", DESTINATION)
        asked = await member.send(form, text | {"offerType": "saas"})
        assert needs not in asked.text


@pytest.mark.parametrize(("code", "missing"), [("en", "Summary is missing"), ("pt", "Resumo está faltando")])
async def test_what_publishing_needs_is_called_as_the_form_calls_it(
    home: Installation, code: str, missing: str
) -> None:
    digest = await put(await home.visitor("operator"), png(8, 8))
    async with Customer(home.url, code) as member:
        made = await home.services.access.keys.create("publisher:contoso", by="test")
        page = await member.open("/portal")
        await member.send(page.form("key"), {"key": made.key})
        page = await member.open(f"{AT}/publishing")
        assert missing in page.text
        assert f'src="{AT}/logo/{digest}"' in page.html, "the difference shows the logo"
        assert missing in (await member.open(AT)).text
