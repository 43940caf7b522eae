"""Which deliveries of one lead are sent again when many leads are: those whose page has a button for it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

Left = Literal["held", "mayHaveArrived", "damaged", "withheld", "noConnection", "nothingToSend"]
_BY_WEIGHT: Final[tuple[Left, ...]] = ("mayHaveArrived", "damaged", "held")


@dataclass(frozen=True, slots=True)
class ShownDelivery:
    """A delivery: its state as it is shown, and why it was set aside, where it was."""

    id: str
    state: str
    set_aside_for: str | None = None


def to_send(
    ways: Sequence[ShownDelivery], *, withheld: bool = False, uncertain: bool = False
) -> tuple[list[str], Left | None]:
    """The deliveries to send, and the weightiest reason for which another, or all, are left.

    What is being sent, waits for its first try or has arrived is left without a reason where others are sent. What may
    have arrived is sent only if ``uncertain``: whoever says so has looked for it there.
    """
    if withheld:
        return [], "withheld"
    left = {way.id: _left(way, uncertain=uncertain) for way in ways}
    ids = [way.id for way in ways if left[way.id] is None]
    for reason in _BY_WEIGHT:
        if reason in left.values():
            return ids, reason
    return ids, None if ids else "nothingToSend" if ways else "noConnection"


def _left(way: ShownDelivery, *, uncertain: bool) -> Left | None:
    if way.state == "setAside" and way.set_aside_for == "damaged":
        return "damaged"
    if way.state == "setAside" and way.set_aside_for == "mayHaveArrived" and not uncertain:
        return "mayHaveArrived"
    if way.state in ("waiting", "setAside"):
        return None
    return "held" if way.state == "held" else "nothingToSend"
