"""Dynamics 365: what a check proves and a preview shows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from leadkeeper.check import Check
from leadkeeper.destinations.dynamics.diagnoses import DynamicsKind
from leadkeeper.destinations.interface import Previews
from leadkeeper.diagnosis import AnyKind, Kind, Outcome
from leadkeeper.network.entra.diagnoses import EntraKind
from leadkeeper.sandbox import faults
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.faults import Fault
from tests.contracts.faults import LEAD, PASSING
from tests.contracts.remote_dynamics import (
    COLUMNS,
    LENGTHS,
    MEMOS,
    OPTIONS,
    PRIVILEGE,
    PRIVILEGES,
    RELATIONS,
    SETTINGS,
    Remote,
    dynamics,
    lengths,
    message,
    refused,
    remote_side,
    sign_in_refused,
)


@pytest.fixture
async def remote(authority: Authority) -> AsyncIterator[Remote]:
    async with remote_side(authority) as side:
        yield side


async def checked(remote: Remote, **settings: Any) -> tuple[Check, dict[str, bool | None]]:
    check = await dynamics(remote, **settings).check()
    assert not [request for request in remote.server.received if request.method in ("PATCH", "DELETE", "PUT")]
    assert not remote.seen("POST leads")
    return check, {step.name: step.ok for step in check.steps}


REACHED = {"address": True, "name": True, "network": True, "tls": True}


async def test_a_check_proves_all_that_can_be(remote: Remote) -> None:
    names = [{"LogicalName": name} for name in (*SETTINGS, "subject", "firstname", "lastname", "emailaddress1")]
    names += [{"LogicalName": name} for name in ("telephone1", "companyname", "jobtitle", "address1_country")]
    names += [{"LogicalName": name} for name in ("description", "leadsourcecode")]
    remote.answers |= {
        PRIVILEGE: [message(200, {"RolePrivileges": [{"Depth": "Global"}]})],
        COLUMNS: [message(200, {"value": names})],
        OPTIONS: [message(200, {"OptionSet": {"Options": [{"Value": 1}, {"Value": 8}]}})],
        RELATIONS: [message(200, {"value": [{"ReferencingEntityNavigationPropertyName": "campaignid"}]})],
    }
    check, steps = await checked(remote, fields={"campaignid@odata.bind": "/campaigns(x)"})
    assert check.ok
    assert steps == {**REACHED, "token": True, "membership": True, "create": True, "fields": True}


async def test_what_cannot_be_proven_is_said_so(remote: Remote) -> None:
    check, steps = await checked(remote)
    assert check.ok
    assert steps == {**REACHED, "token": True, "membership": True, "create": None, "fields": None}


@pytest.mark.parametrize(
    ("rows", "summary"), [([{"PrivilegeName": "prvCreateLead"}], True), ([{"PrivilegeName": "prvReadLead"}], None)]
)
async def test_the_list_of_privileges_proves_only_what_is_in_it(
    remote: Remote, rows: list[dict[str, str]], summary: bool | None
) -> None:
    remote.answers[PRIVILEGES] = [message(200, {"RolePrivileges": rows})]
    check, steps = await checked(remote)
    assert steps["create"] is summary
    assert check.ok


@pytest.mark.parametrize(
    ("answers", "step", "kind"),
    [
        ({"token": sign_in_refused(7000222, "invalid_client", 401)}, "token", EntraKind.CLIENT_SECRET_EXPIRED),
        ({"token": faults.answer(503)}, "token", Kind.SERVER_ERROR),
        ({"GET WhoAmI": refused(403, "0x80072560")}, "membership", DynamicsKind.USER_NOT_MEMBER),
        ({"GET WhoAmI": refused(403, "0x80042f09")}, "membership", DynamicsKind.NO_SECURITY_ROLE),
        ({"GET WhoAmI": faults.answer(401)}, "membership", DynamicsKind.TOKEN_REJECTED),
        ({"GET WhoAmI": refused(400, "0x80040203")}, "membership", DynamicsKind.ADDRESS_WRONG),
        ({"GET WhoAmI": faults.html(404)}, "membership", DynamicsKind.ADDRESS_WRONG),
        ({"GET WhoAmI": faults.html(200)}, "membership", Kind.ANSWER_NOT_UNDERSTOOD),
        ({"GET WhoAmI": message(200, {"UserId": "../../x"})}, "membership", Kind.ANSWER_NOT_UNDERSTOOD),
        ({"GET WhoAmI": faults.hang}, "membership", DynamicsKind.NO_ANSWER),
        ({"GET WhoAmI": faults.reset_before_answer}, "membership", DynamicsKind.NO_ANSWER),
        ({PRIVILEGE: message(200, {"RolePrivileges": []})}, "create", DynamicsKind.CREATE_PRIVILEGE_MISSING),
        ({COLUMNS: message(200, {"value": [{"LogicalName": "subject"}]})}, "fields", DynamicsKind.FIELD_NOT_KNOWN),
    ],
)
async def test_a_check_names_the_first_thing_that_is_wrong(
    authority: Authority, answers: dict[str, Fault], step: str, kind: AnyKind
) -> None:
    seconds = PASSING if faults.hang in answers.values() else 30.0
    async with remote_side(authority, total=seconds) as remote:
        remote.answers |= {key: [fault] for key, fault in answers.items()}
        check, steps = await checked(remote)
    assert check.diagnosis is not None
    assert check.diagnosis.kind is kind
    assert list(steps)[-1] == step
    assert steps[step] is False
    assert check.diagnosis.outcome in (Outcome.BROKEN, Outcome.FAILED)


async def test_a_check_finds_an_option_that_is_not_there(remote: Remote) -> None:
    names = [{"LogicalName": "subject"}, {"LogicalName": "leadsourcecode"}]
    gone = dict.fromkeys(
        ("firstname", "lastname", "emailaddress1", "telephone1", "companyname", "jobtitle", "address1_country")
    )
    remote.answers |= {
        COLUMNS: [message(200, {"value": names})],
        OPTIONS: [message(200, {"OptionSet": {"Options": [{"Value": 1}, {"Value": 2}]}})],
    }
    check, steps = await checked(remote, fields=gone | {"description": None})
    assert steps["fields"] is False
    assert check.diagnosis is not None
    assert check.diagnosis.kind is DynamicsKind.PICKLIST_VALUE
    assert check.diagnosis.evidence.text == "leadsourcecode has no option 8; it has 1, 2."


async def test_nothing_listening_points_to_the_address(authority: Authority) -> None:
    async with remote_side(authority) as remote:
        await remote.server.aclose()
        check, _ = await checked(remote)
    assert check.diagnosis is not None
    assert (check.diagnosis.kind, check.diagnosis.outcome) == (DynamicsKind.NO_ANSWER, Outcome.FAILED)


# Preview


async def test_a_preview_sends_nothing_and_says_what_is_lacking(remote: Remote) -> None:
    remote.answers |= {
        LENGTHS: [lengths(companyname=4)],
        MEMOS: [lengths(description=2000)],
        COLUMNS: [message(200, {"value": [{"LogicalName": "companyname"}, {"LogicalName": "subject"}]})],
    }
    fields = {**dict.fromkeys(("description", "jobtitle", "firstname", "lastname", "telephone1")), "new_x": 1}
    destination = dynamics(remote, fields=fields | {"address1_country": None, "emailaddress1": None})
    assert isinstance(destination, Previews)
    preview = await destination.preview(LEAD)
    assert preview.record == {
        "subject": "CRM for everybody (INS)",
        "companyname": "Nort",
        "leadsourcecode": 8,
        "new_x": 1,
    }
    assert preview.notes == (
        "companyname cut from 9 to 4 characters",
        "leadsourcecode does not exist in this environment",
        "new_x does not exist in this environment",
    )
    assert {request.method for request in remote.server.received if "oauth2" not in request.target} == {"GET"}


async def test_a_preview_without_an_environment_goes_by_the_usual(remote: Remote) -> None:
    remote.answers["token"] = [sign_in_refused(7000215, "invalid_client", 401)]
    preview = await dynamics(remote).preview(LEAD)
    assert preview.record["lastname"] == "Quimby"
    assert len(preview.notes) == 1
    assert "usual" in preview.notes[0]
