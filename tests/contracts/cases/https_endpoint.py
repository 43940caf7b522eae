"""An HTTPS endpoint. Its status is its word: 2xx means that it has the lead.

Source: ``docs/reference/vendors/https_endpoint.md``.
"""

from __future__ import annotations

import base64
from typing import Final

from leadkeeper.destinations.https_endpoint.provider import HTTPS_ENDPOINT
from leadkeeper.diagnosis import AnyKind, Kind, Outcome, Who
from leadkeeper.sandbox import faults
from leadkeeper.sandbox.mishaps import Match
from tests.contracts.cases.case import (
    ADMIN,
    BROKEN,
    DELIVERED,
    FAILED,
    NOBODY,
    PUBLISHER,
    REFUSED,
    THROTTLED,
    UNCONFIRMED,
    Expected,
    Line,
    State,
)

SECRET: Final = "whsec_" + base64.b64encode(b"a secret that two sides share...").decode()
WRONG_SECRET: Final = "whsec_" + base64.b64encode(b"a secret that is another one....").decode()
URL: Final = "https://leads.fabrikam.example/in?code=3bfc0d5e7a51"


def _status(status: int, outcome: Outcome, kind: AnyKind | None = None, who: Who | None = None) -> State:
    return State(str(status), str(status), outcome, kind, who, check=False, fault=faults.answer(status))


LINES: Final = (
    Line(
        name="https_endpoint",
        destination=HTTPS_ENDPOINT,
        settings={"httpsEndpointUrl": URL, "signingSecret": SECRET},
        stand_in="https_endpoint",
        carries=Match(),
        states=(
            _status(202, UNCONFIRMED),
            _status(400, REFUSED, Kind.LEAD_REFUSED, PUBLISHER),
            _status(405, BROKEN, Kind.METHOD_REFUSED, PUBLISHER),
            _status(408, FAILED, Kind.SERVER_ERROR, NOBODY),
            _status(413, REFUSED, Kind.LEAD_TOO_LARGE, PUBLISHER),
            _status(415, REFUSED, Kind.LEAD_REFUSED, PUBLISHER),
            _status(422, REFUSED, Kind.LEAD_REFUSED, PUBLISHER),
            _status(425, FAILED, Kind.SERVER_ERROR, NOBODY),
            _status(502, FAILED, Kind.SERVER_ERROR, NOBODY),
            _status(504, FAILED, Kind.SERVER_ERROR, NOBODY),
            _status(429, THROTTLED, Kind.THROTTLED, NOBODY),
            State(
                "another signing secret",
                "401",
                BROKEN,
                Kind.CREDENTIALS_REJECTED,
                PUBLISHER,
                check=False,
                settings={"signingSecret": WRONG_SECRET},
            ),
            State(
                "a host that is not there",
                "no such host name",
                BROKEN,
                Kind.ADDRESS_NOT_FOUND,
                PUBLISHER,
                settings={"httpsEndpointUrl": URL.replace("fabrikam", "nobody")},
            ),
        ),
        differs={
            "hang after the headers": Expected(DELIVERED),
            "reset within the body": Expected(DELIVERED),
            "HTML": Expected(DELIVERED),
            "wrong content type": Expected(DELIVERED),
            "giant answer": Expected(DELIVERED),
            "commit, then drop the answer": Expected(DELIVERED),
            "401 once": Expected(BROKEN, Kind.CREDENTIALS_REJECTED, PUBLISHER),
            "401": Expected(BROKEN, Kind.CREDENTIALS_REJECTED, PUBLISHER),
            "403": Expected(BROKEN, Kind.PERMISSION_MISSING, ADMIN),
            "404": Expected(BROKEN, Kind.ENDPOINT_NOT_FOUND, PUBLISHER),
            "410": Expected(BROKEN, Kind.ENDPOINT_GONE, PUBLISHER),
        },
        secrets=(SECRET, WRONG_SECRET, "3bfc0d5e7a51"),
        believed=True,
    ),
)
