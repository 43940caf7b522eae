"""A session of Salesforce's REST API: signing in by client credentials, and requests with the token of that.

Source: ``docs/reference/vendors/salesforce.md#rest-api-sign-in``.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from typing import Final
from urllib.parse import quote_plus, urlencode

from leadkeeper.destinations.salesforce.diagnoses import SalesforceKind
from leadkeeper.destinations.salesforce.errors import CODES, diagnose_salesforce_sign_in, read_salesforce_error
from leadkeeper.destinations.salesforce.settings import SalesforceConfig
from leadkeeper.diagnosis import Diagnosis
from leadkeeper.network.answer import Private
from leadkeeper.network.client import NETWORK_ERRORS, Answered, Network, diagnose_network
from leadkeeper.network.rest import Dialect, Fresh, RestClient, SignIn, Token, read_json, request, unsent

DIALECT: Final = Dialect(
    read=read_salesforce_error,
    known=CODES,
    host_missing=SalesforceKind.DOMAIN_NOT_FOUND,  # each My Domain has its own host
)


def open_session(config: SalesforceConfig, network: Network, now: Callable[[], float] = time.time) -> RestClient:
    """The way to one organization's REST API. ``now`` gives the time in seconds since 1970."""
    base = f"https://{config.domain}/services/data/{config.api_version}"
    tokens = _ClientCredentials(config, network, now)
    return RestClient(network, base, SignIn(tokens.fetch), DIALECT, secrets=tokens.secrets)


class _ClientCredentials:
    """Signs in by the client credentials flow."""

    def __init__(self, config: SalesforceConfig, network: Network, now: Callable[[], float]) -> None:
        assert config.client_id is not None
        assert config.client_secret is not None
        self.secrets = (config.client_id, config.client_secret.get_secret_value())
        self._url = f"https://{config.domain}/services/oauth2/token"
        self._basic = config.token_endpoint_auth_method == "client_secret_basic"
        self._network = network
        self._now = now

    async def fetch(self) -> Fresh[Token] | Diagnosis:
        """A new token. Salesforce does not say how long it lives.

        An endpoint that demands HTTP Basic gets it, from then on at once.
        """
        try:
            answered = await self._ask()
            if not self._basic and _demands_basic(answered):
                self._basic = True
                answered = await self._ask()
        except NETWORK_ERRORS as error:
            return DIALECT.about_host(unsent(diagnose_network(error)))
        content = read_json(answered)
        token = content.get("access_token") if isinstance(content, dict) else None
        if answered.status == 200 and isinstance(token, str) and token:
            return Fresh(Token(token))
        return unsent(diagnose_salesforce_sign_in(answered, Private(None, self.secrets), self._now()))

    async def _ask(self) -> Answered:
        client_id, secret = self.secrets
        form = {"grant_type": "client_credentials"}
        headers = {
            "accept": "application/json",
            "content-type": "application/x-www-form-urlencoded; charset=UTF-8",
        }
        if self._basic:
            pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
            headers["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_id": client_id, "client_secret": secret}
        return await request(self._network, "POST", self._url, headers=headers, data=urlencode(form).encode())


def _demands_basic(answered: Answered) -> bool:
    return answered.status == 401 and answered.headers.get("WWW-Authenticate", "").lower().startswith("basic")
