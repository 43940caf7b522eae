"""Dynamics 365: the Dataverse Web API v9.2 for leads, as strict as the real one.

Who asks must bring a token that the stand-in for Entra issued, for this environment, not expired; must be a member
with a role that holds the privilege; must send the OData headers, and only columns that exist with values that fit.
See ``dynamics_errors`` for every answer and every state, ``dynamics_organization`` for what can be set up.
"""

from __future__ import annotations

