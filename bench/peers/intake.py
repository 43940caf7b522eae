"""The peer's way in: a FastAPI application that checks a lead and answers 202 once Redis has its task on disk.

It runs in an environment of its own, as the worker in ``tasks.py`` does; neither imports anything of ours.
"""

from __future__ import annotations

import hmac
import os
import uuid
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, EmailStr, Field
from tasks import deliver

_KEY = os.environ["PEER_KEY"]
_bearer = HTTPBearer()


class Customer(BaseModel):
    """Who asks."""

    firstName: str = Field("", max_length=200)
    lastName: str = Field("", max_length=200)
    email: EmailStr
    phone: str = Field("", max_length=50)
    country: str = Field("", max_length=100)
    company: str = Field("", max_length=200)
    title: str = Field("", max_length=200)


class Lead(BaseModel):
    """What a marketplace hands in."""

    publisherId: str = Field(min_length=1, max_length=50)
    offerId: str = Field(min_length=1, max_length=50)
    source: str = Field(min_length=1, max_length=50)
    action: str = Field(min_length=1, max_length=50)
    customer: Customer
    description: str = Field("", max_length=10_000)
    campaign: str = Field("", max_length=200)


class Taken(BaseModel):
    """The answer: the lead's id."""

    id: str


def _known(given: Annotated[HTTPAuthorizationCredentials, Depends(_bearer)]) -> None:
    if not hmac.compare_digest(given.credentials.encode(), _KEY.encode()):
        raise HTTPException(401)


app = FastAPI()


# Not `async`: handing a task to Redis blocks, so that it belongs into FastAPI's threads.
@app.post("/v1/leads", status_code=202, dependencies=[Depends(_known)])
def hand_in(lead: Lead) -> Taken:
    """Answer when Redis has answered, which it does once the task is fsynced."""
    lead_id = str(uuid.uuid4())
    deliver.apply_async((lead_id, lead.model_dump()), task_id=lead_id)
    return Taken(id=lead_id)
