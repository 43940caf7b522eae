"""What each request to the portal needs, by its method and route: a new form changes something unless named here."""

from __future__ import annotations

from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request

from leadkeeper.access.permissions import PERMISSIONS, Permission
from leadkeeper.doors.portal.routes import Routes
from leadkeeper.doors.portal.session import Session
from leadkeeper.problem import Problem, ProblemType, publisher_suspended
from leadkeeper.texts import lazy_gettext as _

OWN: Final = (
    "/portal/find",
    "/portal/leads/search",
    "/portal/leads/download",
    "/portal/leads/arrived",
    "/portal/audit/download",
    "/portal/leads/columns",
    "/portal/leads/views",
    "/portal/leads/views/{view_id}/remove",
    "/portal/help",
    "/portal/theme",
    "/portal/sign-out",
    "/portal/account",
    "/portal/look/end",
)
"""Forms that change nothing of a publisher's, or only one's own view: everybody who is signed in may send them."""
OPERATE: Final = "/portal/operate/"
"""Where the pages stand that only operators have."""
FORM_PAGES: Final = ("/connect", "/copy", "/edit", "/new", "/remove", "/upload", "/withdraw")
"""The ends of addresses that show a form which changes something."""
RECORD: Final = "/portal/deliveries/{delivery_id}/record"
"""What a destination gets of a lead: for whoever works on leads."""
MEMBERS: Final = "/members"
RETENTION: Final = "/retention"
MAILS: Final = "/portal/mails"
"""They name who is written to: owners alone see them."""


def needed(method: str, route: str) -> Permission:
    """What a request with this method to this route needs, for what belongs to the caller's publisher."""
    if route in OWN or route.startswith("/portal/account/"):
        return Permission.SEE
    if route.startswith(MAILS):
        return Permission.INVITE
    if method != "POST":
        return Permission.CHANGE if route == RECORD or route.endswith(FORM_PAGES) else Permission.SEE
    if route.startswith("/portal/publishers/") and (MEMBERS in route or route.endswith(RETENTION)):
        return Permission.INVITE
    return Permission.CHANGE


def require_allowed(routes: Routes, request: Request, route: str, session: Session) -> None:
    """Raise :class:`Problem` unless the caller's role allows it; whose things it is about is looked at later.

    Raises ``HTTPException`` for a page of operators, as if it were not there for anybody else.
    """
    caller = session.caller
    if route.startswith("/portal/account") and (session.open.looks or session.in_frame):
        message = _("No account is shown here. Open the portal in a tab of its own, or stop looking first.")
        raise Problem(ProblemType.FORBIDDEN, message)
    if route.startswith(OPERATE) and not caller.is_operator:
        routes.refused(session, f"{request.method} {request.url.path[:200]}")
        raise HTTPException(404)
    permission = needed(request.method, route)
    if caller.may(permission, caller.publisher_id):
        return
    if caller.suspended and caller.publisher_id and permission in PERMISSIONS[caller.role]:
        raise publisher_suspended(caller.publisher_id)
    routes.refused(session, f"{request.method} {request.url.path[:200]}")
    message = _(
        "Your role here is %(role)s: it does not allow this. Ask an owner of your publisher.", role=session.role_name
    )
    raise Problem(ProblemType.FORBIDDEN, message)
