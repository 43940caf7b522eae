"""What a publisher is told who connects Marketo: when to choose it, its ways, where to find each value."""

from __future__ import annotations

from typing import Final

from leadkeeper.destinations.guide import Guide, Way
from leadkeeper.destinations.marketo.diagnoses import MarketoKind
from leadkeeper.texts import lazy_gettext as _

_FORM: Final = (
    _("In Marketo open Design Studio and make a form for these leads: only Email Address required, no CAPTCHA."),
    _(
        "Approve it, then open Form Actions, Embed Code. It holds a line such as "
        'loadForm("//app-ys12.marketo.com", "123-PQR-789", 1179).'
    ),
    _("Here ys12 is the server id, 123-PQR-789 the Munchkin id, 1179 the form id."),
    _("Where it names a domain of yours instead, the address of Marketo in the browser has the server id."),
)

GUIDE: Final = Guide(
    "target-arrow",
    _("Your marketing people nurture leads in Marketo Engage: each lead fills out a form of yours."),
    (
        Way(
            "rest",
            _("REST API"),
            _("Advised: every lead is confirmed, with a link to the person."),
            ("serverId", "munchkinId", "formId", "clientId", "clientSecret"),
            (
                *_FORM,
                _(
                    "Admin, Users & Roles: a role with Read-Write Person and Read-Only Assets, and an "
                    "API Only user in it."
                ),
                _("Admin, LaunchPoint, New Service, Custom: View Details shows the client id and secret."),
            ),
            more=("programId", "secretExpires"),
            tells="clientId",
            needed=("clientId", "clientSecret"),
        ),
        Way(
            "form",
            _("Web form"),
            _("Quick: three ids from the form's embed code. Marketo never says whether it kept a lead."),
            ("serverId", "munchkinId", "formId"),
            _FORM,
        ),
    ),
    help={
        "serverId": _("The part between app- and .marketo.com."),
        "munchkinId": _("Three groups of three letters and digits."),
        "formId": _("A number: the last value in the embed code."),
    },
    examples={"serverId": "ys12", "munchkinId": "123-PQR-789", "formId": "1179"},
    address=("serverId",),
    secret=("clientSecret",),
    marks={
        MarketoKind.SERVER_NOT_FOUND: ("serverId",),
        MarketoKind.ACCOUNT_NOT_FOUND: ("munchkinId",),
        MarketoKind.FORM_NOT_FOUND: ("formId",),
        MarketoKind.TEST_LEAD_NOT_FOUND: ("formId",),
        MarketoKind.SERVICE_REJECTED: ("clientId", "clientSecret"),
        MarketoKind.FIELD_UNKNOWN: ("fields",),
    },
    place=40,
)
