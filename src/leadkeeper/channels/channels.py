"""Channels: made, changed, given a new secret, tested, removed. What is sent over them: ``channels.carrier``."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

import sqlalchemy as sa
import structlog
from yarl import URL

from leadkeeper.access.audit import note
from leadkeeper.access.quotas import USUAL, Quotas, quotas_of, require_room
from leadkeeper.channels.events import ChannelKind, events_for, wrong_events
from leadkeeper.channels.rules import MOST_WAITING, WhyOff, most_when_switched_on
from leadkeeper.channels.subscriptions import REFRESH_SECONDS, Subscriptions, read_events, read_subscriptions, test_row
from leadkeeper.channels.why_off import last_answer_of, why_off_of
from leadkeeper.clock import Clock, new_id, now_ms, to_text
from leadkeeper.connections.vault import Vault, channel_row
from leadkeeper.diagnosis import Diagnosis
from leadkeeper.network.client import AddressInvalid, AddressRefused
from leadkeeper.periodic import Job, run_periodically
from leadkeeper.problem import FieldError, Problem, ProblemType
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage, one_of
from leadkeeper.storage.known import publisher_exists
from leadkeeper.storage.looks import look
from leadkeeper.texts import join_lazily
from leadkeeper.texts import lazy_gettext as _

LONGEST_NAME: Final = 100
LONGEST_ADDRESS: Final = 2_000
SHOWN: Final = 50
"""How many of a channel's newest events are shown."""
COUNTED: Final = 1_000
"""So many waiting events are counted at most where they are shown."""
FORGOTTEN_AT_ONCE: Final = 1_000
"""So many events are deleted in one transaction, so that nobody waits long for SQLite's one writer."""
MOST_OF_OPERATOR: Final = 100
OVERLAP_MS: Final = 24 * 3_600_000
"""For how long after a rotation events are signed with the secret before it, too."""


log: Final = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel as it is shown; ``publisher_id`` is ``None`` for the operator's. Times in ms."""

    id: str
    publisher_id: str | None
    kind: ChannelKind
    name: str
    events: tuple[str, ...]
    language: str
    host: str
    created_at: int
    rotated_at: int | None
    taken_at: int | None
    failing_since: int | None
    trouble: Diagnosis | None
    disabled_at: int | None
    off: WhyOff | None
    """Why it is off; ``None`` where it is not."""
    waiting: int

    @property
    def state(self) -> Literal["notTried", "working", "failing", "off"]:
        """``off``, ``failing``, ``working``, or ``notTried``."""
        if self.disabled_at is not None:
            return "off"
        if self.failing_since is not None:
            return "failing"
        return "notTried" if self.taken_at is None else "working"


@dataclass(frozen=True, slots=True)
class ShownEvent:
    """An event of a channel: when, what, and what became of it (``waiting``, ``taken``, ``givenUp``)."""

    id: str
    kind: str
    created_time: str
    state: str
    tries: int
    status: int | None


