"""Every stand-in there is; the order is that of the page."""

from __future__ import annotations

from collections.abc import Sequence

from leadkeeper.sandbox.dynamics import Dynamics
from leadkeeper.sandbox.entra import Entra
from leadkeeper.sandbox.entra_directory import Directory
from leadkeeper.sandbox.marketo import Marketo
from leadkeeper.sandbox.salesforce import Salesforce
from leadkeeper.sandbox.stand_in import Clock, StandIn
from leadkeeper.sandbox.tokens import Tokens


def every(clock: Clock) -> Sequence[StandIn]:
    """One new stand-in of each kind, all on the same clock; Dynamics believes Entra's tokens."""
    tokens, directory = Tokens(clock), Directory()
    return (
        Entra(clock, tokens, directory),
        Dynamics(clock, tokens, directory),
        Salesforce(clock),
        Marketo(clock),
    )
