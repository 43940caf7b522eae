"""All that concerns people, put together over one database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from limits import parse

from leadkeeper.access.marketplace import MarketplaceName
from leadkeeper.access.people.devices import Devices
from leadkeeper.access.people.factor import Seals, SecondFactor
from leadkeeper.access.people.links import Links
from leadkeeper.access.people.mailing import LinkMail
from leadkeeper.access.people.passwords import Passwords
from leadkeeper.access.people.people import People
from leadkeeper.access.people.sign_in import PersonSignIns
from leadkeeper.access.sign_ins import SignIns
from leadkeeper.clock import Clock
from leadkeeper.mail.address import MailRules
from leadkeeper.mail.mailer import Mailer
from leadkeeper.storage.engine import Storage
from leadkeeper.texts import Languages


@dataclass(frozen=True, slots=True)
class PeopleRoom:
    """The use cases around people."""

    people: People
    sign_ins: PersonSignIns
    second_factor: SecondFactor
    links: Links
    mail: LinkMail


def open_people(
    storage: Storage,
    sign_ins: SignIns,
    secret_keys: Sequence[str],
    seals: Seals,
    mailer: Mailer | None,
    *,
    marketplace: MarketplaceName,
    least: int,
    base_url: str,
    rules: MailRules,
    languages: Languages,
    limit: str,
    clock: Clock,
) -> PeopleRoom:
    """``least`` is the fewest characters of a password, ``limit`` how many guesses one address has (``10/minute``)."""
    passwords = Passwords(least, marketplace)
    factor = SecondFactor(storage, seals, clock)
    links = Links(storage, passwords, clock)
    rate = parse(limit)
    person_sign_ins = PersonSignIns(
        storage,
        sign_ins.sessions,
        passwords,
        factor,
        Devices(secret_keys),
        sign_ins.audit,
        limit=(rate.amount, rate.get_expiry() * 1_000),
        clock=clock,
    )
    mail = LinkMail(
        storage,
        links,
        mailer,
        base_url=base_url,
        marketplace=marketplace,
        rules=rules,
        languages=languages,
        clock=clock,
    )
    return PeopleRoom(People(storage, passwords, clock), person_sign_ins, factor, links, mail)
