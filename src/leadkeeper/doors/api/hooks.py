"""Making, rotating, testing and ending hooks; what is posted to them comes in by ``doors.hooks``."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import FastAPI, Path
from pydantic import Field

from leadkeeper.access.hooks import Hooks, ListedHook, NewHook, no_old_address, unknown_hook
from leadkeeper.clock import to_text
from leadkeeper.doors.api.resource import add
from leadkeeper.doors.api.security import Offer, Owner
from leadkeeper.intake.hook_test import HookTests
from leadkeeper.problem import ProblemType
from leadkeeper.views import View


class PayloadView(View):
    """What was posted to a hook, without a value of it."""

    seen_time: str = Field(description="When a payload with just these keys came last, to the minute.")
    keys: list[str] = Field(
        description="Its keys in their order, those within an object behind its own and a dot; … stands for more, and "
        "for what is no name.",
        examples=[["UserDetails.FirstName", "UserDetails.Email", "LeadSource", "ActionCode"]],
    )


class HookView(View):
    """A hook."""

    id: str
    created_at: str = Field(alias="createdTime")
    used_at: str | None = Field(
        alias="lastUsedTime",
        description="When a lead was posted to its address last, to the minute; null if none was.",
    )
    old_until: str | None = Field(
        alias="oldAddressUntil",
        description="Until when the address from before it was rotated takes leads; null if there is none.",
    )
    old_used_at: str | None = Field(
        alias="oldAddressLastUsedTime",
        description="When a lead was posted to that address last, to the minute; null if none was.",
    )
    payloads: list[PayloadView] = Field(description="What was posted last, each set of keys once, newest first.")

    @classmethod
    def of(cls, hook: ListedHook) -> HookView:
        """A hook as it is listed."""
        return cls(
            id=hook.id,
            created_at=hook.created_at,
            used_at=hook.used_at,
            old_until=hook.old_until,
            old_used_at=hook.old_used_at,
            payloads=[PayloadView(seen_time=to_text(each.at), keys=list(each.keys)) for each in hook.payloads],
        )


class HookList(View):
    """An offer's hooks, oldest first; their tokens are not known any more."""

    hooks: list[HookView]


class NewHookView(View):
    """A hook that was just made or rotated: the only moment at which its address is known."""

    id: str
    url: str
    token: str

    @classmethod
    def of(cls, made: NewHook, base_url: str) -> NewHookView:
        """A hook whose address begins with ``base_url``."""
        return cls(id=made.id, token=made.token, url=f"{base_url}/hooks/{made.token}")


class PostedTestView(View):
    """The test lead that came of a test payload."""

    lead_id: str
    marker: str = Field(description="Stands in all its texts.", examples=["MSFT_TEST_636573304831318844"])


HookId = Annotated[UUID, Path(alias="hookId")]


class HookRoutes:
    """``.../offers/{offerId}/hooks``. ``base_url`` starts the hooks' addresses."""

    def __init__(self, hooks: Hooks, tests: HookTests, base_url: str) -> None:
        self._hooks = hooks
        self._tests = tests
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
        rotate, end_old = f"{one}/rotate", f"{one}/end-old-address"
        either = (offer, missing)
        add(app, "POST", rotate, self.rotate_hook, *either, tag=tag, summary="Give a hook a new address", no_body=True)
        add(
            app,
            "POST",
            end_old,
            self.end_old_address,
            *either,
            tag=tag,
            summary="End the address from before a hook was rotated",
            status=204,
            no_body=True,
        )
        refused = (ProblemType.OFFER_NOT_LIVE, ProblemType.TOO_MANY_REQUESTS)
        add(
            app,
            "POST",
            f"{one}/test",
            self.test_hook,
            *either,
            *refused,
            tag=tag,
            summary="Post a test payload to a hook",
            no_body=True,
        )

    async def list_hooks(self, offer: Offer, _: Owner) -> HookList:
        """For an operator, or the publisher."""
        return HookList(hooks=[HookView.of(hook) for hook in await self._hooks.list(offer)])

    async def create_hook(self, offer: Offer, caller: Owner) -> NewHookView:
        """The address that takes the offer's leads from Microsoft's marketplace; it is shown this once."""
        made = await self._hooks.create(offer, by=caller.name)
        return NewHookView.of(made, self._base_url)

    async def delete_hook(self, offer: Offer, hook_id: HookId, caller: Owner) -> None:
        """It takes no more leads; other processes follow within a few seconds."""
        if not await self._hooks.remove(offer, str(hook_id), by=caller.name):
            raise unknown_hook(offer, str(hook_id))

    async def rotate_hook(self, offer: Offer, hook_id: HookId, caller: Owner) -> NewHookView:
        """The new address is shown this once. The one before takes leads for 14 days more, or until you end it."""
        made = await self._hooks.rotate(offer, str(hook_id), by=caller.name)
        if made is None:
            raise unknown_hook(offer, str(hook_id))
        return NewHookView.of(made, self._base_url)

    async def end_old_address(self, offer: Offer, hook_id: HookId, caller: Owner) -> None:
        """It takes no more leads; other processes follow within a few seconds."""
        if not await self._hooks.end_old(offer, str(hook_id), by=caller.name):
            await self._hooks.require(offer, str(hook_id))
            raise no_old_address(str(hook_id))

    async def test_hook(self, offer: Offer, hook_id: HookId, caller: Owner) -> PostedTestView:
        """Take in what Microsoft's marketplace posts to prove an endpoint, as if it had been posted to the hook.

        The test lead goes to all connections of the offer, as one from Partner Center does.
        """
        posted = await self._tests.post(offer, str(hook_id), by=caller.name)
        return PostedTestView(lead_id=posted.lead_id, marker=posted.marker)
