"""What can go wrong with Power Automate flows behind an HTTPS endpoint."""

from __future__ import annotations

from typing import Final

from leadkeeper.catalogue import declare
from leadkeeper.diagnoses.entry import RESUME, SEARCH_AGAIN, VALIDATE, Entry
from leadkeeper.diagnosis import AnyKind, Outcome, Who
from leadkeeper.texts import _


class HttpsEndpointKind(AnyKind):
    """Causes that only HTTPS endpoints have."""

    ENDPOINT_LEAD_NOT_FOUND = "endpointLeadNotFound"
    FLOW_SIGNATURE_REJECTED = "flowSignatureRejected"
    FLOW_NOT_FOUND = "flowNotFound"
    FLOW_SCHEMA_MISMATCH = "flowSchemaMismatch"


ENTRIES: Final[dict[AnyKind, Entry]] = {
    HttpsEndpointKind.FLOW_SIGNATURE_REJECTED: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("Power Automate does not accept the signature in the flow's address."),
        (
            _("Open the flow in Power Automate and the trigger 'When an HTTP request is received'."),
            _("Set 'Who can trigger the flow' to 'Anyone', save, and copy the new HTTP URL (it changes on saving)."),
            (_("Enter that URL in the settings, whole, with its query."), RESUME),
        ),
    ),
    HttpsEndpointKind.FLOW_NOT_FOUND: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("The Power Automate flow is turned off or was deleted."),
        (
            _("Open Power Automate and turn the flow on; if it is gone, make it again."),
            (_("Copy its HTTP URL and enter it in the settings if it changed."), VALIDATE),
        ),
    ),
    HttpsEndpointKind.FLOW_SCHEMA_MISMATCH: Entry(
        Outcome.REFUSED,
        Who.PUBLISHER,
        _("The flow's trigger refuses the lead because it does not match its schema."),
        (
            _(
                "Open the trigger's settings in Power Automate and turn 'Schema Validation' off, or make all fields "
                "optional strings."
            ),
            _("Retry this delivery."),
        ),
    ),
    HttpsEndpointKind.ENDPOINT_LEAD_NOT_FOUND: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        _(
            "The test lead was not found behind the endpoint: it answered 202, which says that the lead waits in a "
            "queue and not what becomes of it."
        ),
        (
            _(
                "Look into the queue behind the endpoint, and at what it sorted out or failed on (dead letters, the "
                "run history of a flow)."
            ),
            _("Look whether the system behind it takes test leads, or filters them out by their mail domain test.com."),
            _(
                "Compare the address in the settings with the system in which you searched: it may lead to a test "
                "system."
            ),
            _("Surer is an endpoint that answers 200 once the lead is kept: then each lead is confirmed."),
            SEARCH_AGAIN,
        ),
    ),
}

declare(HttpsEndpointKind, ENTRIES)
