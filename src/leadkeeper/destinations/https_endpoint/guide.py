"""What a publisher is told who connects an HTTPS endpoint: when to choose it, its ways, where to find each value."""

from __future__ import annotations

from typing import Final

from leadkeeper.destinations.guide import Guide, Way
from leadkeeper.texts import lazy_gettext as _

GUIDE: Final = Guide(
    "webhook",
    _("You have a Power Automate flow, a Logic App or a service of your own that takes leads by POST."),
    (
        Way(
            "url",
            _("HTTPS address"),
            "",
            ("httpsEndpointUrl",),
            (
                _("Power Automate: Create, Instant cloud flow, When an HTTP request is received."),
                _("Set Who can trigger the flow to Anyone: the signature in the address protects it."),
                _("Save the flow, then copy the HTTP URL of the trigger whole: it ends in sig=…"),
                _("Your own service: take POST over HTTPS, answer 200 once the lead is stored."),
                _("A signing secret is made for you and shown once, unless you enter one."),
            ),
            more=("signingSecret", "previousSigningSecret", "keyCasing", "leadSourceForm"),
        ),
    ),
    place=60,
)
