"""What every call of Marketo's REST API shares: how it is read, refused, and how records are answered for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from leadkeeper.sandbox.marketo.leads import Person, Reason
from leadkeeper.sandbox.stand_in import Request

Result = dict[str, object]
Outcome = Reason | tuple[Person, str]
"""Why a record is skipped, or who it became and the status."""


class Refused(Exception):
    """The call is refused as a whole."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def not_there() -> Refused:
    """There is no such resource."""
    return Refused("610", "Requested resource not found")


def body_of(request: Request) -> dict[str, object]:
    """The body, a JSON object."""
    if request.content_type != "application/json":
        raise Refused("612", "Invalid Content Type")
    try:
        body = request.json()
    except ValueError:
        raise Refused("609", "Invalid JSON") from None
    if not isinstance(body, dict):
        raise Refused("609", "Invalid JSON")
    return body


def records_of(body: Mapping[str, object], most: int) -> list[dict[str, object]]:
    """The body's records, at least one and ``most`` at most."""
    records = body.get("input")
    if not isinstance(records, list) or not records:
        raise Refused("701", "input cannot be blank")
    if not all(isinstance(each, dict) for each in records):
        raise Refused("609", "Invalid JSON")
    if len(records) > most:
        raise Refused("1003", f"Invalid data: more than {most} records")
    return records


def asked(request: Request) -> dict[str, str]:
    """The parameters of a call that reads: of the query, and of a form that is sent instead (``_method=GET``)."""
    form = request.form() if request.content_type == "application/x-www-form-urlencoded" else {}
    return request.query | form


def moment(at: float) -> str:
    """A time as the service writes it."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def results(outcomes: Sequence[Outcome]) -> Result:
    """What became of each record."""
    return {"result": [_result(each) for each in outcomes]}


def _result(outcome: Outcome) -> Result:
    if isinstance(outcome, Reason):
        return {"status": "skipped", "reasons": [{"code": outcome.code, "message": outcome.message}]}
    person, status = outcome
    return {"id": person.id, "status": status}
