"""One call of an adapter, with everything that could go wrong on our own side caught."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog

from leadkeeper.catalogue import diagnose
from leadkeeper.destinations.destination import Destination, OutgoingLead
from leadkeeper.diagnosis import Answer, Kind

CALL_SECONDS: Final = 300
"""A call that has not ended by then never will: adapters end far earlier by themselves."""

log: Final = structlog.get_logger(__name__)


async def send(destination: Destination, leads: Sequence[OutgoingLead]) -> Sequence[Answer]:
    """The adapter's answers, one per lead. It raises only for bugs of ours; then the leads wait, nobody is charged.

    Cancelled (on shutdown), it answers too: the request may be out, so only a destination that tells twice from once
    may get it again.
    """
    try:
        async with asyncio.timeout(CALL_SECONDS):
            answers = await destination.deliver(leads)
        if len(answers) != len(leads):
            raise RuntimeError(f"{destination.name} gave {len(answers)} answers for {len(leads)} leads")
        return answers
    except asyncio.CancelledError:
        kind = Kind.INTERRUPTED if destination.repeatable else Kind.MAY_HAVE_ARRIVED
        return [diagnose(kind)] * len(leads)
    except Exception as error:
        log.error("adapter failed", destination=destination.name, leads=[lead.id for lead in leads], error=where(error))
        return [diagnose(Kind.INTERNAL_ERROR)] * len(leads)


def where(error: BaseException) -> str:
    """The class of an error and the line it came from: its text may hold personal data, so it is not logged."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(error).__name__
    return f"{type(error).__name__} at {trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}"
