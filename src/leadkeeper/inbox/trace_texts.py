"""The words that tell what became of a lead. Pure."""

from __future__ import annotations

from typing import Final

from leadkeeper.texts import _

TRACE_TEXTS: Final = {
    "delivered": _("Over %(connection)s it was delivered on %(at)s%(found)s."),
    "found_link": _("; open it there: %(link)s"),
    "found_id": _("; its id there is %(id)s"),
    "unconfirmed": _(
        "Over %(connection)s it was sent, unconfirmed, on %(at)s: this destination does not say"
        " whether it keeps a lead. Search for %(search)s there."
    ),
    "if_not_found": _("If it cannot be found there, look at the usual causes:"),
    "pending": _("Over %(connection)s it goes out now."),
    "sending": _("Over %(connection)s it is on its way at this moment."),
    "waiting": _("Over %(connection)s it waits and is tried again on %(due)s. %(why)s"),
    "held": _(
        "Over %(connection)s it is held, because the connection is broken or paused. It goes out by"
        " itself once the connection works. %(why)s"
    ),
    "heldSuspended": _(
        "Over %(connection)s it is held, because an operator suspended its publisher. It goes out by"
        " itself once the publisher is released. %(why)s"
    ),
    "heldNotFound": _(
        "Over %(connection)s it is held, because somebody did not find the connection's test"
        " lead there. It goes out once a test lead is found there, or somebody resumes the connection. %(why)s"
    ),
    "setAside": _("Over %(connection)s it is set aside for a person: it does not go out by itself. %(why)s"),
    "setAsideOutage": _(
        "Over %(connection)s it is set aside, because nothing got through there for long."
        " It goes out by itself once the connection works. %(why)s"
    ),
    "withheld": _(
        "It was withheld: customers of this mail domain are private, so their data were neither stored nor"
        " passed on. You learn only that somebody came."
    ),
    "unrouted": _("The offer has no lead destination, so it waits here; it goes out when one is connected."),
    "preview": _("It comes from the offer's preview, not from a customer."),
    "retry_missing": _(
        "If it is not there, send it again: POST /v1/deliveries/%(delivery)s/retry, or the portal's button."
    ),
    "retry": _(
        "Once the cause is fixed, send it again: POST /v1/deliveries/%(delivery)s/retry, or the portal's button."
    ),
    "none_text": _("No lead fits %(text)s."),
    "none_offer": _("No lead has come for %(text)s yet."),
    "not_live": _("The offer %(offer)s is not live, so it takes no leads: publish it, or set it live."),
    "no_connection": _(
        "The offer %(offer)s has no lead destination: leads are kept, and go out when one is connected."
    ),
    "withheld_domain": _(
        "Customers of this mail domain are withheld for privacy: their address is kept nowhere, so it"
        " cannot be found. Search for the offer; such leads are marked as withheld."
    ),
    "not_come": _(
        "If the customer acted elsewhere, look whether the offer's hook or key is set there, and ask for the"
        " time: what was never answered was not kept, and can be sent again."
    ),
}
