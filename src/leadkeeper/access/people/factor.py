"""The second factor: codes of an app (TOTP, RFC 6238), and codes on paper for the day on which the app is lost."""

from __future__ import annotations

import base64
import hmac
import json
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

import pyotp
import sqlalchemy as sa

from leadkeeper.access.audit import note
from leadkeeper.access.keys import hashed
from leadkeeper.access.people.records import no_such_person, wrong
from leadkeeper.access.permissions import Caller
from leadkeeper.clock import Clock, now_ms
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage
from leadkeeper.texts import lazy_gettext as _

STEP: Final = 30
"""How long (s) a code is shown."""
AROUND: Final = 1
"""How many steps an app's clock may be off."""
CODES: Final = 10
"""How many recovery codes there are."""


class Seals(Protocol):
    """Keeps a secret so that only this installation can read it, in its row alone."""

    def seal(self, secrets: Mapping[str, str], row: str) -> str:
        """As it is stored."""

    def open(self, sealed: str, row: str) -> dict[str, str]:
        """The secrets again."""

    def opens(self, sealed: str, row: str) -> bool:
        """Whether :meth:`open` can: the key may be lost."""


def factor_binding(person_id: str) -> str:
    """What a person's secret is bound to."""
    return f"person/{person_id}/factor"


class SecondFactor:
    """Sets second factors up and asks for them."""

    def __init__(self, storage: Storage, seals: Seals, clock: Clock = now_ms) -> None:
        self._storage = storage
        self._seals = seals
        self._clock = clock

    @staticmethod
    def new_secret() -> str:
        """The secret of a new one (base32), to be shown to its owner and to come back with the first code."""
        return pyotp.random_base32()

    @staticmethod
    def address(secret: str, email: str, marketplace: str) -> str:
        """What the QR code holds that an app reads."""
        return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=marketplace)

    async def set_up(self, caller: Caller, secret: str, code: str) -> Sequence[str]:
        """From now on it is asked for; the recovery codes, known only now. Raises :class:`Problem` for a wrong one."""
        person_id, step = caller.person_id or "", _step_of(secret, code, self._clock(), after=None)
        if step is None:
            raise wrong(
                "code", _("This is not the code of now: look whether the clocks are right, and enter the next.")
            )
        codes = [_new_code() for _ in range(CODES)]
        sealed = self._seals.seal({"secret": secret}, factor_binding(person_id))

        def transaction(conn: sa.Connection) -> None:
            now = self._clock()
            values: dict[str, Any] = {"factor": sealed, "factor_at": now, "factor_step": step}
            values["recovery"] = json.dumps([hashed(_bare(each)) for each in codes])
            conn.execute(sa.update(t.person).where(t.person.c.id == person_id).values(values))
            note(conn, now, caller.name, "secondFactor.on", person_id)

        await self._storage.write(transaction)
        return codes

    async def fits(self, person_id: str, code: str) -> bool:
        """Whether it is the code of now, or a recovery code; either is good once."""

        def transaction(conn: sa.Connection) -> bool:
            row = conn.execute(sa.select(t.person).where(t.person.c.id == person_id).with_for_update()).first()
            if row is None or row.factor is None:
                return False
            this = sa.update(t.person).where(t.person.c.id == person_id)
            step = self._step(row.factor, person_id, code, after=row.factor_step)
            if step is not None:
                conn.execute(this.values(factor_step=step))
                return True
            left, sent = json.loads(row.recovery or "[]"), hashed(_bare(code))
            rest = [each for each in left if not hmac.compare_digest(each, sent)]
            if len(rest) == len(left):
                return False
            conn.execute(this.values(recovery=json.dumps(rest)))
            note(conn, self._clock(), f"person:{person_id}", "secondFactor.recovery", person_id, f"{len(rest)} left")
            return True

        return await self._storage.write(transaction)

    def _step(self, sealed: str, person_id: str, code: str, *, after: int | None) -> int | None:
        """The time step of which it is the code; none where the secret cannot be read: recovery codes are left then."""
        if not self._seals.opens(sealed, factor_binding(person_id)):
            return None
        secret = self._seals.open(sealed, factor_binding(person_id))["secret"]
        return _step_of(secret, code, self._clock(), after=after)

    async def left(self, person_id: str) -> int:
        """How many recovery codes are left."""
        query = sa.select(t.person.c.recovery).where(t.person.c.id == person_id)
        return len(json.loads(await self._storage.read(lambda conn: conn.scalar(query) or "[]")))

    async def remove(self, person_id: str, *, by: Caller) -> None:
        """It is asked for no more. Raises :class:`Problem` for nobody."""

        def transaction(conn: sa.Connection) -> None:
            none = {"factor": None, "factor_at": None, "factor_step": None, "recovery": None}
            if not conn.execute(sa.update(t.person).where(t.person.c.id == person_id).values(none)).rowcount:
                raise no_such_person()
            note(conn, self._clock(), by.name, "secondFactor.off", person_id)

        await self._storage.write(transaction)


def _step_of(secret: str, code: str, now: int, *, after: int | None) -> int | None:
    """The time step of which ``code`` is the code, around now and after the newest one that was used."""
    sent = "".join(code.split())
    if not (len(sent) == 6 and sent.isascii() and sent.isdecimal()):
        return None
    totp, this = pyotp.TOTP(secret), now // (STEP * 1_000)
    for step in range(this - AROUND, this + AROUND + 1):
        if (after is None or step > after) and hmac.compare_digest(totp.generate_otp(step), sent):
            return step
    return None


def _new_code() -> str:
    """80 random bits, as people copy them from paper."""
    text = base64.b32encode(secrets.token_bytes(10)).decode().lower()
    return "-".join(text[at : at + 4] for at in range(0, 16, 4))


def _bare(code: str) -> str:
    return "".join(each for each in code.lower() if each.isalnum())[:64]
