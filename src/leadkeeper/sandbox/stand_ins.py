"""Every stand-in there is; the order is that of the page."""

from __future__ import annotations

from collections.abc import Sequence

from leadkeeper.sandbox.dynamics.stand_in import Dynamics
from leadkeeper.sandbox.entra.directory import Directory
from leadkeeper.sandbox.entra.stand_in import Entra
from leadkeeper.sandbox.hubspot.stand_in import HubSpot
from leadkeeper.sandbox.marketo.stand_in import Marketo
from leadkeeper.sandbox.salesforce.stand_in import Salesforce
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
        HubSpot(clock),
    )
