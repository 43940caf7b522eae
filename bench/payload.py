"""The lead that every measurement hands in: of an everyday size, each by another customer."""

from __future__ import annotations

import json
from typing import Final

PUBLISHER: Final = "contoso"
CUSTOMERS: Final = 997
"""How many customers take turns: enough that no index sees the same e-mail all the time."""

_DESCRIPTION: Final = "Would like to see a demo for forty people in two offices, and a price for a year."


def body(number: int, offer: str) -> bytes:
    """The JSON that is posted to ``/v1/leads`` for the lead of this number: about 440 bytes."""
    customer = number % CUSTOMERS
    lead = {
        "publisherId": PUBLISHER,
        "offerId": offer,
        "source": "AzureMarketplace",
        "action": "INS",
        "customer": {
            "firstName": "Ada",
            "lastName": f"Lovelace{customer}",
            "email": f"{customer * 7919 % CUSTOMERS:03d}.ada@fabrikam.example",
            "phone": "+44 20 7946 0958",
            "country": "GB",
            "company": "Fabrikam",
            "title": "Head of Analysis",
        },
        "description": _DESCRIPTION,
        "campaign": "spring",
    }
    return json.dumps(lead, separators=(",", ":")).encode()


def request(path: str, content: bytes, token: str) -> bytes:
    """``content`` as a whole HTTP/1.1 request on a connection that is kept."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


def table_batch(operations: int) -> bytes:
    """What a transaction of Azure Table's that creates ``operations`` rows weighs, for posting without the SDK."""
    row = json.dumps({"PartitionKey": "2026-01-01", "RowKey": "0" * 36, "CustomerInfo": "x" * 1_000})
    part = (
        "--changeset\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
        f"POST https://bench.table.core.windows.net/MarketplaceLeads HTTP/1.1\r\n\r\n{row}\r\n"
    )
    return (part * operations).encode()
