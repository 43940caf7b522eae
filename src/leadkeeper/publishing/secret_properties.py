"""What looks like a secret in an offer's definition, which is stored and shown in clear. Pure.

A definition has no place for secrets: those of its lead destination are taken out before it is stored. A property is
known by the words of its name, or by a value of a shape that nothing else has; a text that only speaks of passwords is
no secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from leadkeeper.problem import FieldError, Problem, ProblemType
from leadkeeper.texts import _, join_lazily, lazy_gettext

MOST: Final = 20
"""How many such properties one problem names."""
_MASK: Final = re.compile(r"\*+")
_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_LAST: Final = frozenset(
    {"password", "passwords", "passwd", "pwd", "passphrase", "secret", "secrets", "credential", "credentials", "token"}
)
"""A name that ends with one of these words."""
_LAST_TWO: Final = (
    *("accountkey", "accesskey", "apikey", "appkey", "applicationkey", "authkey", "clientkey", "directorykey"),
    *("encryptionkey", "functionkey", "masterkey", "privatekey", "secretkey", "sharedkey", "signingkey", "storagekey"),
    *("subscriptionkey", "connectionstring", "accesssignature", "sastoken", "sasuri", "sasurl"),
)
"""A name that ends with these two words, written together or not."""
_WHOLE: Final = frozenset({"sas", "sig", "authorization", "bearer", "jwt"}) | _LAST
"""A name that is no more than this, however it is written."""
_SHAPES: Final = tuple(
    (needle, re.compile(pattern), what)
    for needle, pattern, what in (
        ("private key", r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY", "a private key"),
        ("key=", r"(?i)\b(?:Account|SharedAccess)Key=[A-Za-z0-9+/=%]{20}", "a connection string with its key"),
        ("signature=", r"(?i)\bSharedAccessSignature=\S{20}", "a connection string with its signature"),
        ("sig=", r"[?&;]sig=[A-Za-z0-9%+/_-]{20}", "an address with its signature (SAS)"),
        ("==", r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{86}==(?![A-Za-z0-9+/=])", "a storage account's key"),
        ("p", r"(?i)(?:^|;)\s?(?:Password|Pwd)=[^;\s=]{4,128}(?:;|$)", "a connection string with its password"),
        ("://", r"://[^/\s:@]{1,256}:[^/\s:@]{1,256}@", "an address with its password"),
        ("_", r"\b(?:lk|lkt|lks|lh)_[\w-]{43}", "a key of Leadkeeper"),
        ("gh", r"\bgh[oprsu]_[A-Za-z0-9]{36}", "a key of GitHub"),
        ("akia", r"\bAKIA[0-9A-Z]{16}\b", "a key of AWS"),
        ("xox", r"\bxox[abpr]-[\w-]{10}", "a key of Slack"),
        ("aiza", r"\bAIza[\w-]{35}", "a key of Google"),
    )
)
"""What must stand in the text (in small letters) before a pattern is looked for, the pattern, and what it is.

A pattern takes time in proportion to the text's length, whatever the text: it looks a bounded way from each start, or
starts only where nothing of it can stand before.
"""
_DOTTED: Final = re.compile(r"[\w.-]+")
_REMEDY: Final = _(
    "A definition is kept and shown in clear. Give a lead destination's secrets inside its own object "
    "(microsoft-azure-marketplace.tableLeadConfiguration and the like), beside leadDestination; leave others out."
)


def refuse_secrets(definition: Mapping[str, Any], within: str = "definition") -> None:
    """Raise :class:`Problem` that names every property of ``definition`` which looks like a secret, not its value."""
    found = []
    for place, what in _secrets(definition, within, named=False):
        found.append(FieldError(place, lazy_gettext("looks like a secret: %(what)s", what=what)))
        if len(found) == MOST:
            break
    if found:
        named = join_lazily((join_lazily((each.field, each.message)) for each in found), "; ")
        detail = join_lazily((join_lazily((named, "."), ""), lazy_gettext(_REMEDY)))
        raise Problem(ProblemType.INVALID_REQUEST, detail, tuple(found))


def _secrets(value: object, place: str, *, named: bool) -> Iterator[tuple[str, str]]:
    """Places within ``value`` and why; ``named``: a name above says that all texts below are secrets."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _secrets(each, f"{place}.{str(key)[:100]}", named=named or is_secret_name(str(key)))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for number, each in enumerate(value):
            yield from _secrets(each, f"{place}.{number}", named=named)
    elif isinstance(value, str) and value and not _MASK.fullmatch(value):
        if named:
            yield place, "its name says so"
        elif (what := secret_shape(value)) is not None:
            yield place, f"it holds {what}"


def is_secret_name(name: str) -> bool:
    """Whether a property of this name holds a secret: by its last words, after the last dot."""
    words = [word.lower() for word in _WORDS.findall(name.rpartition(".")[2][-200:])]
    whole = "".join(words)
    return whole in _WHOLE or whole.endswith(_LAST_TWO) or (bool(words) and words[-1] in _LAST)


def secret_shape(text: str) -> str | None:
    """What ``text`` holds that can be nothing but a secret, or ``None``."""
    small = text.lower()
    if "eyj" in small and any(_is_signed_token(run) for run in _DOTTED.findall(text)):
        return "a signed token (JWT)"
    return next((what for needle, pattern, what in _SHAPES if needle in small and pattern.search(text)), None)


def _is_signed_token(run: str) -> bool:
    parts = run.split(".")
    return any(
        head.startswith("eyJ") and claims.startswith("eyJ") and min(len(head), len(claims), len(signature)) >= 10
        for head, claims, signature in zip(parts, parts[1:], parts[2:], strict=False)
    )