@dataclass(frozen=True, slots=True)
class NewChannel:
    """A channel that was just made: the only moment at which its signing secret is known; chats have none."""

    id: str
    secret: str | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody enters for a channel. No ``events``: all that its kind can be told."""

    kind: ChannelKind
    name: str
    address: str
    events: tuple[str, ...] = ()
    language: str = "en"


class Channels:
    """The channels of one installation. ``check`` says whether an address may be sent to, or raises.

    ``publisher_id`` everywhere is whose channels are meant: a publisher's, or with ``None`` the operator's.
    """

    def __init__(
        self,
        storage: Storage,
        vault: Vault,
        check: Callable[[str], URL],
        subscriptions: Subscriptions,
        clock: Clock = now_ms,
        quotas: Quotas = USUAL,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        self._storage = storage
        self.vault = vault
        self._check = check
        self.subscriptions = subscriptions
        self._clock = clock
        self._quotas = quotas
        self.most_waiting = most_waiting

    async def create(self, publisher_id: str | None, wanted: Wanted, *, by: str) -> NewChannel:
        """Make a channel. Raises :class:`Problem` for what cannot be taken, an unknown publisher, or a quota."""
        url = self._checked(wanted)
        made = new_id()
        secret = new_secret() if wanted.kind is ChannelKind.WEBHOOK else None
        sealed = self.vault.seal(
            {"address": wanted.address.strip(), **({"secret": secret} if secret else {})}, channel_row(made)
        )

        def transaction(conn: sa.Connection) -> None:
            self._require_room(conn, publisher_id)
            now = self._clock()
            conn.execute(
                sa.insert(t.channel).values(
                    id=made,
                    publisher_id=publisher_id,
                    kind=wanted.kind.value,
                    name=wanted.name.strip(),
                    events=_events(wanted),
                    language=wanted.language,
                    host=url.host or "",
                    sealed=sealed,
                    created_at=now,
                )
            )
            note(conn, now, by, "channel.create", made, wanted.kind.value, publisher_id=publisher_id)

        await self._storage.write(transaction)
        await self.refresh()
        return NewChannel(made, secret)

    async def events(self, publisher_id: str | None, channel_id: str) -> list[ShownEvent]:
        """The channel's newest events, at most :data:`SHOWN`. Raises :class:`Problem` for an unknown channel."""

        def transaction(conn: sa.Connection) -> list[ShownEvent]:
            _require(conn, publisher_id, channel_id)
            e = t.channel_event.c
            newest = sa.select(t.channel_event).where(e.channel_id == channel_id).order_by(e.id.desc())
            return [_shown(row) for row in conn.execute(newest.limit(SHOWN))]

        return await self._storage.read(transaction)

    async def list(self, publisher_id: str | None) -> list[Channel]:
        """The publisher's channels, or the operator's, oldest first."""
        return await self._storage.read(_list, publisher_id)

    async def rotate(self, publisher_id: str | None, channel_id: str, *, by: str) -> str:
        """A new signing secret; for a day events are signed with the one before, too. Raises :class:`Problem`."""
        secret = new_secret()

        def transaction(conn: sa.Connection) -> None:
            row = _require(conn, publisher_id, channel_id, locked=True)
            if row.kind != ChannelKind.WEBHOOK:
                raise Problem(ProblemType.NOT_POSSIBLE_NOW, _("A chat's messages are not signed: it has no secret."))
            now, bound = self._clock(), channel_row(channel_id)
            held = self.vault.open(row.sealed, bound)
            sealed = self.vault.seal(held | {"secret": secret, "previous": held["secret"]}, bound)
            _set(conn, channel_id, sealed=sealed, rotated_at=now)
            note(conn, now, by, "channel.rotate", channel_id, publisher_id=publisher_id)

        await self._storage.write(transaction)
        return secret

    async def test(self, publisher_id: str | None, channel_id: str, *, by: str) -> str:
        """Send an event that says it is a test; its id. Raises :class:`Problem` for an unknown or switched-off one."""

        def transaction(conn: sa.Connection) -> str:
            row = _require(conn, publisher_id, channel_id)
            if row.disabled_at is not None:
                raise Problem(ProblemType.NOT_POSSIBLE_NOW, _("The channel is switched off. Switch it on first."))
            now = self._clock()
            event = test_row(channel_id, publisher_id, now)
            conn.execute(sa.insert(t.channel_event).values(event))
            _set(conn, channel_id, due_at=now)
            note(conn, now, by, "channel.test", channel_id, publisher_id=publisher_id)
            return str(event["id"])

        return await self._storage.write(transaction)

    async def switch_on(self, publisher_id: str | None, channel_id: str, *, by: str) -> None:
        """Let a channel that rests or was switched off be tried at once. Where more events wait than usually may,
        it is switched off when they become more, and not since they are as many.

        Raises :class:`Problem` for an unknown one, and where more than twice as many wait as usually may.
        """

        def transaction(conn: sa.Connection) -> None:
            _require(conn, publisher_id, channel_id, locked=True)
            now, most = self._clock(), 2 * self.most_waiting
            waiting = waiting_count(conn, channel_id, most + 1)
            if waiting > most:
                raise Problem(ProblemType.NOT_POSSIBLE_NOW, _too_many(most))
            may_wait = most_when_switched_on(waiting, self.most_waiting)
            on = {"disabled_at": None, "disabled_for": None, "may_wait": may_wait}
            _set(conn, channel_id, **on, failures=0, failing_since=None, due_at=now)
            put_off = (t.channel_event.c.channel_id == channel_id, t.WAITING_EVENT, t.channel_event.c.due_at > now)
            conn.execute(sa.update(t.channel_event).where(*put_off).values(due_at=now))
            note(conn, now, by, "channel.switchOn", channel_id, publisher_id=publisher_id)

        await self._storage.write(transaction)
        await self.refresh()

    async def remove(self, publisher_id: str | None, channel_id: str, *, by: str) -> None:
        """Forget a channel, its secrets, and what waits for it. Raises :class:`Problem` for an unknown one.

        Its events go first, in steps: should the process end between them, the channel is still there to be removed.
        """

        def forget_some(conn: sa.Connection) -> int:
            _require(conn, publisher_id, channel_id)
            e = t.channel_event.c
            some = list(conn.scalars(sa.select(e.id).where(e.channel_id == channel_id).limit(FORGOTTEN_AT_ONCE)))
            return conn.execute(sa.delete(t.channel_event).where(one_of(conn, e.id, some))).rowcount

        def transaction(conn: sa.Connection) -> None:
            _require(conn, publisher_id, channel_id, locked=True)
            conn.execute(sa.delete(t.channel_event).where(t.channel_event.c.channel_id == channel_id))
            conn.execute(sa.delete(t.channel).where(t.channel.c.id == channel_id))
            note(conn, self._clock(), by, "channel.remove", channel_id, publisher_id=publisher_id)

        while await self._storage.write(forget_some) >= FORGOTTEN_AT_ONCE:
            pass
        await self._storage.write(transaction)
        await self.refresh()

    async def run(self) -> None:
        """Learn again and again which channels there are, until cancelled: other processes make some, too."""
        await run_periodically(Job("channels", self.refresh, REFRESH_SECONDS, at_once=False))

    async def refresh(self) -> None:
        """Learn which channels there are. Raises ``StorageAway``."""
        self.subscriptions.learn(await look(self._storage, read_subscriptions))

    def _require_room(self, conn: sa.Connection, publisher_id: str | None) -> None:
        there = sa.select(sa.func.count()).select_from(t.channel).where(_of(publisher_id))
        if publisher_id is None:
            require_room("channels", MOST_OF_OPERATOR, conn.scalar(there) or 0)
            return
        if not publisher_exists(conn, publisher_id):
            text = _("There is no publisher %(publisher)s.", publisher=publisher_id)
            raise Problem(ProblemType.UNKNOWN_PUBLISHER, text)
        quotas = quotas_of(conn, publisher_id, self._quotas, lock=True)
        require_room("channels", quotas.channels, conn.scalar(there) or 0)

    def _checked(self, wanted: Wanted) -> URL:
        errors = []
        url = URL()
        try:
            url = self._check(wanted.address.strip()[: LONGEST_ADDRESS + 1])
            if len(wanted.address) > LONGEST_ADDRESS:
                too_long = _("The address has more than %(most)s characters.", most=LONGEST_ADDRESS)
                errors.append(FieldError("address", too_long))
        except (AddressInvalid, AddressRefused) as error:
            errors.append(FieldError("address", str(error)))
        if not 1 <= len(wanted.name.strip()) <= LONGEST_NAME or not wanted.name.isprintable():
            errors.append(FieldError("name", _("must be one line of 1 to %(most)s characters", most=LONGEST_NAME)))
        if wrong := wrong_events(wanted.kind, wanted.events):
            errors.append(
                FieldError(
                    "events", _("are not told over this kind of channel: %(events)s", events=", ".join(wrong)[:200])
                )
            )
        if errors:
            raise Problem(ProblemType.INVALID_REQUEST, join_lazily(map(_sentence, errors)), tuple(errors))
        return url


