"""The marketplace's name, colour and logo, given by an operator: on the page, by the API, shown in portal and store."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from leadkeeper.access.marketplace import MarketplaceName
from leadkeeper.problem import Problem
from leadkeeper.publishing.branding import Branding
from leadkeeper.storage import tables as t
from tests.contracts.test_portal import signed_in
from tests.in_process import Installation, connected, installation
from tests.journeys.customer import Customer
from tests.pictures import png

AT = "/portal/operate/branding"
API = "/v1/marketplace"
PNG = {"Content-Type": "image/png"}


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[Installation]:
    """Its address is plain, so that cookies come back."""
    async with connected(database_url) as opened:
        yield opened


async def text(home: Installation, path: str) -> str:
    async with home.session.get(home.url + path) as answer:
        assert answer.status == 200
        return await answer.text()


async def logos(home: Installation, path: str) -> list[str]:
    """Where the pictures of the marketplace are that a page shows, as icon and in its head."""
    return re.findall(r'(?:src|href)="((?:/portal|/store)/static/logo[^"]*)"', await text(home, path))


async def test_a_logo_and_a_colour_are_given_on_the_page(home: Installation) -> None:
    async with Customer(home.url) as operator:
        await signed_in(home, operator, "operator")
        page = await operator.open(AT)
        words = page.form("name", "accentColor", "logo")
        page = await operator.upload(words, "logo", png(64, 32), "image/png")
        assert (page.status, "Saved." in page.text) == (200, True)
        for path in ("/portal/sign-in", "/store"):
            found = await logos(home, path)
            assert len(found) == 2
            assert "logo?" in found[0], "browsers show a new one at once"
            async with home.session.get(home.url + found[0]) as answer:
                assert answer.content_type == "image/png"
                assert (await answer.read()).startswith(b"\x89PNG")
        page = await operator.upload(words, "logo", b"<svg/>", "image/svg+xml")
        assert (page.status, "no picture that can be read" in page.text) == (422, True)
        assert home.services.branding.uploaded

        page = await operator.send(words, {"name": "Fabrikam Market", "accentColor": "#AA2200"})
        assert page.status == 200
        assert "Fabrikam Market" in await text(home, "/store")
        for door, variable in (("portal", "--tblr-primary: #aa2200"), ("store", "--pico-primary: light-dark(#aa2200")):
            at = f"/{door}/static/accent.css"
            assert f"{at}?aa2200" in await text(home, "/portal/sign-in" if door == "portal" else "/store")
            assert variable in await text(home, at)
        page = await operator.send(words, {"name": "Fabrikam Market", "accentColor": "red;}"})
        assert (page.status, "such as #0b5cab" in page.text) == (422, True)
        page = await operator.send(words, {"name": " ", "accentColor": "#00aa22"})
        assert page.status == 422
        assert (str(home.services.marketplace), home.services.branding.accent) == ("Fabrikam Market", "#aa2200")

        (removing,) = [form for form in (await operator.open(AT)).forms if form.action.endswith("/logo/remove")]
        await operator.send(removing, {})
        await operator.send(words, {"name": "Fabrikam Market", "accentColor": ""})
    assert await logos(home, "/store") == []
    assert "accent.css" not in await text(home, "/store")
    acts = await home.services.storage.read(lambda conn: list(conn.scalars(sa.select(t.audit.c.act))))
    assert {"marketplace.accent", "marketplace.logo", "marketplace.name"} <= set(acts)


async def test_pages_of_contacts_and_the_documentation_show_them(home: Installation) -> None:
    assert await text(home, "/docs/accent.css") == ""
    assert 'href="accent.css"' in await text(home, "/docs/")
    async with home.session.get(f"{home.url}/contacts/lkc_over") as answer:
        assert "accent.css" not in await answer.text()
    await home.services.branding.change(accent="#aa2200", logo=png(9, 9), by="test")
    for path, status in (("/contacts/lkc_over", 404), ("/docs/nothing-there.html", 404), ("/docs/api", 200)):
        async with home.session.get(home.url + path) as answer:
            page = await answer.text()
        assert answer.status == status
        (address,) = re.findall(r'href="([^"]*accent\.css\?aa2200)"', page)
        assert "--pico-primary: light-dark(#aa2200, #" in await text(home, address), path
        if path.startswith("/contacts"):
            for logo in re.findall(r'(?:src|href)="(/contacts/static/logo[^"]*)"', page):
                async with home.session.get(home.url + logo) as answer:
                    assert answer.content_type == "image/png"
    style = await text(home, "/docs/accent.css")
    assert "--md-primary-fg-color: #aa2200" in style
    assert style.count("--md-typeset-a-color") == 2, "in either theme"


async def test_the_api_gives_them_and_another_process_sees_them(home: Installation) -> None:
    operator = await home.visitor("operator")
    usual = (await operator.get(API)).json()
    assert (usual["accentColor"], usual["logo"], usual["logoIsSet"]) == (None, None, False)
    changed = (await operator.put(API, {"name": "Fabrikam", "accentColor": "#AA2200"})).json()
    assert (changed["name"], changed["accentColor"]) == ("Fabrikam", "#aa2200")
    there = Branding(home.services.storage, home.services.marketplace)
    await there.look()
    assert (there.accent, there.logo) == ("#aa2200", None)
    logo = await operator.call("PUT", f"{API}/logo", data=png(64, 32), headers=PNG)
    assert "/store/static/logo?" in logo.json()["logo"]
    await there.look()
    assert there.logo == home.services.branding.logo is not None
    assert (await operator.put(API, {"accentColor": ""})).json()["accentColor"] is None
    assert (await operator.get(API)).json()["name"] == "Fabrikam", "what is left out stays"
    assert (await operator.delete(f"{API}/logo")).status == 204
    (await operator.delete(f"{API}/logo")).problem(404, "not-found")
    await there.look()
    assert (there.accent, there.logo, there.mark) == ("", None, "")
    (await operator.put(API, {"accentColor": "red"})).problem(422, "invalid-request")
    (await operator.call("PUT", f"{API}/logo", data=b"<svg/>", headers=PNG)).problem(422, "invalid-request")


async def test_publishers_do_neither_read_nor_change_them(home: Installation) -> None:
    publisher = await home.visitor("publisher:contoso")
    for answer in (
        await publisher.get(API),
        await publisher.put(API, {"accentColor": "#aa2200"}),
        await publisher.call("PUT", f"{API}/logo", data=png(8, 8), headers=PNG),
        await publisher.delete(f"{API}/logo"),
    ):
        answer.problem(403, "forbidden")
    async with Customer(home.url) as member:
        await signed_in(home, member, "publisher:contoso")
        assert (await member.open(AT)).status == 404


async def test_a_setting_holds_and_the_page_says_so(tmp_path: Path) -> None:
    file = tmp_path / "logo.png"
    file.write_bytes(png(64, 32))
    url = f"sqlite+aiosqlite:///{tmp_path / 'new.db'}"
    given: dict[str, Any] = {"public_url": "http://leads.example", "marketplace_name": "Fabrikam"}
    given |= {"logo_file": file, "accent_color": "#0A7A3C"}
    async with installation(url, **given) as home, Customer(home.url) as operator:
        await home.services.branding.change(accent="#aa2200", logo=png(9, 9), by="test")
        assert home.services.branding.accent == "#0a7a3c"
        assert home.services.branding.logo is not None
        assert home.services.branding.logo.body == file.read_bytes()
        await signed_in(home, operator, "operator")
        page = await operator.open(AT)
        for name in ("LEADKEEPER_LOGO_FILE", "LEADKEEPER_ACCENT_COLOR", "LEADKEEPER_MARKETPLACE_NAME"):
            assert f"The setting {name} holds" in page.text
        assert [form.action for form in page.forms if form.action.startswith(f"{AT}/logo")] == []
        shown = (await (await home.visitor("operator")).get(API)).json()
        assert (shown["nameIsSet"], shown["accentColorIsSet"], shown["logoIsSet"]) == (True, True, True)


async def test_a_damaged_picture_is_as_none(home: Installation) -> None:
    await home.services.branding.change(logo=png(9, 9), by="test")
    spoiled = sa.update(t.installation).where(t.installation.c.name == "marketplaceLogoPicture").values(value="?")
    await home.services.storage.write(lambda conn: conn.execute(spoiled).rowcount)
    there = Branding(home.services.storage, home.services.marketplace)
    await there.look()
    assert (there.logo, there.mark) == (None, "")


async def test_all_is_changed_in_one_act_or_nothing(home: Installation) -> None:
    branding, name = home.services.branding, home.services.marketplace

    async def acts() -> list[str]:
        query = sa.select(t.audit.c.act).where(t.audit.c.act.startswith("marketplace.")).order_by(t.audit.c.id)
        return await home.services.storage.read(lambda conn: list(conn.scalars(query)))

    await branding.change(name="Fabrikam  Market", accent="#AA2200", logo=png(9, 9), by="test")
    assert (str(name), branding.accent, branding.uploaded) == ("Fabrikam Market", "#aa2200", True)
    assert await acts() == ["marketplace.name", "marketplace.accent", "marketplace.logo"]
    await branding.change(name="Fabrikam Market", accent="#aa2200", logo=png(9, 9), by="test")
    assert len(await acts()) == 3, "what is the same is no change"
    for wrong in ({"name": " "}, {"accent": "red"}, {"logo": b"<svg/>"}, {"logo": b""}):
        given: dict[str, Any] = {"name": "Another", "accent": "#00aa22", "logo": png(8, 8)} | wrong
        with pytest.raises(Problem) as refused:
            await branding.change(**given, by="test")
        assert len(refused.value.errors) == 1
        assert (str(name), branding.accent) == ("Fabrikam Market", "#aa2200")
    with pytest.raises(Problem) as refused:
        await branding.change(name="", accent="red", logo=b"", by="test")
    assert [error.field for error in refused.value.errors] == ["name", "accentColor", "logo"], "all are named at once"
    assert len(await acts()) == 3
    there = Branding(home.services.storage, name)
    await there.look()
    assert there.logo == branding.logo


async def test_the_page_refuses_all_where_one_cannot_be_taken(home: Installation) -> None:
    async with Customer(home.url) as operator:
        await signed_in(home, operator, "operator")
        form = (await operator.open(AT)).form("name", "accentColor", "logo")
        form.values |= {"name": "Fabrikam Market", "accentColor": "red"}
        page = await operator.upload(form, "logo", png(64, 32), "image/png")
        assert page.status == 422
        assert 'value="Fabrikam Market"' in page.html, "what was entered stays"
    assert not home.services.branding.uploaded
    assert not home.services.marketplace.is_given


async def test_what_fails_half_way_leaves_all_as_it_was(home: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(conn: sa.Connection, at: int, who: str, act: str, subject: str, detail: str) -> None:
        raise RuntimeError(act)

    monkeypatch.setattr("leadkeeper.publishing.branding.note", refuses)  # the second of three things that are written
    with pytest.raises(RuntimeError, match=r"marketplace\.accent"):
        await home.services.branding.change(name="Fabrikam", accent="#aa2200", logo=png(9, 9), by="test")
    monkeypatch.undo()
    name = MarketplaceName(home.services.storage)
    there = Branding(home.services.storage, name)
    await name.look()
    await there.look()
    assert (str(name), there.accent, there.uploaded) == ("Marketplace", "", False)
    assert (str(home.services.marketplace), home.services.branding.accent) == ("Marketplace", "")
