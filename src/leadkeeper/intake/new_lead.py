"""A lead as doors hand it in. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from leadkeeper.intake.consent import Consent
from leadkeeper.intake.texts import texts_within
from leadkeeper.lead import Customer
from leadkeeper.lead_body import to_body
from leadkeeper.offer import OfferRef


@dataclass(frozen=True, slots=True)
class NewLead:
    """A lead as a door hands it in; texts are already clean (see ``intake.texts``)."""

    offer: OfferRef
    source: str
    action: str
    customer: Customer = Customer()
    description: str = ""
    campaign: str = ""
    extra: Mapping[str, object] = field(default_factory=dict)
    idempotency_key: str | None = None
    names_message: bool = False
    """The key is the name of a message, as ``webhook-id`` is: who sends it again may word it otherwise by then (the
    offer has another title, the source another spelling), and what is compared is what the customer is and wrote."""
    preview: bool = False
    """Made by somebody who looks at the offer's preview: taken although the offer is not live yet."""
    hops: int = 0
    """How often installations like this one passed it on before it came here."""
    consent: Consent | None = None

    def content(self) -> dict[str, object]:
        """All that may be personal, in one place: what repeats under an idempotency key are compared by."""
        c = self.customer
        who = {"firstName": c.first_name, "lastName": c.last_name, "email": c.email, "phone": c.phone}
        return {
            "customer": who | {"country": c.country, "company": c.company, "title": c.title},
            "description": self.description,
            "campaign": self.campaign,
            "extra": dict(self.extra),
        }

    def body(self) -> str:
        """The same as it is stored; see ``lead_body``."""
        return to_body(self.customer, self.description, self.campaign, self.extra)

    def texts(self) -> Iterator[str]:
        """Every text that would be kept of the lead, the keys of ``extra`` and its own key among them."""
        c = self.customer
        yield from (c.first_name, c.last_name, c.email, c.phone, c.country, c.company, c.title)
        yield from (self.source, self.action, self.description, self.campaign, self.idempotency_key or "")
        yield from texts_within(self.extra)
