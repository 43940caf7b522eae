"""The part of a connection's page that says which delivered leads are not there any more, and its buttons."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.connections.connection import Connection
from leadkeeper.doors.portal.routes import OFFER, Places, Routes, connection_address, form_of, to
from leadkeeper.doors.portal.session import Session
from leadkeeper.inbox.lists.filter import LeadFilter
from leadkeeper.problem import FieldError, Problem, ProblemType
from leadkeeper.reconciliation.views import ReconciliationView
from leadkeeper.texts import lazy_gettext as _
from leadkeeper.views import LeadSummary

SHOWN: Final = 20
"""So many missing leads stand on the page."""
_ONE: Final = OFFER + "/connections/{name}"
_PICK: Final = "pick-"
_ID: Final = re.compile(r"[0-9a-f-]{36}")
_NOTHING_PICKED: Final = _("Tick at least one lead.")


@dataclass(frozen=True, slots=True)
class MissingPart:
    """What the page shows: the last run, and the first leads that are missing."""

    run: ReconciliationView
    leads: Sequence[LeadSummary]


async def missing_part(routes: Routes, request: Request, connection: Connection) -> MissingPart:
    """The part for a connection's page, told in the language of ``request``. Reading leads stands in the audit."""
    services, name = routes.services, connection.name
    run = await services.reconciliation.report(connection.offer, name, routes.language_of(request))
    if not run.open:
        return MissingPart(run, ())
    missing = await services.reconciliation.missing(connection.offer, name, limit=SHOWN)
    session: Session = request.state.session
    filters = LeadFilter(
        publisher_id=connection.offer.publisher_id, ids=tuple(each.lead_id for each in missing.leads), oldest_first=True
    )
    page = await services.leads.reading.leads(filters, limit=SHOWN, by=session.caller.name)
    return MissingPart(run, page.leads)


class MissingPages:
    """``.../connections/{name}/reconcile`` and ``.../missing``: what the buttons send."""

    def __init__(self, routes: Routes) -> None:
        self._routes = routes
        self._reconciliation = routes.services.reconciliation

    def places(self) -> Places:
        """The forms."""
        return [(_ONE + "/reconcile", self._reconcile, "POST"), (_ONE + "/missing", self._settle, "POST")]

    async def _reconcile(self, request: Request, session: Session) -> Response:
        ref, name = self._routes.offer_of(request, session), request.path_params["name"]
        await self._reconciliation.ask(ref, name, by=session.caller.name)
        return to(f"{connection_address(ref, name)}#missing")

    async def _settle(self, request: Request, session: Session) -> Response:
        """Send the leads that were ticked again, or say that they were removed on purpose; or all that are missing."""
        ref, name = self._routes.offer_of(request, session), request.path_params["name"]
        form, by = await form_of(request), session.caller.name
        if form.get("act") == "all":
            await self._reconciliation.send_again(ref, name, by=by)
        elif form.get("act") == "accept":
            await self._reconciliation.accept(ref, name, _picked(form), by=by)
        else:
            await self._reconciliation.send_again(ref, name, _picked(form), by=by)
        return to(f"{connection_address(ref, name)}#missing")


def _picked(form: Mapping[str, str]) -> list[str]:
    """The leads that were ticked. Raises :class:`Problem` for none."""
    ids = [name.removeprefix(_PICK) for name in form if name.startswith(_PICK)]
    ids = [each for each in ids if _ID.fullmatch(each)]
    if not ids:
        raise Problem(ProblemType.INVALID_REQUEST, _NOTHING_PICKED, (FieldError("leads", _NOTHING_PICKED),))
    return ids
