"""The stand-in of Entra, called by Microsoft's own libraries (requirements/client.txt), unchanged, over TLS.

Only addresses are changed, and from outside: ``tests/clients`` leads the production names to the sandbox.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from leadkeeper.sandbox.entra_directory import APPLICATION, PASSWORD, PUBLIC_APPLICATION, SECRET, TENANT, USER
from leadkeeper.sandbox.server import Sandbox
from tests.contracts.foreign_calls import python_calls
from tests.contracts.microsoft import ORG


@pytest.mark.timeout(180)
async def test_msal(sandbox: Sandbox) -> None:
    words = (TENANT, APPLICATION, SECRET, PUBLIC_APPLICATION, USER, PASSWORD, ORG)
    done: Mapping[str, Any] = await python_calls(sandbox, "msal_calls.py", *words)
    assert done["acquire_token_for_client"]["has"] == ["access_token"]
    assert done["acquire_token_for_client again"]["token_source"] == "cache"
    assert done["a wrong secret"]["error_codes"] == [7000215]
    assert done["acquire_token_by_username_password"]["has"] == ["access_token", "id_token", "refresh_token"]
    assert done["get_accounts"] == [USER]
    assert done["acquire_token_silent"]["token_source"] == "identity_provider"
    assert done["a wrong password"]["error_codes"] == [50126]


@pytest.mark.timeout(180)
async def test_azure_identity(sandbox: Sandbox) -> None:
    done = await python_calls(sandbox, "identity_calls.py", TENANT, APPLICATION, SECRET, ORG)
    assert done["get_token"]["token"] is True
    assert "AADSTS7000215" in done["a wrong secret"]["raised"]
