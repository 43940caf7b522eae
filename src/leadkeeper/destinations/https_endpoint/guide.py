"""What a publisher is told who connects an HTTPS endpoint: when to choose it, its ways, where to find each value."""

from __future__ import annotations

from typing import Final

from leadkeeper.destinations.guide import Guide, Way
from leadkeeper.destinations.https_endpoint.diagnoses import HttpsEndpointKind
from leadkeeper.diagnosis import Kind
from leadkeeper.texts import lazy_gettext as _

_URL: Final = ("httpsEndpointUrl",)

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
    help={
        "keyCasing": _("How the keys of the JSON are written."),
        "leadSourceForm": _("What stands in LeadSource."),
    },
    choices={
        ("keyCasing", "pascal"): _("As Microsoft writes them: UserDetails.FirstName"),
        ("keyCasing", "userDetailsCamel"): _("As some of Microsoft's samples: userDetails.FirstName"),
        ("keyCasing", "camel"): _("All in camel case: userDetails.firstName"),
        ("leadSourceForm", "combined"): _("Whole: AzureMarketplace-INS|publisher.offer"),
        ("leadSourceForm", "bare"): _("The source alone: AzureMarketplace"),
    },
    made=("signingSecret",),
    address=_URL,
    secret=_URL,
    marks={
        Kind.ENDPOINT_NOT_FOUND: _URL,
        Kind.ENDPOINT_GONE: _URL,
        Kind.METHOD_REFUSED: _URL,
        HttpsEndpointKind.FLOW_SIGNATURE_REJECTED: _URL,
        HttpsEndpointKind.FLOW_NOT_FOUND: _URL,
        HttpsEndpointKind.ENDPOINT_LEAD_NOT_FOUND: _URL,
    },
    place=60,
)
