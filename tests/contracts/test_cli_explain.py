"""By command: an error explained, as it is typed, pasted or piped."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from tests.contracts.commands import Call, call

__all__ = ["call"]


def test_explain_tells_cause_steps_and_where_to_read_on(call: Call) -> None:
    message = call("explain", "AADSTS7000222: the provided client secret keys are expired")
    assert (message.code, message.err) == (0, "")
    assert message.out.startswith("clientSecretExpired, recognized by AADSTS7000222 (Microsoft Entra ID)\n")
    assert "has expired. Who acts: publisher." in message.out
    assert "1. In the same application open 'Certificates & secrets'" in message.out
    assert "http://127.0.0.1:8700/docs/reference/diagnoses.html#clientsecretexpired" in message.out
    assert not list(Path().iterdir()), "explaining touched the folder"


@pytest.mark.parametrize(
    ("typed", "kind"),
    [
        (("-2147220960",), "createPrivilegeMissing"),
        (("HTTP", "413"), "leadTooLarge"),
        (("Locatário não", "encontrado."), "tenantNotFound"),
        (("--", "--json", "606"), "marketoRateLimit"),
    ],
)
def test_explain_takes_what_is_typed(typed: tuple[str, ...], kind: str, call: Call) -> None:
    message = call("explain", *typed)
    assert message.code == 0
    assert message.out.startswith(f"{kind}, ")
    assert call("explain", "--json", *typed).json["explanations"][0]["kind"] == kind


def test_explain_reads_standard_input(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    for pasted in (b'{"errorCode": "INVALID_SESSION_ID"}', b"\xff\xfe INVALID_SESSION_ID \0"):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(pasted)))
        assert call("explain", "-", "--json").json["explanations"][0]["kind"] == "salesforceSessionRejected"


def test_explain_says_what_to_paste(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    message = call("explain", "all is well")
    assert (message.code, message.out) == (1, "")
    assert "Paste the whole error" in message.line
    assert call("explain", "all is well", "--json").json == {"explanations": []}
    monkeypatch.setenv("LEADKEEPER_LANGUAGE", "pt")
    assert "Cole o erro inteiro" in call("explain", "all is well").line
    assert call("explain").code == 2
