"""One delivery: what its destination gets, and sending it again."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import FastAPI, Path

from leadkeeper.access.audit import Audit
from leadkeeper.access.permissions import Caller
from leadkeeper.doors.api.language import SUMMARY, Asked
from leadkeeper.doors.api.resource import add
from leadkeeper.doors.api.security import Reader
from leadkeeper.inbox.as_sent import SentRecords, SentView, unknown_delivery
from leadkeeper.inbox.redelivery import Redelivery
from leadkeeper.problem import ProblemType
from leadkeeper.views import DeliveryView

DeliveryId = Annotated[UUID, Path(alias="deliveryId")]


class Deliveries:
    """``/v1/deliveries``."""

    def __init__(self, again: Redelivery, sent: SentRecords, audit: Audit) -> None:
        self._again = again
        self._sent = sent
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
        add(
            app,
            "POST",
            "/v1/deliveries/{deliveryId}/found",
            self.found_there,
            ProblemType.UNKNOWN_DELIVERY,
            ProblemType.NOT_REPEATABLE_NOW,
            tag="Deliveries",
            summary="Say that a lead which may have arrived is there",
            responses={200: SUMMARY},
            no_body=True,
        )
        add(
            app,
            "GET",
            "/v1/deliveries/{deliveryId}/record",
            self.get_sent_record,
            ProblemType.UNKNOWN_DELIVERY,
            ProblemType.LEAD_EXPIRED,
            ProblemType.NOT_POSSIBLE_NOW,
            ProblemType.RECORD_DAMAGED,
            tag="Deliveries",
            summary="What the destination gets of the lead",
        )

    async def retry_delivery(self, delivery_id: DeliveryId, caller: Reader, language: Asked) -> DeliveryView:
        """It is due at once, its attempts counted anew. For an operator, or the lead's publisher."""
        await self._require_own(delivery_id, caller, "delivery.retry")
        return await self._again.retry(str(delivery_id), by=caller.name, language=language)

    async def found_there(self, delivery_id: DeliveryId, caller: Reader, language: Asked) -> DeliveryView:
        """Somebody looked there and found it: it is delivered. For an operator, or the lead's publisher."""
        await self._require_own(delivery_id, caller, "delivery.found")
        return await self._again.found_there(str(delivery_id), by=caller.name, language=language)

    async def get_sent_record(self, delivery_id: DeliveryId, caller: Reader, language: Asked) -> SentView:
        """Made anew of the lead and of the connection's settings as they are now: nothing of it is kept.

        For an operator, or the lead's publisher; it stands in the audit.
        """
        await self._require_own(delivery_id, caller, "lead.record")
        return await self._sent.of(str(delivery_id), by=caller.name, language=language)

    async def _require_own(self, delivery_id: UUID, caller: Caller, act: str) -> None:
        """Raise :class:`Problem` unless it is there and the caller may act on it."""
        offer = await self._again.offer_of(str(delivery_id))
        if offer is None or not caller.may_change(offer.publisher_id):
            if offer is not None:
                self._audit.refused(caller.name, f"{act} {delivery_id}", caller.publisher_id)
            raise unknown_delivery(str(delivery_id))
