"""What can go wrong with any destination."""

from __future__ import annotations

from typing import Final

from leadkeeper.diagnoses.entry import RESUME, VALIDATE, WAIT, Entry
from leadkeeper.diagnosis import AnyKind, Kind, Outcome, Who
from leadkeeper.texts import _

ENTRIES: Final[dict[AnyKind, Entry]] = {
    Kind.ADDRESS_NOT_FOUND: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("The host name in the destination's address does not exist."),
        (_("Compare the host name in the settings with the one your system shows; look for typing errors."), RESUME),
    ),
    Kind.HOST_NOT_RESOLVED: Entry(
        Outcome.FAILED,
        Who.OPERATOR,
        _("This installation cannot look up the host name of the destination or of its sign-in; the name is right."),
        (
            _(
                "Look up the host that the evidence names on the machine on which Leadkeeper runs (getent hosts). If "
                "that fails too, check the machine's DNS servers, its network, and the firewall in front of it."
            ),
            _("The connection's settings need no change. The leads are kept and sent again by themselves."),
        ),
    ),
    Kind.ADDRESS_REFUSED: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("The destination's address leads to a network that leads may not be sent to."),
        (
            _("Use an address that is reachable from the public internet."),
            _(
                "If the destination really stands in a private network, ask the operator to allow its range in "
                "LEADKEEPER_ALLOW_ADDRESSES."
            ),
            RESUME,
        ),
    ),
    Kind.OWN_ADDRESS: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("The destination's address leads back to this installation of Leadkeeper, so leads would go round for ever."),
        (
            _(
                "Use the address of the system that is to have the leads; for another offer's hook here, connect the "
                "offer to that one's destination."
            ),
            _("If leads really are to come back, ask the operator to set LEADKEEPER_ALLOW_OWN_ADDRESSES."),
            RESUME,
        ),
    ),
    Kind.CONNECTION_FAILED: Entry(
        Outcome.FAILED,
        Who.NOBODY,
        _("The destination did not accept a network connection."),
        (WAIT, _("If it lasts, check that the system behind the address is running and reachable from outside.")),
    ),
    Kind.TLS_FAILED: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        _("The destination's TLS certificate could not be verified."),
        (
            _(
                "Check that the certificate is in date, names this host, and is sent with its intermediate "
                "certificates."
            ),
            _(
                "If the destination uses a private certificate authority, ask the operator to add it with "
                "LEADKEEPER_CA_FILE."
            ),
            VALIDATE,
        ),
    ),
    Kind.NO_ANSWER: Entry(
        Outcome.AMBIGUOUS,
        Who.NOBODY,
        _("The destination took the request but did not answer in time."),
        (WAIT, _("If it lasts, look at the destination's own log for slow or hanging requests.")),
    ),
    Kind.CONNECTION_LOST: Entry(
        Outcome.AMBIGUOUS,
        Who.NOBODY,
        _("The connection broke before the destination's answer was complete."),
        (WAIT, _("If it lasts, check proxies and load balancers in front of the destination.")),
    ),
    Kind.ANSWER_TOO_LARGE: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("The answer was far larger than a destination's answer should be."),
        (_("Check that the address is that of an interface for leads, not of a web page or a file."), RESUME),
    ),
    Kind.ANSWER_NOT_UNDERSTOOD: Entry(
        Outcome.FAILED,
        Who.DESTINATION_ADMIN,
        _("The destination's answer is not one that such a system gives."),
        (
            _(
                "Check that the address is right and that no login page, proxy or maintenance page stands in front of "
                "it."
            ),
            WAIT,
        ),
    ),
    Kind.REDIRECTED: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("The destination answered with a redirect; leads are never sent on to another address."),
        (_("Enter the final address in the settings, exactly as the destination gives it."), RESUME),
    ),
    Kind.CREDENTIALS_REJECTED: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("The destination does not accept the credentials (401)."),
        (_("Renew the key or token in the destination and enter the new address or secret in the settings."), RESUME),
    ),
    Kind.PERMISSION_MISSING: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        _("The destination knows the caller but forbids the request (403)."),
        (_("Give the caller the right to create leads, and look for IP allow-lists or firewalls."), VALIDATE),
    ),
    Kind.READ_BACK_FORBIDDEN: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        _("The destination takes leads but does not let us read them, so nobody can say which are still there."),
        (_("Give the connection's user or application the right to read leads. Leads are delivered all the same."),),
    ),
    Kind.ENDPOINT_NOT_FOUND: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("There is nothing at the destination's address (404)."),
        (_("Copy the address from the destination again and enter it in the settings."), RESUME),
    ),
    Kind.ENDPOINT_GONE: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("The destination says that this address was given up for good (410)."),
        (_("Enter the address of its successor, or remove the connection."), RESUME),
    ),
    Kind.METHOD_REFUSED: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("The address does not take POST requests (405)."),
        (_("Enter the address of an interface that takes leads by POST."), RESUME),
    ),
    Kind.LEAD_REFUSED: Entry(
        Outcome.REFUSED,
        Who.PUBLISHER,
        _("The destination refuses this lead as it is; other leads are not affected."),
        (
            _("Read the evidence: it names what the destination did not like."),
            _("Change the destination's rule, then retry this delivery."),
        ),
    ),
    Kind.LEAD_TOO_LARGE: Entry(
        Outcome.REFUSED,
        Who.PUBLISHER,
        _("This lead is larger than the destination takes; other leads are not affected."),
        (_("Enter the lead by hand from its page, or raise the destination's limit and retry this delivery."),),
    ),
    Kind.EVERY_LEAD_REFUSED: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("The destination refused several leads in a row and took none: its settings or rules are wrong."),
        (
            _("Read the evidence: it names what the destination did not like."),
            _("Change the destination's rules or the connection's settings."),
            VALIDATE,
        ),
    ),
    Kind.THROTTLED: Entry(
        Outcome.THROTTLED,
        Who.NOBODY,
        _("The destination asked to be sent fewer leads for a while."),
        (WAIT, _("If it happens often, raise the destination's limit.")),
    ),
    Kind.SERVER_ERROR: Entry(
        Outcome.FAILED,
        Who.NOBODY,
        _("The destination failed on its own side."),
        (WAIT, _("If it lasts, look at the destination's own log or status page.")),
    ),
    Kind.REQUEST_TURNED_AWAY: Entry(
        Outcome.FAILED,
        Who.DESTINATION_ADMIN,
        _(
            "Something turned the request away for a reason that is not in the lead, such as a conflict with other "
            "work, a proxy, or what it demands of every request."
        ),
        (
            WAIT,
            _(
                "If it lasts, read the evidence, and look at what stands before the destination: a gateway, a firewall "
                "or a proxy, and its log."
            ),
            VALIDATE,
        ),
    ),
    Kind.SETTINGS_INVALID: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("The connection's settings cannot be used as they are."),
        (_("Read the evidence: it names the field."), RESUME),
    ),
    Kind.PASSED_ON_TOO_OFTEN: Entry(
        Outcome.REFUSED,
        Who.PUBLISHER,
        _(
            "The lead came back several times through installations of Leadkeeper: their destinations lead to one "
            "another."
        ),
        (
            _(
                "Look for the ring: a connection, flow or service that sends this offer's leads to a hook whose leads "
                "come here again."
            ),
            _("Take one link out. The lead is kept here; retry this delivery if it is to go on once more."),
        ),
    ),
    Kind.MAY_HAVE_ARRIVED: Entry(
        Outcome.REFUSED,
        Who.PUBLISHER,
        _("The lead may have arrived: it was sent, no answer proves it, and here twice makes two."),
        (
            _("Search the destination for the lead's id or its customer."),
            _("If it is not there, retry this delivery; if it is, nothing needs to be done."),
        ),
    ),
    Kind.GAVE_UP: Entry(
        Outcome.REFUSED,
        Who.PUBLISHER,
        _("The lead was tried for 14 days and the destination never took it."),
        (
            _("Read the last attempt's diagnosis and fix its cause."),
            _(
                "Where nothing else got through the connection either, the lead goes out by itself once something "
                "does. Otherwise retry this delivery."
            ),
        ),
    ),
    Kind.INTERRUPTED: Entry(
        Outcome.OURS,
        Who.NOBODY,
        _("Leadkeeper was stopped while it was sending this lead."),
        (WAIT,),
    ),
    Kind.INTERNAL_ERROR: Entry(
        Outcome.OURS,
        Who.LEADKEEPER,
        _("Leadkeeper failed on this lead: the fault is ours, not the destination's."),
        (_("The operator finds the details in the log under the delivery's id."), WAIT),
    ),
    Kind.DESTINATION_NOT_INSTALLED: Entry(
        Outcome.BROKEN,
        Who.OPERATOR,
        _("The package that provides this kind of destination is not installed, or the operator no longer names it."),
        (
            _(
                "Install the package again and name it in LEADKEEPER_DESTINATION_PACKAGES, in every process: the held "
                "leads go out by themselves."
            ),
            _("Or save settings for another kind of destination in the connection's place."),
        ),
    ),
    Kind.RECORD_DAMAGED: Entry(
        Outcome.REFUSED,
        Who.OPERATOR,
        _(
            "A record in Leadkeeper's database is damaged or missing: it could not be read, so nothing was done with "
            "it."
        ),
        (
            _(
                "Run leadkeeper doctor: it names every record that cannot be read; leadkeeper leads show <id> shows "
                "what is left of a lead."
            ),
            _(
                "Restore the record from a backup of the database, or remove it. A connection's settings can be "
                "entered anew instead, and an offer be published again."
            ),
            _("Then retry this delivery. A connection is tried again by itself."),
        ),
    ),
}
