"""Every number that the program sorts can be had from the stand-in of Entra, in Microsoft's words."""

from __future__ import annotations

import pytest

from leadkeeper.sandbox.entra.errors import STATES
from leadkeeper.sandbox.entra.stand_in import Entra
from leadkeeper.sandbox.server import Sandbox
from tests.contracts.microsoft import CLIENT, LOGIN, ask_token
from tests.contracts.sandbox_caller import Caller
from tests.contracts.test_entra_codes import MET

WORDS = {
    50144: "Active Directory password has expired",
    530035: "blocked by security defaults",
    90038: "belongs to the National Cloud",
    700011: "was not found in the directory",
    90006: "temporarily unavailable",
    90012: "has timed out",
    90024: "A transient error has occurred",
    80001: "unable to connect to Active Directory",
    80002: "Password validation request timed out",
    80005: "response from the Authentication Agent",
    80014: "maximum elapsed time exceeded",
}


def codes() -> dict[int, str]:
    """Each number and a state that answers it."""
    return {each.error.code: name for name, each in STATES.items() if each.error.code is not None}


def test_every_number_that_is_sorted_can_be_switched_on() -> None:
    answered = codes().keys()
    assert [code for code in MET if code not in answered] == []


@pytest.mark.parametrize(("code", "words"), WORDS.items())
async def test_words(call: Caller, sandbox: Sandbox, code: int, words: str) -> None:
    state = codes()[code]
    sandbox.stand_in(Entra).choose(state)
    form = CLIENT if "client_credentials" in STATES[state].grants else LOGIN
    reply = await ask_token(call, form)
    assert reply.status >= 400
    assert reply.json["error_codes"] == [code]
    assert reply.json["error_description"].startswith(f"AADSTS{code}: ")
    assert words in reply.json["error_description"]


@pytest.mark.parametrize("state", [name for name in STATES if name.startswith("code")])
async def test_each_code_answers_whom_it_is_for(call: Caller, sandbox: Sandbox, state: str) -> None:
    sandbox.stand_in(Entra).choose(state)
    for grant, form in (("client_credentials", CLIENT), ("password", LOGIN)):
        reply = await ask_token(call, form)
        if grant not in STATES[state].grants:
            assert reply.status == 200
            continue
        code = int(state.removeprefix("code"))
        assert (reply.status in {400, 401, 500, 503}, reply.json["error_codes"]) == (True, [code])
        assert reply.json["error_description"].startswith(f"AADSTS{code}: ")


@pytest.mark.parametrize("code", [50144, 530035, 80001, 80002, 80005, 80014])
async def test_what_only_people_meet(call: Caller, sandbox: Sandbox, code: int) -> None:
    sandbox.stand_in(Entra).choose(codes()[code])
    assert (await ask_token(call)).status == 200
    assert (await ask_token(call, LOGIN)).status >= 400


async def test_a_fault_can_come_with_another_status(call: Caller, sandbox: Sandbox) -> None:
    entra = sandbox.stand_in(Entra)
    entra.choose(codes()[90006])
    entra.status = 400
    reply = await ask_token(call)
    assert (reply.status, reply.json["error_codes"]) == (400, [90006])
    entra.reset()
    assert (await ask_token(call)).status == 200
