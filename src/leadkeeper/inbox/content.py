"""What a lead's body holds, as people see it. A body that is damaged reads as empty and says so. Pure."""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from leadkeeper.lead_body import from_body
from leadkeeper.views import CustomerView


class Content(BaseModel):
    """All that may be personal of a lead; see ``lead_body``, which says how it is stored."""

    model_config = ConfigDict(frozen=True)

    customer: CustomerView
    description: str
    campaign: str
    extra: dict[str, object]
    damaged: bool = Field(False, exclude=True)


_DAMAGED: Final = Content(customer=CustomerView(), description="", campaign="", extra={}, damaged=True)


def content_of(body: str) -> Content:
    """What ``body`` holds; never raises."""
    try:
        return Content.model_validate(from_body(body))
    except ValueError:  # pydantic's is one
        return _DAMAGED
