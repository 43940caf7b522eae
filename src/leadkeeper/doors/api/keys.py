"""Who may call the API: keys made, listed, revoked."""

from __future__ import annotations

import re
from typing import Annotated, Final
from uuid import UUID

from fastapi import FastAPI, Path, Query
from pydantic import Field, field_validator

from leadkeeper.access.keys import OF_KEYS, KeyChoice, Keys
from leadkeeper.access.permissions import FOR_ALL, Role
from leadkeeper.doors.api.resource import add
from leadkeeper.doors.api.schemas import Body, Text
from leadkeeper.doors.api.security import Operator
from leadkeeper.model_errors import CURSOR
from leadkeeper.offer import PUBLISHER_ID
from leadkeeper.problem import FieldError, Problem, ProblemType
from leadkeeper.texts import lazy_gettext
from leadkeeper.views import View

ROLES: Final = (*OF_KEYS, *sorted(FOR_ALL))
LONGEST_NOTE: Final = 200
_ROLE: Final = "^(operator|marketplace|(publisher|contributor|reader):[A-Za-z0-9_-]{1,128})$"
KeyId = Annotated[UUID, Path(alias="keyId")]


class KeyBody(Body):
    """A key to make."""

    role: Annotated[str, Field(max_length=150, json_schema_extra={"pattern": _ROLE})] = Field(
        description="operator, marketplace (hands in leads), publisher:<id>, contributor:<id> or reader:<id>.",
        examples=["publisher:contoso"],
    )
    note: Annotated[Text, Field(max_length=LONGEST_NOTE)] = Field("", description="What it is for.")

    @field_validator("role")
    @classmethod
    def _role(cls, value: str) -> str:
        if re.match(_ROLE, value) is None:
            raise ValueError(
                lazy_gettext("must be operator, marketplace, publisher:<id>, contributor:<id> or reader:<id>")
            )
        return value


class KeyQuery(Body):
    """Which keys to list."""

    publisher_id: Annotated[str, Field(pattern=PUBLISHER_ID)] | None = Field(
        None, description="Only the keys of one publisher."
    )
    role: Role | None = Field(None, description="Those of one role.", json_schema_extra={"enum": list(ROLES)})
    revoked: bool = Field(False, description="Those that were revoked, too.")
    limit: int = Field(50, ge=1, le=200)
    cursor: Annotated[str, Field(pattern=CURSOR)] | None = Field(None, description="The nextCursor of the page before.")


class KeyView(View):
    """A key; its text is not known any more."""

    id: str
    role: str
    note: str
    created_at: str = Field(alias="createdTime")
    used_at: str | None = Field(
        alias="lastUsedTime", description="When somebody called with it last, to the minute; null if nobody did."
    )
    revoked_at: str | None = Field(alias="revokedTime")


class KeyList(View):
    """Keys, newest first."""

    keys: list[KeyView]
    next_cursor: str | None = Field(None, description="Where the next page begins; null on the last.")


class NewKeyView(View):
    """A key that was just made: the only moment at which its text is known."""

    id: str
    role: str
    key: str


class KeyRoutes:
    """``/v1/keys``, for operators."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def serve_on(self, app: FastAPI) -> None:
        """Add the routes."""
        tag, missing = "Keys", ProblemType.NOT_FOUND
        add(app, "GET", "/v1/keys", self.list_keys, tag=tag, summary="List keys")
        unknown = ProblemType.UNKNOWN_PUBLISHER
        add(app, "POST", "/v1/keys", self.create_key, unknown, tag=tag, summary="Make a key", status=201)
        add(app, "DELETE", "/v1/keys/{keyId}", self.revoke_key, missing, tag=tag, summary="Revoke a key", status=204)

    async def list_keys(self, query: Annotated[KeyQuery, Query()], _: Operator) -> KeyList:
        """Those that are good, or with `revoked` all. Follow `nextCursor` until there is none."""
        choice = KeyChoice(query.publisher_id, query.role, query.revoked)
        found = await self._keys.page(choice, query.cursor, query.limit + 1)
        shown = [KeyView.model_validate(key) for key in found[: query.limit]]
        return KeyList(keys=shown, next_cursor=shown[-1].id if len(found) > query.limit else None)

    async def create_key(self, body: KeyBody, caller: Operator) -> NewKeyView:
        """It is shown in this answer alone: only its hash is kept."""
        try:
            made = await self._keys.create(body.role, body.note, by=caller.name)
        except ValueError:
            publisher = body.role.partition(":")[2]
            message = lazy_gettext("There is no publisher %(publisher)s. Make it first.", publisher=publisher)
            error = FieldError("role", lazy_gettext("unknown publisher"))
            raise Problem(ProblemType.UNKNOWN_PUBLISHER, message, (error,)) from None
        return NewKeyView.model_validate(made)

    async def revoke_key(self, key_id: KeyId, caller: Operator) -> None:
        """End a key and its sessions. Other processes honour it for up to five seconds more."""
        if not await self._keys.revoke(str(key_id), by=caller.name):
            raise Problem(ProblemType.NOT_FOUND, lazy_gettext("There is no key %(key)s to revoke.", key=key_id))
