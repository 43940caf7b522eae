"""What there is to look at while the demo goes on."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence

from leadkeeper.doors.cli.demo import cast
from leadkeeper.doors.cli.demo.hub import Hub
from leadkeeper.doors.cli.demo.market import DemoPerson
from leadkeeper.doors.cli.demo.stage import Stage


def sights(hub: Hub, stage: Stage, hook_url: str, accounts: Sequence[DemoPerson]) -> str:
    """Addresses and commands that work as they stand, in another terminal. The key dies with the demo."""
    key = f"-H 'Authorization: Bearer {hub.key}'"
    json_type = "-H 'Content-Type: application/json'"
    lead = json.dumps(cast.lead(cast.EVERYWHERE, "AzureMarketplace", "PLT"), ensure_ascii=False)
    payload = json.dumps(cast.HOOK_LEADS[0][1], ensure_ascii=False)
    settings = " ".join(
        f"{name}={shlex.quote(hub.settings[name])}"
        for name in ("LEADKEEPER_DATABASE_URL", "LEADKEEPER_SECRET_KEY_FILE")
    )
    people = "\n".join(f"  as {each.what}: {each.email}, password {each.password}" for each in accounts)
    return f"""
The hub goes on until Ctrl-C. Try it from another terminal; what you send appears below.

The API, described:        {hub.url}/openapi.json
The publishers' portal:    {hub.url}/portal
  Sign in with one of these passwords, which were made for this demo and end with it,
{people}
  or as operator with this key: {hub.key}
The storefront:            {hub.url}/store
What arrived, as a page:   {stage.sandbox.control_url}
  (its certificate is of the sandbox's own authority: let your browser go on)
Hand in a lead:
  curl {key} {json_type} {hub.url}/v1/leads -d {shlex.quote(lead)}
Post one as Microsoft's marketplace does:
  curl {json_type} {hook_url} -d {shlex.quote(payload)}
What became of the newest lead:
  curl {key} '{hub.url}/v1/leads?limit=1'
The rows that are really in Azure Table:
  leadkeeper sandbox rows {stage.storage.url("table")}
The same leads at the command line:
  {settings} leadkeeper leads list
The hub's log:             {hub.log}
"""
