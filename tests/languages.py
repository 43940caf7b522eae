"""The languages that tests speak, and one that nobody made: begun by ``pybabel`` and filled in by rule."""

from __future__ import annotations

import functools
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.frontend import CommandLineInterface
from babel.messages.pofile import read_po, write_po

from leadkeeper.languages import DOMAIN, read_languages
from leadkeeper.texts import Languages

ROOT: Final = Path(__file__).parents[1]
LANGUAGES: Final = read_languages()
PORTUGUESE: Final = LANGUAGES.every[1]
assert PORTUGUESE.code == "pt"


def extract(template: Path) -> Catalog:
    """The texts of the sources, gathered into ``template`` as ``make texts`` gathers them."""
    template.write_bytes(_extracted())
    with template.open("rb") as file:
        return read_po(file)


@functools.cache
def _extracted() -> bytes:
    """Gathered once for a process: that reads every source."""
    words = (ROOT / "scripts/texts").read_text(encoding="utf-8").partition("--keywords ")[2].partition('"')[2]
    keywords = words.partition('"')[0]
    call = ["pybabel", "--quiet", "extract", "--mapping", str(ROOT / "scripts/babel.cfg"), "--keywords", keywords]
    with TemporaryDirectory() as folder:
        template = Path(folder) / "texts.pot"
        CommandLineInterface().run([*call, "--output", str(template), str(ROOT / "src/leadkeeper")])
        return template.read_bytes()


def made_up(folder: Path, code: str = "eo") -> Languages:
    """English and a new language whose every text is the English one between ``«`` and ``»``, kept in ``folder``."""
    template = folder / "texts.pot"
    extract(template)
    call = ["pybabel", "--quiet", "init", "--domain", DOMAIN, "--input-file", str(template)]
    CommandLineInterface().run([*call, "--output-dir", str(folder), "--locale", code])
    path = folder / code / "LC_MESSAGES" / f"{DOMAIN}.po"
    with path.open("rb") as file:
        catalogue = read_po(file, locale=code, domain=DOMAIN)
    for message in catalogue:
        if isinstance(message.id, tuple):
            message.string = tuple(f"«{message.id[min(number, 1)]}»" for number in range(catalogue.num_plurals))
        elif message.id:
            message.string = f"«{message.id}»"
    with path.open("wb") as file:
        write_po(file, catalogue)
    return read_languages(folder)
