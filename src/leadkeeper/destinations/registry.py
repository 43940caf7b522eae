"""The destinations that an installation has: ours, and those of packages that its operator names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from leadkeeper.destinations.absent import absent
from leadkeeper.destinations.azure_blob.provider import AZURE_BLOB
from leadkeeper.destinations.azure_table.provider import AZURE_TABLE
from leadkeeper.destinations.dynamics.provider import DYNAMICS
from leadkeeper.destinations.email.provider import EMAIL
from leadkeeper.destinations.https_endpoint.provider import HTTPS_ENDPOINT
from leadkeeper.destinations.hubspot.provider import HUBSPOT
from leadkeeper.destinations.interface import Provider
from leadkeeper.destinations.marketo.provider import MARKETO
from leadkeeper.destinations.salesforce.provider import SALESFORCE
from leadkeeper.diagnosis import AnyKind, Kind
from leadkeeper.mail.diagnoses import MailKind
from leadkeeper.network.entra.diagnoses import EntraKind


class Destinations:
    """What one installation can connect to. It never changes; ``app`` makes it and hands it to the services.

    Raises ``ValueError`` where two providers have a name in common, their own or one of Microsoft's.
    """

    def __init__(self, providers: Iterable[Provider]) -> None:
        self.all: Final = tuple(providers)
        self._by_name: Final = {each.name: each for each in self.all}
        self._by_lead_destination: Final = {each.lead_destination: each for each in self.all}
        for names in (
            [each.name for each in self.all],
            [each.lead_destination.casefold() for each in self.all],
            [each.config_key.casefold() for each in self.all],
            [each.microsoft.cloud_partner.casefold() for each in self.all],
            [each.microsoft.cloud_partner_key.casefold() for each in self.all],
            [each.config.__name__ for each in self.all],  # the name of its schema
        ):
            _require_once(names)
        lists: tuple[type[AnyKind], ...] = (
            Kind,
            EntraKind,
            MailKind,
            *(kinds for each in self.all for kinds in each.kinds),
        )
        self.kinds: Final[Sequence[AnyKind]] = tuple(kind for kinds in dict.fromkeys(lists) for kind in kinds)
        """Every cause that a diagnosis of this installation may name: the API's closed list."""
        self.if_not_found: Final = frozenset(each.if_not_found for each in self.all if each.if_not_found is not None)
        """What connections are broken with whose test lead somebody did not find."""

    def __iter__(self) -> Iterator[Provider]:
        return iter(self.all)

    @property
    def names(self) -> Sequence[str]:
        """Their names, as connections store them."""
        return tuple(self._by_name)

    @property
    def choices(self) -> Sequence[str]:
        """Their names in ``customer-leads``."""
        return tuple(self._by_lead_destination)

    def find(self, name: str) -> Provider | None:
        """The provider of that name."""
        return self._by_name.get(name)

    def named(self, name: str) -> Provider:
        """The provider of that name; one that only says that it is not installed where there is none."""
        return self._by_name.get(name) or absent(name)

    def title(self, name: str) -> str:
        """What people call the provider of that name; the name itself where it is not installed."""
        provider = self.find(name)
        return name if provider is None else provider.title

    def taking(self, lead_destination: str) -> Provider | None:
        """The provider that ``customer-leads`` calls so."""
        return self._by_lead_destination.get(lead_destination)

    def name_of(self, text: str) -> str | None:
        """The stored name of the provider that is called ``text``, by that name or by ``customer-leads``' one."""
        found = self.find(text) or self.taking(text)
        return None if found is None else found.name


def _require_once(names: Sequence[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"two destinations are called {twice[0]}")


OURS: Final = Destinations(
    (
        AZURE_TABLE,
        AZURE_BLOB,
        DYNAMICS,
        HTTPS_ENDPOINT,
        MARKETO,
        SALESFORCE,
        HUBSPOT,
        EMAIL,
    )
)
"""The destinations of this package."""
