"""Whose data are not passed on: customers of withheld mail domains, by default ``.edu``. Pure.

Source: ``facts/microsoft-leads.md`` 6. Which domains that means exactly is nowhere stated, so it is a setting.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self

_DOMAINS: Final = re.compile(r"[@\uff20]([\w.\-\u3002\uff0e\uff61]+)")
"""What follows an at sign as far as it can be a domain: whatever stands behind it must not hide the domain."""
_DOTS: Final = str.maketrans("\u3002\uff0e\uff61", "...")
_ENTRY: Final = re.compile(r"\.?[^\s@.,]+(\.[^\s@.,]+)*")


@dataclass(frozen=True, slots=True)
class Withholding:
    """Domains in lower case: ``suffixes`` with all below them, ``exact`` by themselves."""

    suffixes: tuple[str, ...] = ()
    exact: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read domains with commas between them: ``.edu`` is a suffix, ``contoso.org`` one domain.

        Raises ``ValueError`` that names the first entry which is neither.
        """
        entries = [entry.strip().casefold() for entry in text.split(",") if entry.strip()]
        for entry in entries:
            if not _ENTRY.fullmatch(entry):
                raise ValueError(f"{entry!r} is no mail domain; use .edu for a suffix, contoso.org for one domain")
        return cls(
            tuple(_ascii(entry) for entry in entries if entry.startswith(".")),
            frozenset(_ascii(entry) for entry in entries if not entry.startswith(".")),
        )

    def withholds(self, email: str) -> bool:
        """Whether a customer with this address is one whose data are not passed on.

        An address that is none, or several in one text, is searched for every domain that it names.
        """
        return (bool(self.suffixes) or bool(self.exact)) and any(map(self._names, _DOMAINS.findall(email)))

    def _names(self, domain: str) -> bool:
        plain = _ascii(domain.translate(_DOTS).casefold().strip("."))
        return plain in self.exact or plain.endswith(self.suffixes)


def _ascii(domain: str) -> str:
    """The domain as mail servers write it, if it can be written so."""
    if domain.isascii():
        return domain
    try:
        return ".".join(_label(label) for label in domain.split("."))
    except UnicodeError:
        return domain


def _label(label: str) -> str:
    return label.encode("idna").decode().casefold() if label else ""


NOTHING_WITHHELD: Final = Withholding()
