"""What usually is wrong when somebody looked for a test lead that no destination confirms, and did not find it."""

from __future__ import annotations

from typing import Final

from leadkeeper.diagnoses.entry import Entry
from leadkeeper.diagnosis import Kind, Outcome, Who
from leadkeeper.texts import _

AGAIN: Final = _(
    "Then validate the connection, search for the new test lead, and say whether it was found: once it was, the held "
    "leads go out. Those that were sent before can be sent again: replay the connection with the state unconfirmed."
)

ENTRIES: Final[dict[Kind, Entry]] = {
    Kind.SALESFORCE_TEST_LEAD_NOT_FOUND: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _(
            "The test lead was not found in Salesforce: Web-to-Lead drops leads without a word, and only Salesforce's "
            "setup shows why."
        ),
        (
            _(
                "Search Salesforce once more for MSFT_TEST, among all leads and not only your own: it belongs to whom "
                "the assignment rules or the 'Default Lead Creator' name."
            ),
            _(
                "Open Setup, Object Manager, Lead, 'Fields & Relationships': a mandatory field that is not sent, above "
                "all a picklist, costs every lead. Make it optional (a picklist is better a text field that may be "
                "empty), or send it with the setting fields."
            ),
            _(
                "Open Setup, Web-to-Lead: untick 'Require reCAPTCHA Verification', tick 'Web-to-Lead Enabled', and "
                "choose as 'Default Lead Creator' an active user who may make leads."
            ),
            _(
                "Compare 'Salesforce.com Organization ID' under Setup, Company Information with the object identifier "
                "(oid) in the settings: leads may go to another organization, or to a sandbox (test.salesforce.com)."
            ),
            _("Look at the validation rules, duplicate rules and flows of Lead: one of them may refuse it."),
            _("Surer is the REST API: enter its credentials in the settings, and Salesforce confirms each lead."),
            AGAIN,
        ),
    ),
    Kind.MARKETO_TEST_LEAD_NOT_FOUND: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _(
            "The test lead was not found in Marketo: a form queues what it is sent, and does not say what becomes of "
            "it."
        ),
        (
            _(
                "Search Marketo's database once more for MSFT_TEST, in every workspace: a form puts people into its "
                "own workspace's partition, a few minutes later."
            ),
            _(
                "Open Design Studio, 'Forms', the form: it must be approved and active (a draft takes nothing), and "
                "its id must be the one in the settings."
            ),
            _("Open 'Form Settings' of the form and turn CAPTCHA off: nobody but a person can answer it."),
            _(
                "Compare the Munchkin id (Admin, Munchkin) and the server id with the settings: people may go to "
                "another subscription."
            ),
            _("Look whether an active smart campaign on this form deletes or merges new people."),
            _("Surer is the REST API: enter its credentials in the settings, and Marketo confirms each lead."),
            AGAIN,
        ),
    ),
    Kind.MAIL_NOTICE_NOT_FOUND: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _(
            "The mail of the test lead was not found: a mail server that takes a mail does not say which mailbox keeps "
            "it."
        ),
        (
            _(
                "Look once more, in the spam folder and in the quarantine of your mail system too; mark the mail as "
                "wanted, and its sender as known."
            ),
            _(
                "Look for a rule in the mailbox or on the mail server that moves, forwards or deletes mail of this "
                "sender."
            ),
            _(
                "Compare the contact e-mails in the settings with real mailboxes; look for typing errors, and for "
                "lists that take no mail from outside."
            ),
            _(
                "Ask the operator whether the mail server sends for this sender's domain (SPF, DKIM), and what its log "
                "says of the mail."
            ),
            AGAIN,
        ),
    ),
    Kind.ENDPOINT_LEAD_NOT_FOUND: Entry(
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
            AGAIN,
        ),
    ),
}
