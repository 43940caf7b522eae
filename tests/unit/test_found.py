"""The demo finds leads at the remote systems by their id, and test leads that go without it by their address."""

from __future__ import annotations

from leadkeeper.sandbox.dynamics.place import in_dynamics
from leadkeeper.sandbox.salesforce.place import by_web_to_lead

MARKER = "MSFT_TEST_636573304831318844"
ID = "019a9e3b-7c2e-7d41-b1a5-3f0f6f3c2a11"
ADDRESS = f"{MARKER}@test.com"


def test_in_dynamics() -> None:
    described = f"Lead source: SPZA-PLT|a.b\nLead id: {ID}\n\nHello"
    rows = [
        {"leadid": "1", "description": described, "emailaddress1": "a@b.example", "writes": 1},
        {"leadid": "2", "description": MARKER, "emailaddress1": ADDRESS, "writes": 2},
        {"leadid": "3", "description": "Somebody else's", "emailaddress1": "c@b.example", "writes": 1},
    ]
    found = in_dynamics(rows)
    assert {key: (one.receipt, one.times) for key, one in found.items()} == {ID: ("lead 1", 1), ADDRESS: ("lead 2", 2)}


def test_by_web_to_lead() -> None:
    def record(number: int, description: str, email: str) -> dict[str, object]:
        fields = {"Description": description, "Email": email, "LeadSource": "x"}
        return {"id": str(number), "via": "webToLead", "status": "created", "fields": fields}

    found = by_web_to_lead(
        [
            record(1, f"Hello\n\nLead id: {ID}", "a@b.example"),
            record(2, MARKER, ADDRESS),
            record(3, MARKER, ADDRESS),
            record(4, "Hello", "c@b.example"),
        ]
    )
    assert {key: one.times for key, one in found.items()} == {ID: 1, ADDRESS: 2}
