"""The settings that hold: each with its value, where it comes from and its line of help, and no secret among them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from pydantic import SecretStr
from pydantic_settings import BaseSettings

MASK: Final = "*********"
_USER: Final = re.compile(r"(?<=://)[^/@]*@")


class Origin(StrEnum):
    """Where a setting's value comes from. ``given``: from ``.env``, or whoever started the program."""

    DEFAULT = "default"
    ENVIRONMENT = "environment"
    GIVEN = "given"


@dataclass(frozen=True, slots=True)
class SettingInForce:
    """A setting: its name in the environment, its value and its default as they are written there, its help.

    A secret that is set is :data:`MASK`. A value or default that is empty is not set.
    """

    name: str
    value: str
    default: str
    origin: Origin
    help: str


def in_force(settings: BaseSettings, environment: Mapping[str, str] = os.environ) -> tuple[SettingInForce, ...]:
    """Every setting of ``settings``, in the order in which they are declared."""
    prefix, there = settings.model_config.get("env_prefix", ""), {name.upper() for name in environment}
    found = []
    for field, info in type(settings).model_fields.items():
        name = f"{prefix}{field}".upper()
        origin = Origin.ENVIRONMENT if name in there else Origin.GIVEN
        if field not in settings.model_fields_set:
            origin = Origin.DEFAULT
        value, default = _written(getattr(settings, field)), _written(info.get_default(call_default_factory=False))
        found.append(SettingInForce(name, value, default, origin, info.description or ""))
    return tuple(found)


def _written(value: object) -> str:
    match value:
        case None:
            return ""
        case SecretStr():
            return MASK if value.get_secret_value() else ""
        case bool():
            return "true" if value else "false"
        case _:
            return _without_password(str(value))


def _without_password(text: str) -> str:
    """An address without who signs in there: a database's may hold a password, in its query too."""
    if "://" not in text or "," in text:
        return text
    shown = _USER.sub(f"{MASK}@", text)
    query = urlsplit(text).query
    return shown.replace(f"?{query}", f"?{MASK}") if query else shown
