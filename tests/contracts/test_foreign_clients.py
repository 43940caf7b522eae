"""The stand-in of Entra, called by Microsoft's own libraries (requirements/client.txt), unchanged, over TLS.

Only addresses are changed, and from outside: ``tests/clients`` leads the production names to the sandbox.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest

from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.entra_directory import APPLICATION, PASSWORD, PUBLIC_APPLICATION, SECRET, TENANT, USER
from leadkeeper.sandbox.server import Sandbox
from tests.conftest import missing_service
from tests.contracts.microsoft import ORG

ROOT: Final = Path(__file__).parents[2]
CLIENTS: Final = ROOT / "tests" / "clients"
PYTHON: Final = ROOT / ".venv-client" / "bin" / "python"


@pytest.fixture
async def sandbox(authority: Authority) -> AsyncIterator[Sandbox]:
    async with Sandbox(authority.ca_file.parent) as opened:
        yield opened


async def said(sandbox: Sandbox, program: str, *words: str) -> dict[str, Any]:
    """What each call of a client returned or raised, by the call's name."""
    command = (str(PYTHON), str(CLIENTS / program))
    if not PYTHON.exists():
        missing_service("Microsoft's libraries are missing: scripts/setup-client")
    ca = str(sandbox.ca_file)
    trust = dict.fromkeys(("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"), ca)
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(CLIENTS), "SANDBOX_PORT": str(sandbox.port)} | trust
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(*command, *words, env=environment, stdout=pipe, stderr=pipe)
    out, errors = await asyncio.wait_for(child.communicate(), 120)
    assert child.returncode == 0, errors.decode()
    found: dict[str, Any] = json.loads(out)
    return found


@pytest.mark.timeout(180)
async def test_msal(sandbox: Sandbox) -> None:
    done = await said(sandbox, "msal_calls.py", TENANT, APPLICATION, SECRET, PUBLIC_APPLICATION, USER, PASSWORD, ORG)
    assert done["acquire_token_for_client"]["has"] == ["access_token"]
    assert done["acquire_token_for_client again"]["token_source"] == "cache"
    assert done["a wrong secret"]["error_codes"] == [7000215]
    assert done["acquire_token_by_username_password"]["has"] == ["access_token", "id_token", "refresh_token"]
    assert done["get_accounts"] == [USER]
    assert done["acquire_token_silent"]["token_source"] == "identity_provider"
    assert done["a wrong password"]["error_codes"] == [50126]


@pytest.mark.timeout(180)
async def test_azure_identity(sandbox: Sandbox) -> None:
    done = await said(sandbox, "identity_calls.py", TENANT, APPLICATION, SECRET, ORG)
    assert done["get_token"]["token"] is True
    assert "AADSTS7000215" in done["a wrong secret"]["raised"]
