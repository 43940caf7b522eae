"""Who is calling the Cloud Partner Portal API, and which version of it they mean."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Query, Request

from leadkeeper.access.permissions import Caller
from leadkeeper.doors.bearer import Bearers
from leadkeeper.doors.cloud_partner.errors import API_VERSION, WrongVersion
from leadkeeper.offer import OFFER_ID, PUBLISHER_ID, OfferRef
from leadkeeper.problem import Problem, ProblemType

PublisherId = Annotated[str, Path(alias="publisherId", pattern=PUBLISHER_ID, examples=["contoso"])]
OfferId = Annotated[str, Path(alias="offerId", pattern=OFFER_ID, examples=["crm-pro"])]
Version = Annotated[
    str | None, Query(alias="api-version", examples=[API_VERSION], description=f"Always {API_VERSION}.")
]


async def caller_of(request: Request, bearers: Bearers) -> Caller:
    """Whoever's key or token the request carries. Raises :class:`Problem` if there is none, or it may not come here."""
    caller = await bearers.caller(request.scope)
    request.state.caller = caller
    if not caller.may_read:
        raise Problem(ProblemType.FORBIDDEN, "User does not have the required permissions")
    return caller


async def _signed_in(request: Request) -> Caller:
    caller: Caller = request.state.caller  # found before the body was read
    return caller


async def _versioned(caller: Annotated[Caller, Depends(_signed_in)], api_version: Version = None) -> Caller:
    if api_version != API_VERSION:
        raise WrongVersion
    return caller


async def _owner(publisher_id: PublisherId, caller: Annotated[Caller, Depends(_versioned)], request: Request) -> Caller:
    may = caller.may_see(publisher_id) if request.method == "GET" else caller.may_change(publisher_id)
    if not may:
        raise Problem(ProblemType.FORBIDDEN, "User does not have the required permissions")
    return caller


async def _offer(publisher_id: PublisherId, offer_id: OfferId) -> OfferRef:
    return OfferRef(publisher_id, offer_id)


SignedIn = Annotated[Caller, Depends(_signed_in)]
"""Anybody who may come here, whatever version they mean."""
AnyCaller = Annotated[Caller, Depends(_versioned)]
"""An operator or any publisher."""
Owner = Annotated[Caller, Depends(_owner)]
"""An operator or the publisher that the path names."""
Offer = Annotated[OfferRef, Depends(_offer)]
