"""Passwords of people: which may be chosen, and how they are kept.

The rules are those of NIST SP 800-63B: a length, no composition, any character, nothing that is commonly used or close
to what is known of the person. What attackers try first is known without the network, from the lists of zxcvbn.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from leadkeeper.normal_forms import composed
from leadkeeper.problem import Problem, ProblemType
from leadkeeper.texts import lazy_gettext as _

LEAST: Final = 12
MOST: Final = 256
"""Characters."""
GUESSES: Final = 8.0
"""How many guesses (as a power of ten) a password must stand at least: what zxcvbn calls safely unguessable online."""
_LOOKED_AT: Final = 72
"""How many characters are judged: judging takes longer for long ones, and more than these are safe anyway."""
_TELLING: Final = 4
"""How short a part of a name or address is that a password may hold after all."""
_AT_ONCE: Final = 1
"""How many passwords are hashed at a time: each takes 19 MiB and a core for some hundredths of a second."""
_MOST_WAITING: Final = 64
"""How many wait for that; whoever comes beyond is told to come again, so that a flood of them takes no more."""
_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""Argon2id, as OWASP recommends it for servers that do other work too."""


def telling_words(*texts: str) -> tuple[str, ...]:
    """What of names and addresses no password may hold: their parts of four characters and more."""
    parts = {part for text in texts for part in re.split(r"[\W_]+", composed(text).casefold())}
    return tuple(sorted(part for part in parts if len(part) >= _TELLING))


def refusal(password: str, words: Iterable[str], least: int = LEAST) -> str | None:
    """Why this password may not be chosen, by somebody of whom ``words`` are known; ``None`` if it may."""
    text = composed(password)
    if len(text) < least:
        return _(
            "Use at least %(least)s characters. Several words that have nothing to do with one another are easy to "
            "remember.",
            least=least,
        )
    if len(text) > MOST:
        return _("Use at most %(most)s characters.", most=MOST)
    small = text.casefold()
    if any(word in small for word in words):
        return _("It holds your name, your address or the marketplace's name: choose another.")
    if _guessable(text, tuple(words)):
        return _("It is one of those that are tried first, or close to one: choose another.")
    return None


def _guessable(text: str, words: Sequence[str]) -> bool:
    from zxcvbn import zxcvbn  # noqa: PLC0415 - its lists take a moment to read, and few processes need them

    return float(zxcvbn(text[:_LOOKED_AT], user_inputs=list(words))["guesses_log10"]) < GUESSES


_T = TypeVar("_T")


class Passwords:
    """Judges, hashes and compares passwords; ``least`` is the fewest characters. Threads do the work.

    No password may hold the name of ``marketplace``, whatever it is at the time. All raise :class:`Problem` when too
    many wait.
    """

    def __init__(self, least: int = LEAST, marketplace: object = "") -> None:
        self.least = least
        self._marketplace = marketplace
        self._waiting = 0
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._nobody_s: str | None = None

    async def refusal(self, password: str, *known: str) -> str | None:
        """Why somebody with these names and addresses may not choose this password."""
        words = telling_words(*known, str(self._marketplace))
        return await self._one(refusal, password, words, self.least)

    async def hashed(self, password: str) -> str:
        """As it is kept: the same on every keyboard."""
        return await self._one(_HASHER.hash, composed(password))

    async def fits(self, password: str, kept: str | None) -> bool:
        """Whether it is the one that is ``kept``. For nobody's (``None``) the answer takes as long, and is no."""
        if len(password) > 4 * MOST:
            return False
        if self._nobody_s is None:
            self._nobody_s = await self.hashed("nobody has this password")
        return await self._one(_fits, kept or self._nobody_s, composed(password)) and kept is not None

    async def _one(self, work: Callable[..., _T], *given: object) -> _T:
        if self._waiting >= _MOST_WAITING:
            message = _("Too many people sign in at this moment. Try again in some seconds.")
            raise Problem(ProblemType.TOO_BUSY, message, retry_after=5)
        self._waiting += 1
        try:
            async with self._slots:
                return await asyncio.to_thread(work, *given)
        finally:
            self._waiting -= 1


def _fits(kept: str, password: str) -> bool:
    try:
        return _HASHER.verify(kept, password)
    except (VerificationError, InvalidHashError):
        return False
