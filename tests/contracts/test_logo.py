"""The marketplace's logo on the pages of portal and storefront."""

from __future__ import annotations

from pathlib import Path

import pytest

from leadkeeper.settings import Settings
from tests.in_process import Installation, installation
from tests.pictures import png


async def picture(home: Installation, path: str) -> tuple[int, str, str, bytes]:
    async with home.session.get(home.url + path) as answer:
        headers = answer.headers
        return answer.status, headers["Content-Type"], headers["X-Content-Type-Options"], await answer.read()


async def page(home: Installation, path: str) -> str:
    async with home.session.get(home.url + path) as answer:
        return await answer.text()


async def test_the_operators_logo_is_shown_as_what_it_is(tmp_path: Path) -> None:
    file = tmp_path / "logo"
    file.write_bytes(png(64, 32))
    async with installation(f"sqlite+aiosqlite:///{tmp_path / 'new.db'}", logo_file=file) as home:
        for door, path in (("/portal", "/portal/sign-in"), ("/store", "/store")):
            logo = f"{door}/static/logo"
            assert await picture(home, logo) == (200, "image/png", "nosniff", file.read_bytes())
            html = await page(home, path)
            assert f'<link rel="icon" href="{logo}">' in html
            assert f'<img class="logo" src="{logo}"' in html


async def test_without_one_the_portal_shows_ours_and_the_storefront_none(tmp_path: Path) -> None:
    async with installation(f"sqlite+aiosqlite:///{tmp_path / 'new.db'}") as home:
        status, media_type, sniff, _ = await picture(home, "/portal/static/logo")
        assert (status, media_type, sniff) == (200, "image/svg+xml", "nosniff")
        assert "logo" not in await page(home, "/store")
        async with home.session.get(home.url + "/store/static/logo") as answer:
            assert answer.status == 404


def test_a_wrong_file_stops_the_start(tmp_path: Path) -> None:
    file = tmp_path / "logo.svg"
    file.write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    with pytest.raises(ValueError, match="a logo is a PNG or a WebP file"):
        Settings(logo_file=file)
