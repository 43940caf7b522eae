"""What can go wrong with Power Automate flows behind an HTTPS endpoint."""

from __future__ import annotations

from typing import Final

from leadkeeper.diagnoses.entry import RESUME, VALIDATE, Entry
from leadkeeper.diagnosis import Kind, Outcome, Who
from leadkeeper.texts import _

ENTRIES: Final[dict[Kind, Entry]] = {
    Kind.FLOW_SIGNATURE_REJECTED: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("Power Automate does not accept the signature in the flow's address."),
        (
            _("Open the flow in Power Automate and the trigger 'When an HTTP request is received'."),
            _("Set 'Who can trigger the flow' to 'Anyone', save, and copy the new HTTP URL (it changes on saving)."),
            (_("Enter that URL in the settings, whole, with its query."), RESUME),
        ),
    ),
    Kind.FLOW_NOT_FOUND: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("The Power Automate flow is turned off or was deleted."),
        (
            _("Open Power Automate and turn the flow on; if it is gone, make it again."),
            (_("Copy its HTTP URL and enter it in the settings if it changed."), VALIDATE),
        ),
    ),
    Kind.FLOW_SCHEMA_MISMATCH: Entry(
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
}
