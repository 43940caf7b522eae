"""A session of Salesforce's REST API: signing in by client credentials, and requests with the token of that.

Source: ``docs/reference/vendors/salesforce.md#rest-api-sign-in``.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote_plus, urlencode

from leadkeeper import __version__
from leadkeeper.catalogue import diagnose
from leadkeeper.destinations.salesforce.errors import diagnose_sign_in
from leadkeeper.destinations.salesforce.settings import SalesforceConfig
from leadkeeper.diagnosis import Diagnosis, Kind
from leadkeeper.lead import OutgoingLead
from leadkeeper.network.answer import Private
from leadkeeper.network.client import NETWORK_ERRORS, Answered, Network, diagnose_network
from leadkeeper.network.rest import Fresh, Kept, Token, read_json, request, unsent

_USER_AGENT: Final = {"user-agent": f"Leadkeeper/{__version__}"}


class Session:
    """The way to one organization's REST API. ``now`` gives the time in seconds since 1970."""

    def __init__(self, config: SalesforceConfig, network: Network, now: Callable[[], float] = time.time) -> None:
        assert config.client_id is not None
        assert config.client_secret is not None
        self.network = network
        self.origin = f"https://{config.domain}"
        self._now = now
        self._data = f"{self.origin}/services/data/{config.api_version}"
        self._secrets = (config.client_id, config.client_secret.get_secret_value())
        self._basic = config.token_endpoint_auth_method == "client_secret_basic"
        self._tokens = Kept(self._sign_in)

    async def token(self) -> Token | Diagnosis:
        """A token that may be good, or why there is none; then nothing was sent."""
        return await self._tokens.get()

    def private(self, lead: OutgoingLead | None) -> Private:
        """What no evidence may show: the lead, the credentials, the token in use."""
        token = self._tokens.last
        return Private(lead, (*self._secrets, token.text if token is not None else ""))

    async def aclose(self) -> None:
        """Give up a request for a token."""
        await self._tokens.aclose()

    async def call(
        self, method: str, path: str, content: Mapping[str, Any] | None = None, limit: int | None = None
    ) -> Answered | Diagnosis:
        """One request that may be repeated, with a good token; a new token and once more when it is not taken."""
        data = None if content is None else json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
        answered: Answered | None = None
        for _ in range(2):
            token = await self._tokens.get()
            if isinstance(token, Diagnosis):
                return token
            headers = {**_USER_AGENT, "accept": "application/json", "authorization": f"Bearer {token.text}"}
            if data is not None:
                headers["content-type"] = "application/json; charset=UTF-8"
            try:
                answered = await request(
                    self.network, method, f"{self._data}{path}", headers=headers, data=data, limit=limit
                )
            except NETWORK_ERRORS as error:
                return about_domain(diagnose_network(error))
            if answered.status != 401:
                return answered
            self._tokens.reject(token)
        assert answered is not None
        return answered

    async def _sign_in(self) -> Fresh[Token] | Diagnosis:
        """A new token by the client credentials flow. Salesforce does not say how long it lives.

        An endpoint that demands HTTP Basic gets it, from then on at once.
        """
        try:
            answered = await self._ask()
            if not self._basic and _demands_basic(answered):
                self._basic = True
                answered = await self._ask()
        except NETWORK_ERRORS as error:
            return about_domain(unsent(diagnose_network(error)))
        content = read_json(answered)
        token = content.get("access_token") if isinstance(content, dict) else None
        if answered.status == 200 and isinstance(token, str) and token:
            return Fresh(Token(token))
        return unsent(diagnose_sign_in(answered, self.private(None), self._now()))

    async def _ask(self) -> Answered:
        client_id, secret = self._secrets
        form = {"grant_type": "client_credentials"}
        headers = {
            **_USER_AGENT,
            "accept": "application/json",
            "content-type": "application/x-www-form-urlencoded; charset=UTF-8",
        }
        if self._basic:
            pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
            headers["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_id": client_id, "client_secret": secret}
        url = f"{self.origin}/services/oauth2/token"
        return await request(self.network, "POST", url, headers=headers, data=urlencode(form).encode())


def _demands_basic(answered: Answered) -> bool:
    return answered.status == 401 and answered.headers.get("WWW-Authenticate", "").lower().startswith("basic")


def about_domain(diagnosis: Diagnosis) -> Diagnosis:
    """A host name that does not exist is a My Domain that does not."""
    if diagnosis.kind is not Kind.ADDRESS_NOT_FOUND:
        return diagnosis
    return diagnose(Kind.SALESFORCE_DOMAIN_NOT_FOUND, diagnosis.evidence)
