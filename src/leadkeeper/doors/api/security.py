"""Who is calling: keys to callers, callers to what they may do."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Depends, Path, Request
from starlette.types import Scope

from leadkeeper.access.permissions import Caller
from leadkeeper.doors.bearer import Bearers
from leadkeeper.offer import CONNECTION_NAME, OFFER_ID, PUBLISHER_ID, OfferRef
from leadkeeper.problem import Problem, ProblemType
from leadkeeper.texts import lazy_gettext

_CALLER: Final = "leadkeeper.caller"


async def sign_in(bearers: Bearers, scope: Scope) -> Caller:
    """The caller whose key the request carries, also put into ``scope``. Raises :class:`Problem` if there is none."""
    caller = await bearers.caller(scope)
    scope[_CALLER] = caller
    return caller


def caller_in(scope: Scope) -> Caller | None:
    """Whoever :func:`sign_in` found, if it did."""
    return scope.get(_CALLER)


def forbidden(detail: str) -> Problem:
    """The caller's role does not allow it."""
    return Problem(ProblemType.FORBIDDEN, detail)


def require_hand_in(caller: Caller) -> None:
    """Raise :class:`Problem` unless the caller may hand in leads."""
    if not caller.may_hand_in:
        raise forbidden(lazy_gettext("Leads are handed in with a key of role operator or marketplace."))


def visible(caller: Caller, publisher_id: str | None, rule: str) -> str | None:
    """Whose things to list: a publisher's own, unless it asks for another's (:class:`Problem` with ``rule``)."""
    if caller.publisher_id is None:
        return publisher_id
    if publisher_id not in (None, caller.publisher_id):
        raise forbidden(rule)
    return caller.publisher_id


PublisherId = Annotated[str, Path(alias="publisherId", pattern=PUBLISHER_ID, examples=["contoso"])]
OfferId = Annotated[str, Path(alias="offerId", pattern=OFFER_ID, examples=["crm-pro"])]
ConnectionName = Annotated[str, Path(alias="name", pattern=CONNECTION_NAME, examples=["primary"])]


async def _reader(request: Request) -> Caller:
    caller: Caller = request.scope[_CALLER]
    if not caller.may_read:
        raise forbidden(lazy_gettext("A key of role marketplace may only hand in leads."))
    return caller


async def _operator(request: Request) -> Caller:
    caller: Caller = request.scope[_CALLER]
    if not caller.is_operator:
        raise forbidden(lazy_gettext("This needs a key of role operator."))
    return caller


async def _owner(publisher_id: PublisherId, request: Request) -> Caller:
    caller: Caller = request.scope[_CALLER]
    if request.method != "GET" and caller.may_see(publisher_id) and not caller.may_change(publisher_id):
        raise forbidden(lazy_gettext("A key of role reader may only read."))
    if not caller.may_see(publisher_id):
        raise forbidden(
            lazy_gettext("This needs a key of role operator or publisher:%(publisher)s.", publisher=publisher_id)
        )
    return caller


async def _offer(publisher_id: PublisherId, offer_id: OfferId) -> OfferRef:
    return OfferRef(publisher_id, offer_id)


Reader = Annotated[Caller, Depends(_reader)]
"""An operator, or a publisher that will be shown what is its own."""
Operator = Annotated[Caller, Depends(_operator)]
Owner = Annotated[Caller, Depends(_owner)]
"""An operator or the very publisher that the path names; whoever may only read there, with GET alone."""
Offer = Annotated[OfferRef, Depends(_offer)]
