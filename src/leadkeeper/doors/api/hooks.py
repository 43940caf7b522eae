"""Making and ending hooks; what is posted to them comes in by ``doors.hooks``."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import FastAPI, Path
from pydantic import Field

from leadkeeper.access.hooks import Hooks
from leadkeeper.doors.api.resource import add
from leadkeeper.doors.api.security import Offer, Owner
from leadkeeper.problem import Problem, ProblemType
from leadkeeper.texts import lazy_gettext
from leadkeeper.views import View


class HookView(View):
    """A hook."""

    id: str
    created_at: str = Field(alias="createdTime")
    used_at: str | None = Field(
        alias="lastUsedTime", description="When a lead was posted to it last, to the minute; null if none was."
    )


class HookList(View):
    """An offer's hooks, oldest first; their tokens are not known any more."""

    hooks: list[HookView]


class NewHookView(View):
    """A hook that was just made: the only moment at which its address is known."""

    id: str
    url: str
    token: str


HookId = Annotated[UUID, Path(alias="hookId")]


class HookRoutes:
    """``.../offers/{offerId}/hooks``. ``base_url`` starts the hooks' addresses."""

    def __init__(self, hooks: Hooks, base_url: str) -> None:
        self._hooks = hooks
        self._base_url = base_url

    def serve_on(self, app: FastAPI) -> None:
        """Add the routes."""
        tag, every = "Hooks", "/v1/publishers/{publisherId}/offers/{offerId}/hooks"
        offer, missing = ProblemType.UNKNOWN_OFFER, ProblemType.NOT_FOUND
        quota = ProblemType.QUOTA_EXCEEDED
        add(app, "GET", every, self.list_hooks, offer, tag=tag, summary="List an offer's hooks")
        add(
            app, "POST", every, self.create_hook, offer, quota, tag=tag, summary="Make a hook", status=201, no_body=True
        )
        one = every + "/{hookId}"
        add(app, "DELETE", one, self.delete_hook, offer, missing, tag=tag, summary="End a hook", status=204)

    async def list_hooks(self, offer: Offer, _: Owner) -> HookList:
        """For an operator, or the publisher."""
        return HookList(hooks=[HookView.model_validate(hook) for hook in await self._hooks.list(offer)])

    async def create_hook(self, offer: Offer, caller: Owner) -> NewHookView:
        """The address that takes the offer's leads from Microsoft's marketplace; it is shown this once."""
        made = await self._hooks.create(offer, by=caller.name)
        return NewHookView(id=made.id, token=made.token, url=f"{self._base_url}/hooks/{made.token}")

    async def delete_hook(self, offer: Offer, hook_id: HookId, caller: Owner) -> None:
        """It takes no more leads; other processes follow within a few seconds."""
        if not await self._hooks.remove(offer, str(hook_id), by=caller.name):
            raise Problem(
                ProblemType.NOT_FOUND,
                lazy_gettext("The offer %(offer)s has no hook %(hook)s.", offer=offer, hook=hook_id),
            )
