"""The acts that stand in the audit: a closed list, stable for whoever reads it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

ACTS: Final[Mapping[str, str]] = {
    "access.refused": "Somebody asked for what their role, or their publisher, does not allow.",
    "audit.leftOut": "So many lines of refusals were not written, because there were too many.",
    "operators.addresses": "An operator changed where operators are told: how many addresses were entered.",
    "channel.create": "A channel was made that tells of leads, connections and offers: of which kind.",
    "channel.remove": "A channel was removed, with what waited for it.",
    "channel.rotate": "A channel got a new signing secret.",
    "channel.switchOff": "Leadkeeper switched a channel off: why.",
    "channel.switchOn": "A channel that rested or was switched off was switched on.",
    "channel.test": "A test was sent over a channel.",
    "connection.acceptMissing": "Somebody said that records were removed at a destination on purpose.",
    "connection.change": "New settings were given to a working connection and wait to be proven.",
    "connection.confirmed": "Reconciliation found a lead at a destination that confirms none: its settings are proven.",
    "connection.dropChange": "Settings that waited were forgotten.",
    "connection.move": "A connection got another place among those of its offer: which.",
    "connection.pause": "A person paused a connection.",
    "connection.put": "A connection was made or changed: from which destination to which, which settings.",
    "connection.reconcile": "Somebody asked to look whether delivered leads are still at their destination.",
    "connection.remove": "A connection was removed.",
    "connection.rename": "A connection got another title.",
    "connection.replay": "A connection's leads were sent again.",
    "connection.resume": "A connection was resumed.",
    "connection.sendMissing": "Delivered leads that are missing at their destination were sent again.",
    "connection.testLead": "Somebody said whether the test lead over a connection was found, and which.",
    "connection.validate": "A test lead was sent over a connection.",
    "contact.allow": "An operator said that a contact e-mail may be told.",
    "contact.confirm": "A contact confirmed that it wants notices.",
    "contact.decline": "A contact wants no notices.",
    "crossListing.agree": "One side agreed to a cross-listing.",
    "crossListing.withdraw": "One side withdrew from a cross-listing.",
    "delivery.found": "Somebody looked for a lead that may have arrived, and found it.",
    "delivery.retry": "One delivery was sent again.",
    "hook.create": "A hook was made.",
    "hook.endOld": "The address that a hook had before it was rotated was ended.",
    "hook.remove": "A hook was ended.",
    "hook.rotate": "A hook was given a new address; the one before works for a while.",
    "hook.test": "A test payload was posted to a hook; the lead that came of it.",
    "invitation.create": "Somebody was invited, to a publisher or to run the installation, in which role.",
    "invitation.revoke": "An invitation was ended before it was accepted.",
    "key.create": "A key was made.",
    "key.revoke": "A key was revoked; its sessions ended with it.",
    "lead.export": "A list of leads was downloaded.",
    "lead.find": "Leads were searched for by an address, an id or a marker.",
    "lead.followUp": "Somebody changed a lead's state, its owner, or wrote a note on it: which of these.",
    "lead.list": "A list of leads was read.",
    "lead.read": "One lead was read whole.",
    "lead.record": "What a destination gets of a lead was read: over which connection.",
    "leads.actOnAll": "Somebody began to act on all leads that filters choose: which act, which filters.",
    "leads.stopActing": "Such an act was stopped before its end, by somebody or since who began it may not any more.",
    "leads.withheldSeen": "Somebody said that they have seen how many leads were withheld.",
    "look.begin": "An operator began to look at a publisher's pages as its members see them.",
    "look.end": "An operator looked no more.",
    "marketplace.accent": "The marketplace was given a colour, or ours again.",
    "marketplace.logo": "The marketplace was given a logo, or its logo was taken away.",
    "marketplace.name": "The marketplace was given a name.",
    "member.join": "Somebody who is known here accepted an invitation.",
    "member.remove": "Somebody is no member of a publisher any more.",
    "member.groups": "The groups of somebody at the identity provider gave or took roles: which.",
    "member.role": "A member has another role.",
    "offer.cancel": "An offer's publishing was cancelled, or its preview withdrawn.",
    "offer.withdraw": "An offer was taken out of the storefront.",
    "offer.certify": "An operator approved or refused an offer.",
    "offer.goLive": "An offer's preview was sent on to customers.",
    "offer.publish": "An offer's publishing was begun.",
    "offer.put": "An offer's draft was made or changed: which properties.",
    "password.change": "Somebody changed their password; their other sessions ended.",
    "password.link": "A link to a new password was made, by an operator or for whoever asked.",
    "password.reset": "Somebody chose a new password by a link; their sessions ended.",
    "person.create": "Somebody came: by the first link, an invitation, or from the identity provider.",
    "person.disable": "Somebody may not sign in any more; their sessions ended.",
    "person.enable": "Somebody may sign in again.",
    "person.link": "Somebody who is known here signed in with the identity provider for the first time.",
    "portalLink.create": "A link was made that shows a publisher's pages in another site's page, in which role.",
    "portalLink.open": "Such a link was used.",
    "publisher.put": "A publisher was made or changed.",
    "publisher.release": "A publisher that was suspended may go on.",
    "publisher.retention": "For how long a publisher's data are kept was changed: which, and for how many days.",
    "publisher.suspend": "A publisher was suspended: why.",
    "secondFactor.off": "A second factor is asked for no more.",
    "secondFactor.on": "A second factor was set up.",
    "secondFactor.recovery": "A recovery code was used instead of a code.",
    "secrets.rotate": "All secrets were sealed anew.",
    "session.begin": "Somebody signed in to the portal.",
    "session.end": "Somebody signed out of the portal.",
    "signIn.refused": "A wrong key, password or code was sent: to the portal, for a token, or with a call.",
    "token.grant": "An access token was made for a key.",
}
"""What each act means, by its name. Steps of publishing are ``offer.step.<step>`` besides."""
STEP: Final = "offer.step."
PATTERN: Final = f"^({'|'.join(re.escape(name) for name in ACTS)}|{re.escape(STEP)}.+)$"
"""All of them, as a schema writes it."""
BY_OFFER: Final = frozenset({"connection", "crossListing", "hook", "offer"})
"""What the names of acts begin with whose subject is an offer, or one of its connections."""


def is_act(name: str) -> bool:
    """Whether there is such an act."""
    return name in ACTS or (name.startswith(STEP) and len(name) > len(STEP))


def whose(act: str, subject: str) -> str | None:
    """The publisher that an act is about, where its subject tells: offers' subjects start with their publisher's id."""
    about = act.partition(".")[0]
    if about in ("contact", "publisher"):
        return subject
    return subject.partition(".")[0] if about in BY_OFFER else None


def which_offer(act: str, subject: str) -> str | None:
    """The offer (``publisher.offer``) that an act is about, where its subject tells: one's own, its connection's."""
    return subject.partition("/")[0] if act.partition(".")[0] in BY_OFFER else None
