"""One call of an adapter, with everything that could go wrong on our own side caught."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog

from leadkeeper.catalogue import diagnose
from leadkeeper.deadlines import Deadlines
from leadkeeper.destinations.interface import Adapter
from leadkeeper.diagnosis import Answer, AnyKind, Diagnosis, Kind, Outcome, Receipt
from leadkeeper.fault import where
from leadkeeper.gate import on_behalf_of
from leadkeeper.lead import OutgoingLead

CALL_SECONDS: Final = 300
"""A call that has not ended by then never will: adapters end far earlier by themselves."""

log: Final = structlog.get_logger(__name__)


async def send(
    destination: Adapter,
    leads: Sequence[OutgoingLead],
    connection_id: str = "",
    deadlines: Deadlines | None = None,
) -> Sequence[Answer]:
    """The adapter's answers, one per lead, over the connection. It raises only for bugs of ours; shutdown cancels it.

    Nobody is charged then; but the request may be out, so only a destination that tells twice from once may get the
    leads again. ``deadlines`` are those of whoever has many calls running.
    """
    try:
        within = (deadlines or Deadlines()).within(CALL_SECONDS)
        with on_behalf_of(leads[0].publisher_id, connection_id), within:
            answers = await destination.deliver(leads)
        if len(answers) != len(leads) or not all(isinstance(answer, Receipt | Diagnosis) for answer in answers):
            raise RuntimeError(f"{_named(destination)} gave {len(answers)} answers for {len(leads)} leads")
        return answers
    except asyncio.CancelledError:
        return [_unobserved(destination, Kind.INTERRUPTED)] * len(leads)
    except Exception as error:
        ids = [lead.id for lead in leads]
        log.error("adapter failed", adapter=_named(destination), leads=ids, error=where(error))
        return [_unobserved(destination, Kind.INTERNAL_ERROR)] * len(leads)


def _named(adapter: Adapter) -> str:
    """The adapter as a person finds it in the code: ``salesforce.rest.RestApi``."""
    return f"{type(adapter).__module__.removeprefix('leadkeeper.destinations.')}.{type(adapter).__name__}"


def _unobserved(destination: Adapter, kind: AnyKind) -> Diagnosis:
    return diagnose(kind) if destination.repeatable else diagnose(Kind.MAY_HAVE_ARRIVED, outcome=Outcome.OURS)
