"""What somebody did, in words: the acts of the audit, told on its page and in an offer's history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from leadkeeper.access.acts import STEP
from leadkeeper.publishing.steps import STEP_TEXTS, StepId
from leadkeeper.texts import lazy_gettext as _

_ACT_WORDS: Final[Mapping[str, str]] = {
    "access.refused": _("Was refused what their role or publisher does not allow"),
    "audit.leftOut": _("Left out lines of refusals, because there were too many"),
    "channel.create": _("Made a channel"),
    "channel.remove": _("Removed a channel"),
    "channel.rotate": _("Gave a channel a new signing secret"),
    "channel.switchOff": _("Switched a channel off"),
    "channel.switchOn": _("Switched a channel on"),
    "channel.test": _("Sent a test over a channel"),
    "connection.acceptMissing": _("Said that missing records were removed on purpose"),
    "connection.change": _("Gave the connection new settings, which wait to be proven"),
    "connection.confirmed": _("Found a lead at the destination, so its settings are proven"),
    "connection.dropChange": _("Dropped the new settings that waited"),
    "connection.move": _("Moved the connection among the offer's"),
    "connection.pause": _("Paused the connection"),
    "connection.put": _("Saved the connection"),
    "connection.reconcile": _("Asked whether delivered leads are still there"),
    "connection.remove": _("Removed the connection"),
    "connection.rename": _("Gave the connection another title"),
    "connection.replay": _("Sent the connection's leads again"),
    "connection.resume": _("Resumed the connection"),
    "connection.sendMissing": _("Sent missing leads again"),
    "connection.testLead": _("Looked for the test lead"),
    "connection.validate": _("Sent a test lead"),
    "contact.allow": _("Allowed notices to a contact e-mail"),
    "contact.confirm": _("Confirmed that the contact wants notices"),
    "contact.decline": _("Declined notices for the contact"),
    "crossListing.agree": _("Agreed to a cross-listing"),
    "crossListing.withdraw": _("Withdrew from a cross-listing"),
    "delivery.found": _("Found a lead that may have arrived"),
    "delivery.retry": _("Sent one delivery again"),
    "hook.create": _("Made a hook"),
    "hook.endOld": _("Ended a hook's old address"),
    "hook.remove": _("Revoked a hook"),
    "hook.rotate": _("Gave a hook a new address"),
    "hook.test": _("Posted a test payload to a hook"),
    "invitation.create": _("Invited somebody"),
    "invitation.revoke": _("Ended an invitation"),
    "key.create": _("Made a key"),
    "key.revoke": _("Revoked a key"),
    "lead.export": _("Downloaded a list of leads"),
    "lead.find": _("Searched for leads"),
    "lead.followUp": _("Followed a lead up"),
    "lead.list": _("Read a list of leads"),
    "lead.read": _("Read a lead"),
    "lead.record": _("Read what a destination gets of a lead"),
    "leads.actOnAll": _("Began to act on all leads that fit"),
    "leads.stopActing": _("Stopped acting on all leads that fit"),
    "leads.withheldSeen": _("Saw how many leads were withheld"),
    "look.begin": _("Began to look at a publisher's pages as its members see them"),
    "look.end": _("Looked no more"),
    "marketplace.accent": _("Gave the marketplace a colour"),
    "marketplace.logo": _("Changed the marketplace's logo"),
    "marketplace.name": _("Gave the marketplace a name"),
    "member.groups": _("Changed roles by groups at the identity provider"),
    "member.join": _("Joined a publisher"),
    "member.remove": _("Removed a member"),
    "member.role": _("Gave a member another role"),
    "offer.cancel": _("Cancelled the publishing"),
    "offer.certify": _("Decided on the offer's certification"),
    "offer.goLive": _("Let the offer go live"),
    "offer.publish": _("Began to publish the offer"),
    "offer.put": _("Saved the offer"),
    "offer.withdraw": _("Took the offer out of the storefront"),
    "operators.addresses": _("Changed where operators are told"),
    "password.change": _("Changed their password"),
    "password.link": _("Asked for a link to a new password"),
    "password.reset": _("Chose a new password by a link"),
    "person.create": _("Became known here"),
    "person.disable": _("Stopped somebody from signing in"),
    "person.enable": _("Let somebody sign in again"),
    "person.link": _("Signed in with the identity provider for the first time"),
    "portalLink.create": _("Made a link for another site's page"),
    "portalLink.open": _("Used a link for another site's page"),
    "publisher.put": _("Saved the publisher"),
    "publisher.release": _("Let a suspended publisher go on"),
    "publisher.retention": _("Changed how long the publisher's data are kept"),
    "publisher.suspend": _("Suspended the publisher"),
    "secondFactor.off": _("Switched the second factor off"),
    "secondFactor.on": _("Set up a second factor"),
    "secondFactor.recovery": _("Used a recovery code"),
    "secrets.rotate": _("Sealed all secrets anew"),
    "session.begin": _("Signed in"),
    "session.end": _("Signed out of the portal"),
    "signIn.refused": _("Sent a wrong key, password or code"),
    "token.grant": _("Got an access token for a key"),
}


def act_word(act: str) -> str:
    """What somebody did, in words; an act that nobody knows any more stays as the audit names it."""
    if act.startswith(STEP):
        step = act.removeprefix(STEP)
        return _("Publishing: %(step)s", step=_(STEP_TEXTS[StepId(step)].name)) if step in set(StepId) else act
    return _ACT_WORDS.get(act, act)
