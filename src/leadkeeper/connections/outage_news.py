"""What a notice of an outage says, as it is stored: counts and the kind of trouble, nothing personal, no evidence."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from leadkeeper.catalogue import kind_of
from leadkeeper.connections.outage import News
from leadkeeper.diagnosis import AnyKind


@dataclass(frozen=True, slots=True)
class OutageNews:
    """``kind`` is the diagnosis, ``cause`` what makes outages one for whoever hears of them; times in ms.

    ``waiting`` leads wait, ``set_aside`` were tried for two weeks: they go out by themselves. ``may_have_arrived`` were
    set aside during the outage for a person, since nobody knows whether they are there, and twice would make two. Of an
    outage that is over ``most`` is the most that people were told of as waiting, ``proven`` says that a lead was taken
    (not only a check passed), and ``confirmed`` that the destination confirms what it takes.
    """

    news: News
    kind: AnyKind
    cause: str
    since: int
    at: int
    waiting: int = 0
    set_aside: int = 0
    most: int = 0
    paused: bool = False
    proven: bool = True
    may_have_arrived: int = 0
    confirmed: bool = True

    @property
    def leads(self) -> int:
        """How many have yet to get through, and will by themselves."""
        return self.waiting + self.set_aside

    def to_text(self) -> str:
        """As it is stored."""
        return json.dumps(asdict(self))

    @staticmethod
    def of(text: str) -> OutageNews:
        """What :meth:`to_text` wrote; raises ``ValueError`` for what it did not write."""
        stored: Any = json.loads(text)
        try:
            read = OutageNews(**{**stored, "news": News(stored["news"]), "kind": kind_of(stored["kind"])})
        except (TypeError, KeyError) as error:
            raise ValueError("not as it is written") from error
        numbers: tuple[object, ...] = (
            read.since,
            read.at,
            read.waiting,
            read.set_aside,
            read.most,
            read.may_have_arrived,
        )
        if not all(isinstance(number, int) for number in numbers):
            raise ValueError("not as it is written")
        return read
