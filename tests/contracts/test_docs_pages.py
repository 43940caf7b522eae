"""The documentation and the API reference, served by the program itself."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from leadkeeper.catalogue import docs_of
from leadkeeper.doors.docs.app import DocsDoor
from leadkeeper.languages import installed
from leadkeeper.network.entra.diagnoses import EntraKind
from tests.in_process import Installation, Visitor, listening
from tests.languages import PORTUGUESE

DATABASES = ("sqlite",)
"""These pages hold nothing of a database."""


async def test_links_of_diagnoses_lead_to_their_heading(home: Installation) -> None:
    for language in installed():
        address = docs_of(EntraKind.CLIENT_SECRET_EXPIRED, language)
        page = await home.anyone.get(address)
        assert (page.status, page.type) == (200, "text/html"), address
        anchor = address.partition("#")[2]
        assert f'id="{anchor}"' in page.body.decode()
    assert "diagnoses.pt.html" in docs_of(EntraKind.CLIENT_SECRET_EXPIRED, PORTUGUESE)


async def test_no_page_needs_an_inline_script_or_another_host(home: Installation) -> None:
    for path in ("/docs/", "/docs/index.html", "/docs/reference/rest-api.html", "/docs/api"):
        page = await home.anyone.get(path)
        assert page.status == 200, path
        policy = page.headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        html = page.body.decode()
        assert not re.search(r"<script>|<style|\sstyle=", html), path
        for source in re.findall(r'<(?:script|link)[^>]*\s(?:src|href)="([^"]+)"', html):
            assert not re.match(r"(https?:)?//", source), (path, source)


async def test_a_page_s_scripts_and_styles_are_there(home: Installation) -> None:
    html = (await home.anyone.get("/docs/reference/rest-api.html")).body.decode()
    sources = re.findall(r'<(?:script|link)[^>]*\s(?:src|href)="([^"]+\.(?:js|css))"', html)
    assert len(sources) > 4
    for source in sources:
        assert (await home.anyone.get(f"/docs/reference/{source}")).status == 200, source
    for name in ("swagger-ui.css", "swagger-ui-bundle.js", "api.css", "api.js", "pages.css", "pico.min.css"):
        assert (await home.anyone.get(f"/docs/api/{name}")).status == 200, name


async def test_what_the_sources_link_to_leads_to_the_page(home: Installation) -> None:
    page = await home.anyone.get("/docs/reference/settings.md")
    assert (page.status, b"Mail server for notices" in page.body) == (200, True)
    vendors = await home.anyone.get("/docs/reference/vendors/README.md")
    assert vendors.status == 200
    assert (await home.anyone.get("/docs")).status == 200


@pytest.mark.parametrize("path", ["no-such.html", "../app.py", "%2e%2e/%2e%2e/app.py", "..%2fapi%2fapp.py", "x" * 5000])
async def test_nothing_else_is_served(home: Installation, path: str) -> None:
    page = await home.anyone.get(f"/docs/{path}")
    assert page.status == 404
    assert b"import" not in page.body


async def test_a_site_that_is_not_built_says_how(home: Installation, tmp_path: Path) -> None:
    door = DocsDoor(installed(), name="Market", branding=home.services.branding, site=tmp_path)
    async with listening(door.app()) as url:
        visitor = Visitor(home.session, url)
        page = await visitor.get("/docs/index.html?lang=pt")
        assert page.status == 503
        assert b"make setup" in page.body
        (tmp_path / "index.html").write_text("<h1>Built</h1>", encoding="utf-8")
        assert (await visitor.get("/docs/")).body == b"<h1>Built</h1>"


@pytest.mark.parametrize(("language", "title"), [("en", "Unauthorized"), ("pt", "Não autenticado")])
async def test_the_type_of_a_problem_and_its_link_open_their_section(
    home: Installation, language: str, title: str
) -> None:
    answer = await home.anyone.call("GET", "/v1/leads", headers={"Accept-Language": language})
    link = re.fullmatch(r'<(/docs/[^>]+)>; rel="help"', answer.headers["Link"])
    assert link
    for address, heading in ((answer.json()["type"], "Unauthorized"), (link[1], title)):
        page = await home.anyone.get(address)
        section = page.body.decode().partition(f'<h2 id="{address.partition("#")[2]}">')[2].partition("<h2")[0]
        assert f"<strong>{heading}</strong>" in section
