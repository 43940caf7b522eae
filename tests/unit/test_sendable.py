"""Which deliveries go out again when many leads are sent again."""

from __future__ import annotations

import pytest

from leadkeeper.inbox.lists.sendable import ShownDelivery, to_send


@pytest.mark.parametrize(
    ("ways", "ids", "reason"),
    [
        ([], [], "noConnection"),
        ([("delivered", None), ("sending", None)], [], "nothingToSend"),
        ([("waiting", None), ("delivered", None)], ["0"], None),
        ([("setAside", "refused"), ("setAside", None), ("setAside", "gaveUp")], ["0", "1", "2"], None),
        ([("setAside", "mayHaveArrived")], [], "mayHaveArrived"),
        ([("setAside", "mayHaveArrived"), ("waiting", None), ("held", None)], ["1"], "mayHaveArrived"),
        ([("setAside", "damaged")], [], "damaged"),
        ([("held", None), ("delivered", None)], [], "held"),
        ([("pending", None), ("unconfirmed", None)], [], "nothingToSend"),
    ],
)
def test_only_what_waits_or_was_set_aside_goes_out(
    ways: list[tuple[str, str | None]], ids: list[str], reason: str | None
) -> None:
    assert to_send([ShownDelivery(str(at), *way) for at, way in enumerate(ways)]) == (ids, reason)


def test_what_may_have_arrived_goes_out_when_somebody_looked() -> None:
    assert to_send([ShownDelivery("a", "setAside", "mayHaveArrived")], uncertain=True) == (["a"], None)


def test_what_is_withheld_never_does() -> None:
    assert to_send([ShownDelivery("a", "waiting")], withheld=True, uncertain=True) == ([], "withheld")
