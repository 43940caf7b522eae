"""Who signed in (the identity address and ``userinfo``), and how a session is given up (``revoke``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from leadkeeper.sandbox.salesforce.org import Org, long_id
from leadkeeper.sandbox.stand_in import Answer, Request

IDENTITY: Final = "/id/"
USER_INFO: Final = "/services/oauth2/userinfo"
REVOKE: Final = "/services/oauth2/revoke"


def identity_url(org: Org) -> str:
    """The address at which the org's API user is told."""
    return f"https://login.salesforce.com{IDENTITY}{long_id(org.oid)}/{org.users[0]}"


def identity(request: Request, orgs: Sequence[Org], now: float) -> Answer:
    """The user behind a session, at the address that came with its token."""
    parts = request.path.split("/")
    org = next((each for each in orgs if len(parts) == 4 and each.known_as(parts[2])), None)
    if org is None or not _alive(request, org, now):
        return Answer.text(403, "Bad_OAuth_Token")
    base = f"https://{org.host}"
    about = _user(org)
    about |= {
        "id": identity_url(org),
        "asserted_user": True,
        "username": about["preferred_username"],
        "display_name": about["name"],
        "urls": {"rest": f"{base}/services/data/v{{version}}/", "query": f"{base}/services/data/v{{version}}/query/"},
    }
    return Answer.json(200, about)


def user_info(request: Request, org: Org, now: float) -> Answer:
    """The user behind a session, as OpenID Connect tells it."""
    if not _alive(request, org, now):
        return Answer.text(403, "Bad_OAuth_Token")
    return Answer.json(200, _user(org) | {"sub": identity_url(org), "email_verified": True})


def revoke(request: Request, orgs: Sequence[Org]) -> Answer:
    """End the session that the form or the query names."""
    token = (request.form() | request.query).get("token", "")
    org = next((each for each in orgs if token in each.sessions), None)
    if org is None:
        text = "this token type is not supported"
        return Answer.json(400, {"error": "unsupported_token_type", "error_description": text})
    del org.sessions[token]
    return Answer(200)


def _alive(request: Request, org: Org, now: float) -> bool:
    token = request.headers.get("authorization", "").partition(" ")[2] or request.query.get("oauth_token", "")
    return org.sessions.get(token, 0.0) > now


def _user(org: Org) -> dict[str, object]:
    return {
        "user_id": org.users[0],
        "organization_id": long_id(org.oid),
        "preferred_username": f"integration@{org.my_domain}.example",
        "nickname": "integration",
        "name": "Integration User",
        "email": f"integration@{org.my_domain}.example",
        "active": True,
        "user_type": "STANDARD",
    }
