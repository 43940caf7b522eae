"""Sending one delivery again."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import FastAPI, Path

from leadkeeper.access.audit import Audit
from leadkeeper.doors.api.language import SUMMARY, Asked
from leadkeeper.doors.api.resource import add
from leadkeeper.doors.api.security import Reader
from leadkeeper.inbox.redelivery import Redelivery
from leadkeeper.problem import FieldError, Problem, ProblemType
from leadkeeper.texts import lazy_gettext
from leadkeeper.views import DeliveryView

DeliveryId = Annotated[UUID, Path(alias="deliveryId")]


class Deliveries:
    """``/v1/deliveries``."""

    def __init__(self, again: Redelivery, audit: Audit) -> None:
        self._again = again
        self._audit = audit

    def serve_on(self, app: FastAPI) -> None:
        """Add the routes."""
        add(
            app,
            "POST",
            "/v1/deliveries/{deliveryId}/retry",
            self.retry_delivery,
            ProblemType.UNKNOWN_DELIVERY,
            ProblemType.NOT_REPEATABLE_NOW,
            tag="Deliveries",
            summary="Send a lead over one connection again",
            responses={200: SUMMARY},
            no_body=True,
        )

    async def retry_delivery(self, delivery_id: DeliveryId, caller: Reader, language: Asked) -> DeliveryView:
        """It is due at once, its attempts counted anew. For an operator, or the lead's publisher."""
        offer = await self._again.offer_of(str(delivery_id))
        if offer is None or not caller.may_change(offer.publisher_id):
            if offer is not None:
                self._audit.refused(caller.name, f"delivery.retry {delivery_id}", caller.publisher_id)
            detail = lazy_gettext("There is no delivery %(delivery)s.", delivery=delivery_id)
            error = FieldError("deliveryId", lazy_gettext("unknown delivery"))
            raise Problem(ProblemType.UNKNOWN_DELIVERY, detail, (error,))
        return await self._again.retry(str(delivery_id), by=caller.name, language=language)
