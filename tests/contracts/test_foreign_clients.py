"""The stand-in of Entra, called by Microsoft's own libraries (requirements/client.txt), unchanged, over TLS.

Only addresses are changed, and from outside: ``tests/clients`` leads the production names to the sandbox. What the
libraries say of their calls is compared with what the stand-in saw of them.
"""

from __future__ import annotations

from typing import Any, Final

from leadkeeper.sandbox.entra.directory import APPLICATION, PASSWORD, PUBLIC_APPLICATION, SECRET, TENANT, USER
from leadkeeper.sandbox.entra.stand_in import Entra
from leadkeeper.sandbox.server import Sandbox
from tests.contracts.foreign_calls import page_differs, python_calls
from tests.contracts.microsoft import ORG

WORDS: Final = (TENANT, APPLICATION, SECRET, PUBLIC_APPLICATION, USER, PASSWORD, ORG)


def seen(sandbox: Sandbox) -> list[tuple[Any, Any, Any]]:
    """Every token request that came: whose, which grant, and what was answered."""
    whose = {APPLICATION: "application", PUBLIC_APPLICATION: "public"}
    came = sandbox.stand_in(Entra).received()
    return [(whose.get(str(each["application"])), each["grant"], each["answer"]) for each in came]


async def test_msal(sandbox: Sandbox) -> None:
    done = await python_calls(sandbox, "msal_calls.py", *WORDS)
    assert page_differs("msal", done) == set()
    assert done.message("acquire_token_for_client")["has"] == ["access_token"]
    assert done.message("acquire_token_for_client again")["token_source"] == "cache"
    assert done.message("remove_tokens_for_client") is None
    assert done.message("acquire_token_for_client after they were removed")["token_source"] == "identity_provider"
    assert done.message("acquire_token_for_client with a wrong secret")["error_codes"] == [7000215]
    assert done.message("acquire_token_by_username_password")["has"] == ["access_token", "id_token", "refresh_token"]
    assert done.message("acquire_token_by_username_password with a wrong password")["error_codes"] == [50126]
    assert done.message("get_accounts") == [USER]
    assert done.message("acquire_token_silent")["token_source"] == "cache"
    assert done.message("acquire_token_silent_with_error by the refresh token")["token_source"] == "identity_provider"
    assert done.message("acquire_token_by_refresh_token")["has"] == ["access_token", "id_token", "refresh_token"]
    assert done.message("acquire_token_by_refresh_token of nobody")["error"] == "invalid_grant"
    assert (done.message("remove_account"), done.message("get_accounts after it was removed")) == (None, [])
    assert seen(sandbox) == [
        ("application", "client_credentials", "token"),
        ("application", "client_credentials", "token"),
        ("application", "client_credentials", 7000215),
        ("public", "password", "token"),
        ("public", "password", 50126),
        ("public", "refresh_token", "token"),
        ("public", "password", "token"),
        ("public", "refresh_token", "token"),
        ("public", "refresh_token", 9002313),
    ]


async def test_azure_identity(sandbox: Sandbox) -> None:
    done = await python_calls(sandbox, "identity_calls.py", *WORDS)
    assert page_differs("azure-identity", done) == set()
    assert done.message("ClientSecretCredential.get_token")["parts"] == 2
    assert done.message("ClientSecretCredential.get_token again")["parts"] == 2  # of the library's cache, see below
    assert done.message("ClientSecretCredential.get_token_info")["type"] == "Bearer"
    assert "AADSTS7000215" in done.raised("ClientSecretCredential.get_token with a wrong secret")[1]
    # Of a tenant that its document says is not there the library asks for no token.
    assert "authority configuration" in done.raised("ClientSecretCredential.get_token in an unknown tenant")[1]
    for credential in ("Environment", "ChainedToken", "DefaultAzure", "UsernamePassword"):
        assert done.message(f"{credential}Credential.get_token")["parts"] == 2
    assert "AADSTS50126" in done.raised("UsernamePasswordCredential.get_token with a wrong password")[1]
    assert seen(sandbox) == [
        ("application", "client_credentials", "token"),
        ("application", "client_credentials", 7000215),
        ("application", "client_credentials", "token"),
        ("application", "client_credentials", "token"),
        ("public", "password", "token"),
        ("public", "password", 50126),
    ]
