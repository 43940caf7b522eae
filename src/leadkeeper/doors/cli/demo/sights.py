"""What there is to look at while the demo goes on."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence

from leadkeeper.doors.cli.demo import cast
from leadkeeper.doors.cli.demo.hub import Hub
from leadkeeper.doors.cli.demo.market import DemoPerson
from leadkeeper.doors.cli.demo.stage import Stage
from leadkeeper.doors.cli.showing import spoken
from leadkeeper.texts import lazy_gettext as _


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
    people = [
        _("as %(who)s: %(email)s, password %(password)s", who=each.what, email=each.email, password=each.password)
        for each in accounts
    ]
    certificate = _("(its certificate is of the sandbox's own authority: let your browser go on)")
    shown: list[tuple[str, Sequence[str]]] = [
        (_("The API, described:"), (f"{hub.url}/openapi.json",)),
        (_("The publishers' portal:"), (f"{hub.url}/portal",)),
        (_("Sign in with one of these passwords, which were made for this demo and end with it,"), people),
        (_("or as operator with this key:"), (hub.key,)),
        (_("The storefront:"), (f"{hub.url}/store",)),
        (_("What arrived, as a page:"), (stage.sandbox.control_url, certificate)),
        (_("Hand in a lead:"), (f"curl {key} {json_type} {hub.url}/v1/leads -d {shlex.quote(lead)}",)),
        (_("Post one as Microsoft's marketplace does:"), (f"curl {json_type} {hook_url} -d {shlex.quote(payload)}",)),
        (_("What became of the newest lead:"), (f"curl {key} '{hub.url}/v1/leads?limit=1'",)),
        (_("The rows that are really in Azure Table:"), (f"leadkeeper sandbox rows {stage.storage.url('table')}",)),
        (_("The same leads at the command line:"), (f"{settings} leadkeeper leads list",)),
        (_("The hub's log:"), (str(hub.log),)),
    ]
    lines = [spoken(_("The hub goes on until Ctrl-C. Try it from another terminal; what you send appears below."))]
    for head, below in shown:
        lines += [spoken(head), *(f"  {spoken(line)}" for line in below)]
    return "\n".join(("", *lines, ""))
