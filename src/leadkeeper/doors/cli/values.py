"""What people type: offers, roles, moments. Each is read here, and refused with the form that it should have."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_args

import typer

from leadkeeper.doors.cli.showing import system_text
from leadkeeper.offer import PRIMARY, OfferRef
from leadkeeper.texts import join_lazily
from leadkeeper.texts import lazy_gettext as _

if TYPE_CHECKING:
    from pydantic import BaseModel

    from leadkeeper.delivery.schedule import State

B = TypeVar("B", bound="BaseModel")


def parse_offer(text: str) -> OfferRef:
    """``publisher.offer``. Raises ``typer.BadParameter``."""
    try:
        return OfferRef.parse(text)
    except ValueError:
        raise typer.BadParameter(_("%(value)s: an offer is written publisher.offer", value=repr(text))) from None


def known_listed_state(text: str | None) -> str | None:
    """``text`` if leads are listed by it, or nothing. Raises ``typer.BadParameter``."""
    if text is not None:
        from leadkeeper.views import ListedState

        if text not in get_args(ListedState):
            raise typer.BadParameter(_("choose one of %(choices)s", choices=", ".join(get_args(ListedState))))
    return text


def known_states(names: Sequence[str] | None) -> Sequence[State]:
    """Those of ``names``, or that of what was set aside. Raises ``typer.BadParameter`` for one that there is not."""
    from leadkeeper.delivery.schedule import State

    known = {each.value: each for each in State}
    if unknown := [each for each in names or [] if each not in known]:
        raise typer.BadParameter(
            _("%(option)s: choose one of %(choices)s", option=f"--state {unknown[0]}", choices=", ".join(known))
        )
    return [known[each] for each in names or [State.SET_ASIDE.value]]


_AGO = re.compile(r"(\d{1,6})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_moment(text: str) -> datetime:
    """A day, a moment (ISO 8601, UTC unless it says otherwise), or how long ago (``90m``, ``2d``).

    Raises ``typer.BadParameter``.
    """
    if ago := _AGO.fullmatch(text.strip()):
        return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise typer.BadParameter(
            _("%(value)s: write 2026-11-22, 2026-11-22T08:15Z, or how long ago: 90m, 2d", value=repr(text))
        ) from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def milliseconds(moment: datetime | None) -> int | None:
    """Whole milliseconds since 1970, as the services count."""
    return None if moment is None else int(moment.timestamp() * 1000)


def moment_text(moment: datetime | None) -> str | None:
    """The same moment as the REST API takes it, to the millisecond."""
    if moment is None:
        return None
    from leadkeeper.clock import to_text

    return to_text(int(moment.timestamp() * 1000))


def read_json_file(path: str) -> dict[str, Any]:
    """The JSON object in a file, or on standard input for ``-``. Raises ``typer.BadParameter``, :class:`Problem`."""
    from leadkeeper.doors.readable import require_storable

    name = _("standard input") if path == "-" else path
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
        value = json.loads(text.removeprefix("\ufeff"))
    except OSError as error:
        raise typer.BadParameter(join_lazily((name, system_text(error)), ": ")) from None
    except ValueError as error:
        raise typer.BadParameter(_("%(file)s is not JSON: %(why)s", file=name, why=error)) from None
    if not isinstance(value, dict):
        raise typer.BadParameter(_("%(file)s must hold a JSON object", file=name))
    require_storable(value)
    return value


def checked(model: type[B], values: Mapping[str, Any], what: str) -> B:
    """``values`` as one of the API's bodies, held to the same rules. Raises :class:`Problem` that names the fields."""
    from pydantic import ValidationError

    from leadkeeper.doors.api.problems import invalid_model

    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise invalid_model(error, what=what) from None


Offer = Annotated[OfferRef, typer.Argument(metavar="PUBLISHER.OFFER", parser=parse_offer, help="Which offer.")]
Partner = Annotated[
    OfferRef, typer.Argument(metavar="PARTNER.OFFER", parser=parse_offer, help="The offer of the other publisher.")
]
ConnectionName = Annotated[str, typer.Argument(metavar="NAME", help="Which of the offer's connections.")]
Since = Annotated[
    datetime | None,
    typer.Option(
        metavar="MOMENT", parser=parse_moment, help="Only leads from then on: 2026-11-22, or 2d for two days ago."
    ),
]
Until = Annotated[
    datetime | None, typer.Option(metavar="MOMENT", parser=parse_moment, help="Only leads from before then.")
]
DEFAULT_NAME = PRIMARY