def _sentence(error: FieldError) -> str:
    """An address's error is a sentence already."""
    return (
        error.message
        if error.field == "address"
        else _("The field %(field)s %(message)s.", field=error.field, message=error.message)
    )


def new_secret() -> str:
    """A new signing secret, as Standard Webhooks writes it: 32 random bytes."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def _events(wanted: Wanted) -> str:
    return json.dumps(sorted(set(wanted.events)) or [each.value for each in events_for(wanted.kind)])


def _of(publisher_id: str | None) -> sa.ColumnElement[bool]:
    return t.channel.c.publisher_id.is_(None) if publisher_id is None else t.channel.c.publisher_id == publisher_id


def _require(conn: sa.Connection, publisher_id: str | None, channel_id: str, *, locked: bool = False) -> sa.Row[Any]:
    query = sa.select(t.channel).where(t.channel.c.id == channel_id, _of(publisher_id))
    row = conn.execute(query.with_for_update() if locked else query).one_or_none()
    if row is None:
        raise Problem(ProblemType.NOT_FOUND, _("There is no channel %(channel)s.", channel=channel_id))
    return row


def locked_row(conn: sa.Connection, channel_id: str) -> sa.Row[Any] | None:
    """The channel's row as it is now, which nobody else changes before the transaction ends; ``None`` if removed."""
    return conn.execute(sa.select(t.channel).where(t.channel.c.id == channel_id).with_for_update()).one_or_none()


