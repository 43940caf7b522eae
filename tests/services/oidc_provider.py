"""A real OpenID Connect provider (npm's oidc-provider) as a child process, with people whom tests name."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from tests.ports import free_port

ROOT: Final = Path(__file__).parents[2]
_PROGRAM: Final = Path(__file__).with_suffix(".cjs")


class ProviderMissing(RuntimeError):
    """Node.js or the npm package is not on this machine."""


class OidcProvider:
    """On a free loopback port; ``settings`` are what an installation needs to use it.

    ``in_token``: the id token holds all claims; without, userinfo tells them. Who signs in enters a login of
    :meth:`know` and any password.
    """

    def __init__(self, redirect_uri: str, *, in_token: bool = True, auth_method: str = "client_secret_post") -> None:
        """Raises :class:`ProviderMissing`."""
        node = shutil.which("node")
        if node is None or not (ROOT / "node_modules/oidc-provider").is_dir():
            raise ProviderMissing("oidc-provider is not installed: run make setup")
        self.port = free_port()
        self.issuer = f"http://127.0.0.1:{self.port}"
        self.settings: dict[str, Any] = {
            "oidc_issuer": self.issuer,
            "oidc_client_id": "leadkeeper",
            "oidc_client_secret": "a secret: 100% & more+",
            "oidc_scopes": "openid profile email groups",
            "allow_addresses": "127.0.0.0/8",
        }
        client = {"client_id": "leadkeeper", "client_secret": self.settings["oidc_client_secret"]}
        environment = dict(os.environ) | {"PORT": str(self.port), "AUTH_METHOD": auth_method}
        environment |= {"CLIENT": json.dumps(client | {"redirect_uris": [redirect_uri]})}
        self._environment = environment | ({"IN_TOKEN": "1"} if in_token else {})
        self._command = [node, str(_PROGRAM)]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command, env=self._environment, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, start_new_session=True,
        )  # fmt: skip
        self._observed("ready")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._process.kill()
        self._process.communicate()

    def know(self, login: str, *groups: str, **claims: Any) -> None:
        """Somebody who can sign in from now on, and what is told about them."""
        assert self._process.stdin is not None
        usual = {"login": login, "name": "Grace Hopper", "email": f"{login}@far.example", "email_verified": True}
        self._process.stdin.write(json.dumps({**usual, "groups": groups, **claims}) + "\n")
        self._process.stdin.flush()
        self._observed("known")

    def _observed(self, word: str) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.strip() == word:
                return
        raise AssertionError(f"the provider ended before it was {word}")
