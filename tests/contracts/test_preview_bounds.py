"""A preview's answer is bounded, whatever the fields and the lead are."""

from __future__ import annotations

from tests.in_process import OFFER, Installation


async def test_a_template_bomb_makes_a_small_answer(home: Installation) -> None:
    publisher = await home.visitor("publisher:contoso")
    fields = {f"field{number}": "{description}" * 300 for number in range(10)}
    settings = {
        "leadDestination": "marketo",
        "marketoLeadConfiguration": {
            "serverId": "app-ys12",
            "munchkinId": "123-PQR-789",
            "formId": "1179",
            "clientId": "0f1c2d3e-aaaa-4bbb-8ccc-1234567890ab",
            "clientSecret": "AbCdEf0123456789AbCdEf0123456789",
            "fields": fields,
        },
    }
    put = await publisher.put(f"{OFFER}/connections/bomb", settings)
    assert put.status == 201, put.body
    body = {"source": "SPZA", "action": "PLT", "description": "x" * 60_000}
    answer = await publisher.post(f"{OFFER}/connections/bomb/preview", body)
    assert answer.status == 200, answer.body[:500]
    assert len(answer.body) < 1_000_000
    assert any("cut to" in note for note in answer.json()["notes"])
