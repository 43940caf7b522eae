"""What must come of everything that can happen to a lead on its way, one file per destination.

What the systems answer is taken from ``docs/reference/vendors``.
"""

from __future__ import annotations

from typing import Final

from tests.contracts.cases import azure_blob, azure_table, dynamics, email, https_endpoint, hubspot, marketo, salesforce

LINES: Final = (
    *azure_table.LINES,
    *azure_blob.LINES,
    *dynamics.LINES,
    *https_endpoint.LINES,
    *hubspot.LINES,
    *marketo.LINES,
    *salesforce.LINES,
    *email.LINES,
)
"""Every way of sending leads."""
