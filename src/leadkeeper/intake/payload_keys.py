"""The keys of a payload without any of its values, as the page of a hook shows what came last. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

MOST_KEYS: Final = 60
"""The most keys that are named of one payload."""
MORE: Final = "…"
"""Stands for keys that are not named: they are too many, too deep, or no names."""
_DEEPEST: Final = 4
# A sender may write what is personal (an address, a number) where a key belongs: only what looks like a name is kept.
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_ -]{0,39}")


def keys_of(payload: Mapping[str, Any]) -> tuple[str, ...]:
    """The keys in their order, those within an object behind its own and a dot; at most :data:`MOST_KEYS`.

    No value is in it, and no key that could be one: such a key is :data:`MORE`.
    """
    found: dict[str, None] = {}
    for key in _walk(payload, "", _DEEPEST):
        if len(found) >= MOST_KEYS:
            found[MORE] = None
            break
        found[key] = None
    return tuple(found)


def _walk(value: Mapping[str, Any], before: str, depth: int) -> Iterator[str]:
    for key, held in value.items():
        if _NAME.fullmatch(key) is None:
            yield before + MORE
            continue
        inner = held[0] if isinstance(held, list) and held else held
        if not isinstance(inner, dict) or not inner:  # of an abstract class this takes far longer
            yield before + key
        elif depth > 1:
            yield from _walk(inner, f"{before}{key}.", depth - 1)
        else:
            yield f"{before}{key}.{MORE}"
