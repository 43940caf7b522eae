"""Who is a member of a publisher, and, for operators, who is anything here: invited, changed, removed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.access.people.records import member_role
from leadkeeper.access.permissions import MEANINGS, MEMBER_ROLES, PERMISSIONS, ROLE_NAMES, Role
from leadkeeper.doors.portal.routes import Places, Routes, blank, form_of, to
from leadkeeper.doors.portal.session import Session
from leadkeeper.problem import Problem, ProblemType

MEMBERS: Final = "/portal/publishers/{publisher_id}/members"
_PUBLISHERS: Final = 100
_LONGEST_TEXT: Final = 200


class MemberPages:
    """``/portal/publishers/{publisher_id}/members`` and ``/portal/people``."""

    def __init__(self, routes: Routes) -> None:
        self._routes = routes
        self._services = routes.services

    def places(self) -> Places:
        """The pages."""
        return [
            (MEMBERS, self._members, "GET"),
            (MEMBERS + "/invite", self._invite, "POST"),
            (MEMBERS + "/{person_id}/role", self._role, "POST"),
            (MEMBERS + "/{person_id}/remove", self._remove, "POST"),
            (MEMBERS + "/invitations/{invitation_id}/revoke", self._revoke, "POST"),
            ("/portal/people", self._people, "GET"),
            ("/portal/people/find", self._find, "POST"),
            ("/portal/people/invite", self._invite_operator, "POST"),
            ("/portal/people/invitations/{invitation_id}/revoke", self._revoke_operator, "POST"),
            ("/portal/people/{person_id}/disable", self._disable, "POST"),
            ("/portal/people/{person_id}/enable", self._enable, "POST"),
            ("/portal/people/{person_id}/password-link", self._password_link, "POST"),
            ("/portal/people/{person_id}/second-factor/remove", self._remove_factor, "POST"),
        ]

    def _publisher(self, request: Request, session: Session) -> str:
        """Whose members. Raises ``HTTPException`` for another's, as if it were not there."""
        publisher_id: str = request.path_params["publisher_id"]
        if not session.caller.may_see(publisher_id):
            self._routes.refused(session, f"{request.method} {request.url.path[:200]}")
            raise HTTPException(404)
        return publisher_id

    def _operators(self, request: Request, session: Session) -> None:
        if not session.caller.is_operator:
            self._routes.refused(session, f"{request.method} {request.url.path[:200]}")
            raise HTTPException(404)

    async def _members(self, request: Request, session: Session) -> Response:
        return await self._members_page(request, session, self._publisher(request, session))

    async def _members_page(
        self, request: Request, session: Session, publisher_id: str, status: int = 200, **more: Any
    ) -> Response:
        publisher = await self._services.offers.catalogue.publisher(publisher_id)
        content = {
            "publisher": publisher,
            "members": await self._services.accounts.people.members(publisher_id),
            "invitations": await self._services.accounts.links.invitations(publisher_id),
            "made": "",
            "mailed": False,
            "wrong": "",
            "form": blank(),
        }
        return self._routes.page(request, "members.html", status, None, **(self._words() | content | more))

    def _words(self) -> dict[str, Any]:
        can = {role: [MEANINGS[each] for each in MEANINGS if each in PERMISSIONS[role]] for role in MEMBER_ROLES}
        return {
            "roles": MEMBER_ROLES,
            "role_names": ROLE_NAMES,
            "can": can,
            "mails": self._services.accounts.mail.is_possible,
        }

    async def _invite(self, request: Request, session: Session) -> Response:
        publisher_id, form = self._publisher(request, session), await form_of(request)
        publisher = await self._services.offers.catalogue.publisher(publisher_id)
        try:
            role = member_role(form.get("role", ""))
            shown = await self._invited(form, publisher_id, publisher.display_name, role, session)
        except Problem as problem:
            message = _wrong(problem)
            return await self._members_page(
                request, session, publisher_id, problem.status, wrong=message, form=blank(form)
            )
        return await self._members_page(request, session, publisher_id, **shown)

    async def _invited(
        self, form: Mapping[str, str], publisher_id: str | None, name: str, role: Role, session: Session
    ) -> dict[str, Any]:
        """What the page shows of an invitation: its link, this once, and whether it was mailed too."""
        link = await self._services.accounts.links.invite(form.get("email", ""), publisher_id, role, by=session.caller)
        mailed = await self._services.accounts.mail.invite(link, publisher_id, name)
        made = f"{self._services.base_url}/portal/invitation/{link.token}"
        return {"made": made, "mailed": mailed, "invited": link.email}

    async def _role(self, request: Request, session: Session) -> Response:
        publisher_id, person_id = self._publisher(request, session), request.path_params["person_id"]
        role = (await form_of(request)).get("role", "")
        await self._services.accounts.people.set_role(publisher_id, person_id, role, by=session.caller)
        return to(f"/portal/publishers/{publisher_id}/members")

    async def _remove(self, request: Request, session: Session) -> Response:
        publisher_id, person_id = self._publisher(request, session), request.path_params["person_id"]
        await self._services.accounts.people.remove(publisher_id, person_id, by=session.caller)
        return to(f"/portal/publishers/{publisher_id}/members" if person_id != session.caller.person_id else "/portal")

    async def _revoke(self, request: Request, session: Session) -> Response:
        publisher_id = self._publisher(request, session)
        if not await self._services.accounts.links.revoke(
            request.path_params["invitation_id"], publisher_id, by=session.caller
        ):
            raise HTTPException(404)
        return to(f"/portal/publishers/{publisher_id}/members")

    async def _people(self, request: Request, session: Session) -> Response:
        self._operators(request, session)
        return await self._people_page(request)

    async def _find(self, request: Request, session: Session) -> Response:
        """What is looked for is personal, and stands in no address."""
        self._operators(request, session)
        return await self._people_page(request, text=(await form_of(request)).get("text", "").strip()[:_LONGEST_TEXT])

    async def _people_page(self, request: Request, status: int = 200, text: str = "", **more: Any) -> Response:
        after = request.query_params.get("after")
        publishers = await self._services.offers.catalogue.publishers(limit=_PUBLISHERS + 1)
        content = {
            "everybody": await self._services.accounts.people.everybody(after, text),
            "text": text,
            "invitations": await self._services.accounts.links.invitations(None),
            "publishers": publishers[:_PUBLISHERS],
            "more_publishers": len(publishers) > _PUBLISHERS,
            "made": "",
            "mailed": False,
            "wrong": "",
            "form": blank(),
            "reset": "",
        }
        return self._routes.page(request, "people.html", status, None, **(self._words() | content | more))

    async def _invite_operator(self, request: Request, session: Session) -> Response:
        self._operators(request, session)
        form = await form_of(request)
        try:
            shown = await self._invited(form, None, "", Role.OPERATOR, session)
        except Problem as problem:
            return await self._people_page(request, problem.status, wrong=_wrong(problem), form=blank(form))
        return await self._people_page(request, **shown)

    async def _revoke_operator(self, request: Request, session: Session) -> Response:
        self._operators(request, session)
        if not await self._services.accounts.links.revoke(
            request.path_params["invitation_id"], None, by=session.caller
        ):
            raise HTTPException(404)
        return to("/portal/people")

    async def _disable(self, request: Request, session: Session) -> Response:
        return await self._switch(request, session, disabled=True)

    async def _enable(self, request: Request, session: Session) -> Response:
        return await self._switch(request, session, disabled=False)

    async def _switch(self, request: Request, session: Session, *, disabled: bool) -> Response:
        self._operators(request, session)
        await self._services.accounts.people.disable(
            request.path_params["person_id"], disabled=disabled, by=session.caller
        )
        return to("/portal/people")

    async def _password_link(self, request: Request, session: Session) -> Response:
        """For somebody who forgot theirs, where no mail server can help; shown this once."""
        self._operators(request, session)
        link = await self._services.accounts.links.reset_link(request.path_params["person_id"], by=session.caller)
        if link is None:
            raise HTTPException(404)
        made = f"{self._services.base_url}/portal/password/{link.token}"
        return await self._people_page(request, reset=made, whose=link.email)

    async def _remove_factor(self, request: Request, session: Session) -> Response:
        self._operators(request, session)
        await self._services.accounts.second_factor.remove(request.path_params["person_id"], by=session.caller)
        return to("/portal/people")


def _wrong(problem: Problem) -> str:
    """What is wrong with an invitation. Raises it again where that is no fault of the form's."""
    if problem.type not in (ProblemType.INVALID_REQUEST, ProblemType.QUOTA_EXCEEDED):
        raise problem
    return problem.detail
