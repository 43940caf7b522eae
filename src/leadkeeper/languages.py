"""The languages that there are: English, and one for each folder of ``locale`` that holds a catalogue.

Catalogues are read as they are written, ``.po``, when a process starts: nothing has to be compiled after a text was
changed, none can be older than its source, and a new language is one file in a checkout and in an installed package
alike. Reading costs some milliseconds a language, once.
"""

from __future__ import annotations

import functools
from gettext import GNUTranslations
from importlib import resources
from io import BytesIO
from pathlib import Path
from typing import Final

from leadkeeper.texts import ENGLISH, Language, Languages

LOCALE: Final = Path(str(resources.files("leadkeeper"))) / "locale"
DOMAIN: Final = "leadkeeper"


def read_languages(folder: Path = LOCALE) -> Languages:
    """English and every language with a catalogue in ``folder`` in which something is translated, by its code."""
    files = sorted(folder.glob(f"*/LC_MESSAGES/{DOMAIN}.po"))
    read = [(file.parent.parent.name.replace("_", "-"), read_catalogue(file)) for file in files]
    return Languages((ENGLISH, *(Language(code, texts) for code, texts in read if texts is not None)))


def read_catalogue(file: Path) -> GNUTranslations | None:
    """The texts of a ``.po`` file; nothing of one without a single text. Fuzzy entries do not count.

    Raises ``ValueError`` for what is no such file.
    """
    from babel.messages.mofile import write_mo  # noqa: PLC0415 - only whoever reads catalogues pays for it
    from babel.messages.pofile import read_po  # noqa: PLC0415

    with file.open("rb") as source:
        catalogue = read_po(source, locale=file.parent.parent.name, domain=DOMAIN, abort_invalid=True)
    if not any(message.id and message.string and not message.fuzzy for message in catalogue):
        return None
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)


@functools.cache
def installed() -> Languages:
    """The languages of this package, read once. Doors are given theirs; this is for who puts them together."""
    return read_languages()
