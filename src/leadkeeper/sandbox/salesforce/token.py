"""The token endpoint of an org: client credentials, in the form or in an ``Authorization`` header.

Source: ``docs/reference/vendors/salesforce.md#rest-api-sign-in``.
"""

from __future__ import annotations

import base64
import secrets
from typing import Final
from urllib.parse import unquote_plus

from leadkeeper.sandbox.salesforce.identity import identity_url
from leadkeeper.sandbox.salesforce.org import Org
from leadkeeper.sandbox.salesforce.states import TOKEN_REFUSALS
from leadkeeper.sandbox.stand_in import Answer, Request

TOKEN_PATH: Final = "/services/oauth2/token"
FORM: Final = "application/x-www-form-urlencoded"


def token(request: Request, org: Org | None, state: str, now: float) -> Answer:
    """The token endpoint of a My Domain host; without ``org`` that of a login host, which knows no such grant."""
    form = request.form() if request.method == "POST" and request.content_type == FORM else {}
    form |= _basic(request)
    if org is None:
        return _no_token("invalid_grant", "request not supported on this domain")
    if form.get("grant_type") != "client_credentials":
        return _no_token("unsupported_grant_type", "grant type not supported")
    if form.get("client_id") != org.client_id:
        return _no_token("invalid_client_id", "client identifier invalid")
    if form.get("client_secret") != org.client_secret:
        return _no_token("invalid_client", "invalid client credentials")
    if state in TOKEN_REFUSALS:
        return _no_token(*TOKEN_REFUSALS[state])
    given = {
        "access_token": org.new_session(now),
        "signature": base64.b64encode(secrets.token_bytes(32)).decode(),
        "scope": "api",
        "instance_url": f"https://{org.host}",
        "id": identity_url(org),
        "token_type": "Bearer",
        "issued_at": str(int(now * 1000)),
    }
    return Answer.json(200, given)


def _basic(request: Request) -> dict[str, str]:
    """The client's credentials in an ``Authorization`` header, each form-encoded (RFC 6749 2.3.1)."""
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return {}
    try:
        client_id, _, secret = base64.b64decode(text, validate=True).decode().partition(":")
    except ValueError:
        return {"client_id": "", "client_secret": ""}
    return {"client_id": unquote_plus(client_id), "client_secret": unquote_plus(secret)}


def _no_token(error: str, text: str) -> Answer:
    return Answer.json(400, {"error": error, "error_description": text})