def _too_many(most: int) -> str:
    return _(
        "More than %(most)s events wait for this channel, more than it could catch up with. Remove it and make a new "
        "one: what waits is not told then.",
        most=most,
    )


def _set(conn: sa.Connection, channel_id: str, **values: Any) -> None:
    conn.execute(sa.update(t.channel).where(t.channel.c.id == channel_id).values(values))


def _list(conn: sa.Connection, publisher_id: str | None) -> list[Channel]:
    rows = conn.execute(sa.select(t.channel).where(_of(publisher_id)).order_by(t.channel.c.id)).all()
    return [_channel(row, waiting_count(conn, row.id)) for row in rows]


def waiting_count(conn: sa.Connection, channel_id: str, most: int = COUNTED) -> int:
    """How many events wait, counted up to ``most``: for the usual few the look into an index that it costs is short."""
    e = t.channel_event.c
    some = sa.select(e.id).where(e.channel_id == channel_id, t.WAITING_EVENT).limit(most)
    return conn.scalar(sa.select(sa.func.count()).select_from(some.subquery())) or 0


def _channel(row: sa.Row[Any], waiting: int) -> Channel:
    return Channel(
        id=row.id,
        publisher_id=row.publisher_id,
        kind=ChannelKind(row.kind),
        name=row.name,
        events=tuple(read_events(row.events)),
        language=row.language,
        host=row.host,
        created_at=row.created_at,
        rotated_at=row.rotated_at,
        taken_at=row.taken_at,
        failing_since=row.failing_since,
        trouble=last_answer_of(row),
        disabled_at=row.disabled_at,
        off=why_off_of(row),
        waiting=waiting,
    )


def _shown(row: sa.Row[Any]) -> ShownEvent:
    state = "waiting" if row.ended_at is None else "taken" if row.taken else "givenUp"
    return ShownEvent(row.id, row.kind, to_text(row.created_at), state, row.tries, row.status)
