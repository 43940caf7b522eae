"""A connection's settings as Microsoft's ``customer-leads`` resource writes them, both ways. Pure.

The rules are those its schema intends: the chosen destination's object must be there, no other may be filled,
nothing is unknown; what Microsoft's API adds when it returns one is passed over. A secret reads back as :data:`MASK`;
sent so, the stored one is kept.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr, ValidationError
from pydantic_core import from_json

from leadkeeper.destinations.interface import Config, Provider
from leadkeeper.destinations.registry import OURS, Destinations
from leadkeeper.model_errors import model_error
from leadkeeper.problem import FieldError, Problem, ProblemType, every_error
from leadkeeper.texts import lazy_gettext

MASK = "*********"
NONE = "none"
_IGNORED = frozenset(
    {
        "$schema",
        "id",
        "product",
        "resourceName",
        "name",
        "title",
        "validations",
        "lifecycleState",
        "offer",
        "health",
        "host",
        "proven",
        "testLead",
        "pendingChange",
        "contacts",
        "createdTime",
        "changedTime",
    }
)


@dataclass(frozen=True, slots=True)
class Stored:
    """A connection's settings as they are stored: what may be shown, and what is secret."""

    provider: Provider
    settings: Mapping[str, Any]
    secrets: Mapping[str, str]
    announces: str = "none"
    repeatable: bool = False
    damaged: bool = False
    """Its row cannot be read: what is here stands in for it and is not what somebody entered."""

    @property
    def destination(self) -> str:
        """The name of its kind of destination."""
        return self.provider.name

    @property
    def contacts(self) -> list[str]:
        """The contact e-mails."""
        return list(self.settings.get("contactEmail", []))


def read_settings(text: str) -> dict[str, Any] | None:
    """The settings in a row of their table, or ``None`` for a row that is damaged."""
    try:
        settings = from_json(text)
    except (ValueError, TypeError):
        return None
    if not isinstance(settings, dict):
        return None
    contacts = settings.get("contactEmail", [])
    texts = isinstance(contacts, list) and all(isinstance(each, str) for each in contacts)
    return settings if texts else None


@dataclass(frozen=True, slots=True)
class Parsed:
    """Settings that passed every rule."""

    destination: Provider
    config: Config

    def stored(self) -> Stored:
        """What is to be stored."""
        dumped = self.config.model_dump(mode="json", by_alias=True, exclude_none=True)
        secrets = {}
        for alias, value in secret_values(self.config).items():
            dumped.pop(alias, None)
            if value is not None:
                secrets[alias] = value
        return Stored(self.destination, dumped, secrets, self.config.announces, self.config.repeatable)


def secret_fields(config: type[Config]) -> list[str]:
    """The JSON names of the settings that are secrets."""
    return [field.alias or name for name, field in config.model_fields.items() if _holds_secret(field.annotation)]


def _holds_secret(annotation: Any) -> bool:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return any(_holds_secret(part) for part in typing.get_args(annotation))
    return annotation is SecretStr


def secret_values(config: Config) -> dict[str, str | None]:
    """The secrets of ``config`` by their JSON names."""
    values = {}
    for name, field in type(config).model_fields.items():
        if _holds_secret(field.annotation):
            secret = getattr(config, name)
            values[field.alias or name] = None if secret is None else secret.get_secret_value()
    return values


def parse(body: Mapping[str, Any], before: Stored | None = None, destinations: Destinations = OURS) -> Parsed | None:
    """Read the resource; ``None`` for ``leadDestination`` ``none``. ``before`` is what is stored now.

    Raises :class:`Problem` that names every field which cannot be taken.
    """
    chosen = body.get("leadDestination")
    if not isinstance(chosen, str):
        raise _invalid(
            FieldError(
                "leadDestination",
                lazy_gettext("required: one of %(destinations)s", destinations=_choices(destinations)),
            )
        )
    if chosen == NONE:
        _nothing_else(body, None, destinations)
        return None
    destination = destinations.taking(chosen)
    if destination is None:
        raise _invalid(
            FieldError(
                "leadDestination",
                lazy_gettext(
                    "%(chosen)s is not one of %(destinations)s",
                    chosen=repr(chosen),
                    destinations=_choices(destinations),
                ),
            )
        )
    _nothing_else(body, destination.config_key, destinations)
    given = body.get(destination.config_key)
    if not isinstance(given, Mapping):
        message = lazy_gettext("required when leadDestination is %(chosen)s: an object", chosen=repr(chosen))
        raise _invalid(FieldError(destination.config_key, message))
    kept = before.secrets if before is not None and before.destination == destination.name else {}
    return Parsed(destination, _config(destination, given, kept))


def _config(destination: Provider, given: Mapping[str, Any], kept: Mapping[str, str]) -> Config:
    merged = dict(given)
    for alias in secret_fields(destination.config):
        if merged.get(alias) != MASK:
            continue
        if alias not in kept:
            message = lazy_gettext(
                "%(mask)s keeps a stored secret, but none is stored: send the secret itself", mask=MASK
            )
            raise _invalid(FieldError(f"{destination.config_key}.{alias}", message))
        merged[alias] = kept[alias]
    try:
        return destination.config.model_validate(merged).completed(kept)
    except ValidationError as error:
        raise _invalid(
            *(
                FieldError(".".join([destination.config_key, *map(str, e["loc"])]), model_error(e))
                for e in error.errors(include_url=False, include_input=False)
            )
        ) from None


def _choices(destinations: Destinations) -> str:
    return ", ".join([NONE, *destinations.choices])


def _nothing_else(body: Mapping[str, Any], config_key: str | None, destinations: Destinations) -> None:
    configurations = {each.config_key for each in destinations}
    known = _IGNORED | {"leadDestination", config_key}
    others = [key for key, value in body.items() if key not in known and not (key in configurations and not value)]
    if others:
        allowed = (
            lazy_gettext("only %(config_key)s belongs to this leadDestination", config_key=config_key)
            if config_key
            else lazy_gettext("is not used with none")
        )
        raise _invalid(*(FieldError(str(key), allowed) for key in others))


def _invalid(*errors: FieldError) -> Problem:
    detail = lazy_gettext("The connection's settings cannot be taken: %(errors)s", errors=every_error(errors))
    return Problem(ProblemType.INVALID_REQUEST, detail, errors)


def restored(stored: Stored) -> Config:
    """The settings of a stored connection, as its adapter takes them. Raises ``ValidationError`` for invalid ones."""
    return stored.provider.config.model_validate({**stored.settings, **stored.secrets})


def rendered(stored: Stored, shown: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The resource as it is read: secrets masked, except those of ``shown`` (made by us just now)."""
    secrets = {alias: (value if alias in shown else MASK) for alias, value in stored.secrets.items()}
    return {
        "leadDestination": stored.provider.lead_destination,
        stored.provider.config_key: {**stored.settings, **secrets},
    }
