"""Each of the eight errors of Microsoft's marketplace: made as the real service makes it, and its remedy told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from leadkeeper.clock import now_ms
from leadkeeper.destinations.dynamics.diagnoses import DynamicsKind
from leadkeeper.destinations.interface import Context
from leadkeeper.diagnosis import AnyKind
from leadkeeper.explain.microsoft_texts import MICROSOFT_TEXTS
from leadkeeper.network.client import Network, NetworkPolicy
from leadkeeper.network.entra.diagnoses import EntraKind
from leadkeeper.sandbox.server import Sandbox
from leadkeeper.texts import Language
from leadkeeper.validation.validator import Validator
from tests.contracts.cases.case import State
from tests.contracts.cases.dynamics import APPLICATION_SETTINGS, LINES, USER_SETTINGS
from tests.contracts.faults import PASSING
from tests.contracts.installation import CRM, furnished
from tests.contracts.stages import SandboxStage
from tests.languages import LANGUAGES, PORTUGUESE


@dataclass(frozen=True, slots=True)
class Notified:
    """One of the errors: what makes it, what the real service says of it, and words of the seed's remedy."""

    kind: AnyKind
    stand_in: str
    state: str
    says: str
    english: tuple[str, ...]
    portuguese: tuple[str, ...]
    settings: Mapping[str, Any] = field(default_factory=lambda: APPLICATION_SETTINGS)


ROLE = "'Microsoft Marketplace Lead Writer'"
EIGHT = (
    Notified(
        EntraKind.SIGN_IN_REJECTED,
        "entra",
        "passwordWrong",
        "invalid username or password",
        (
            "user name and password",
            "access to the system that gets the leads",
            "licence",
            "'directoryId'",
            "'applicationId'",
            "secret",
        ),
        (
            "nome de usuário",
            "senha",
            "acesso ao sistema que recebe os leads",
            "licença",
            "'directoryId'",
            "'applicationId'",
            "segredo",
        ),
        USER_SETTINGS,
    ),
    Notified(
        DynamicsKind.FIELD_PERMISSION_MISSING,
        "dynamics",
        "fieldForbidden",
        "Create permissions for the leadsourcecode attribute in the lead entity",
        (ROLE, "'Application Users'", "'Security'"),
        (ROLE, "'Security'"),
    ),
    Notified(
        EntraKind.TENANT_NOT_FOUND,
        "entra",
        "tenantMissing",
        "not found. Check to make sure you have the correct tenant ID",
        ("Azure portal", "'Properties'", "'Tenant ID'", "'directoryId'"),
        ("portal do Azure", "'directoryId'"),
    ),
    Notified(
        DynamicsKind.NO_SECURITY_ROLE,
        "dynamics",
        "noRoles",
        "SecLib::RetrievePrivilegeForUser failed - no roles are assigned to user.",
        (ROLE, "'Security'"),
        (ROLE, "'Security'"),
    ),
    Notified(
        EntraKind.APPLICATION_NOT_FOUND,
        "entra",
        "applicationUnknown",
        "was not found in the directory",
        ("'App registrations'", "'Application (client) ID'"),
        ("'App registrations'",),
    ),
    Notified(
        EntraKind.TENANT_INVALID,
        "entra",
        "tenantMalformed",
        "neither a valid DNS name, nor a valid external domain",
        ("'Tenant ID'", "'directoryId'"),
        ("'directoryId'",),
    ),
    Notified(
        EntraKind.CLIENT_SECRET_WRONG,
        "entra",
        "secretWrong",
        "Invalid client secret provided",
        ("'Certificates & secrets'", "'New client secret'", "'applicationKey'"),
        ("'Certificates & secrets'", "'applicationKey'"),
    ),
    Notified(
        DynamicsKind.NO_ANSWER,
        "dynamics",
        "noAnswer",
        "",
        ("valid Dynamics instance", "'instanceUrl'"),
        ("instância válida do Dynamics", "'instanceUrl'"),
    ),
)


def test_these_are_the_eight() -> None:
    assert [summary.kind for summary in EIGHT] == [known.kind for known in MICROSOFT_TEXTS]


@pytest.mark.parametrize("language", list(LANGUAGES))
@pytest.mark.parametrize("summary", EIGHT, ids=lambda summary: summary.kind.value)
async def test_validate_tells_the_remedy(summary: Notified, language: Language, tmp_path: Path) -> None:
    async with (
        Sandbox(tmp_path / "authority") as sandbox,
        furnished(f"sqlite+aiosqlite:///{tmp_path / 'l.db'}") as installation,
    ):
        stage = SandboxStage(sandbox, LINES[0])
        seconds = PASSING if summary.kind is DynamicsKind.NO_ANSWER else 30.0
        network = Network(NetworkPolicy(hosts=stage.hosts, ca_file=stage.ca_file, total_seconds=seconds))
        settings = {"leadDestination": "dynamics", "dynamicsLeadConfiguration": dict(summary.settings)}
        await installation.connections.put(CRM, "primary", settings, by="test")
        validator = Validator(installation.storage, installation.connections, Context(network), clock=now_ms)
        try:
            fine = await validator.validate(CRM, "primary", by="test")
            assert fine.ok, fine
            stage.choose(State(summary.state, "", LINES[0].taken, stand_in=summary.stand_in))
            assert sandbox.stand_in(summary.stand_in).state == summary.state
            found = await validator.validate(CRM, "primary", by="test", language=language)
        finally:
            await network.aclose()
        assert not sandbox.mistakes
    assert not found.ok
    assert found.diagnosis is not None
    assert found.diagnosis.kind == summary.kind
    assert summary.says in (found.diagnosis.evidence.text or "")
    remedy = " ".join(found.diagnosis.steps)
    words = summary.portuguese if language is PORTUGUESE else summary.english
    assert not [word for word in words if word not in remedy], remedy
    arrived = sandbox.stand_in("dynamics").received()
    assert len(arrived) == 1, "only the test lead of the time when all was well"
