"""Where a client of Microsoft's directory asks for its token: ``POST /{tenant}/oauth2/token``, and the v2.0 path.

The client's id is a key's id, its secret the key itself. Errors are written as Entra writes them, since clients read
them: ``docs/reference/vendors/marketplace.md#cloud-partner-portal-api``, ``docs/reference/vendors/entra.md#refusals``.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

from pydantic_core import to_json
from starlette.types import ASGIApp, Receive, Scope, Send

from leadkeeper.access.sign_ins import SignIns
from leadkeeper.doors.client_address import ClientAddresses
from leadkeeper.doors.forms import URLENCODED, parse_urlencoded
from leadkeeper.doors.web import header, problem_headers, read_body, send_body
from leadkeeper.problem import Problem, ProblemType
from leadkeeper.storage.engine import StorageAway

SECONDS: Final = 3600
_NO_CACHE: Final = [(b"pragma", b"no-cache")]


def sign_in_door(sign_ins: SignIns, addresses: ClientAddresses) -> ASGIApp:
    """Answers requests for tokens; ``addresses`` tells whose a request is."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        headers = list(_NO_CACHE)
        try:
            status, content = await _answer(sign_ins, addresses.of(scope), scope, receive)
        except Problem as problem:  # a wrong pair: no more than that is told
            status, content = _of_wrong_pair(problem)
            headers += problem_headers(problem) if problem.retry_after is not None else []
        await send_body(send, status, to_json(content), headers=headers)

    return serve


def _of_wrong_pair(problem: Problem) -> tuple[int, Mapping[str, object]]:
    if problem.type is ProblemType.TOO_MANY_REQUESTS:
        text = "The request was throttled: too many wrong client secrets. Send the right one, or try again later."
        return _refused(429, "temporarily_unavailable", 90055, text)
    text = "Invalid client secret provided: the client id is a key's id, the client secret that key."
    return _refused(401, "invalid_client", 7000215, text)


async def _answer(sign_ins: SignIns, address: str, scope: Scope, receive: Receive) -> tuple[int, Mapping[str, object]]:
    if scope["method"] != "POST":
        return _refused(400, "invalid_request", 900561, "The endpoint only accepts POST requests.")
    if (header(scope, b"content-type") or b"").partition(b";")[0].strip().lower() != URLENCODED:
        return _refused(400, "invalid_request", 900144, "The body must be application/x-www-form-urlencoded.")
    try:
        form = parse_urlencoded(await read_body(receive, 16_384))
    except (Problem, ValueError):
        return _refused(400, "invalid_request", 9002313, "Invalid request. Request is malformed or invalid.")
    for name in ("grant_type", "client_id", "client_secret"):
        if not form.get(name):
            text = f"The request body must contain the following parameter: '{name}'."
            return _refused(400, "invalid_request", 900144, text)
    if form["grant_type"] != "client_credentials":
        return _refused(
            400, "unsupported_grant_type", 70003, "The grant type is not supported; use client_credentials."
        )
    try:
        token = await sign_ins.to_token(form["client_id"].lower(), form["client_secret"], SECONDS, address)
    except StorageAway:
        return _refused(503, "temporarily_unavailable", 90033, "The service is temporarily unavailable. Try again.")
    return 200, _granted(token, form, v1=not str(scope["path"]).endswith("/v2.0/token"))


def _granted(token: str, form: Mapping[str, str], *, v1: bool) -> dict[str, object]:
    if not v1:
        return {"token_type": "Bearer", "expires_in": SECONDS, "ext_expires_in": SECONDS, "access_token": token}
    now = int(time.time())
    return {
        "token_type": "Bearer",
        "expires_in": str(SECONDS),
        "ext_expires_in": str(SECONDS),
        "expires_on": str(now + SECONDS),
        "not_before": str(now),
        "resource": form.get("resource", ""),
        "access_token": token,
    }


def _refused(status: int, error: str, code: int, text: str) -> tuple[int, Mapping[str, object]]:
    return status, {"error": error, "error_description": f"AADSTS{code}: {text}", "error_codes": [code]}
