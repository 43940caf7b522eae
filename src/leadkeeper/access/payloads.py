"""What was posted to a hook last: the keys of its last payloads and when each came, never a value. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

KEPT: Final = 5
"""How many different sets of keys are remembered of a hook."""
PayloadKeys = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SeenPayload:
    """The keys of a payload, and when (ms) one with just these came last, to the minute."""

    at: int
    keys: PayloadKeys


def read_payloads(stored: str | None) -> tuple[SeenPayload, ...]:
    """What a hook's row holds, newest first; what cannot be read is nothing."""
    try:
        found = json.loads(stored or "[]")
        read = [SeenPayload(int(each["at"]), tuple(map(str, each["keys"]))) for each in found]
    except (ValueError, TypeError, KeyError):
        return ()
    return tuple(sorted(read, key=lambda each: -each.at)[:KEPT])


def with_payloads(stored: str | None, seen: Mapping[PayloadKeys, int]) -> str:
    """What the row holds then: the newest :data:`KEPT` of what it held and of what was ``seen``, each set once."""
    newest = {each.keys: each.at for each in read_payloads(stored)}
    for keys, at in seen.items():
        newest[keys] = max(at, newest.get(keys, at))
    kept = sorted(newest.items(), key=lambda each: -each[1])[:KEPT]
    return json.dumps([{"at": at, "keys": keys} for keys, at in kept])
