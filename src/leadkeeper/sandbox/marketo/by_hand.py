"""What people do in a Marketo subscription's own pages, as the control API asks for it.

A call names ``do`` and ``id``, in the ``subscription`` of that Munchkin id (the first one without):
``delete``, which is listed among deletions, ``change`` (``values``), ``merge`` (``other`` is the person who stays).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from leadkeeper.sandbox.marketo.leads import ID, LEAD_DELETED, Person, Subscription


class Impossible(ValueError):
    """It cannot be done; the text says why."""


def act(there: Sequence[Subscription], now: float, asked: Mapping[str, object]) -> dict[str, object]:
    """Do what is asked for; the person that it concerned."""
    named = asked.get("subscription", there[0].munchkin_id)
    subscription = next((each for each in there if each.munchkin_id == named), None)
    if subscription is None:
        raise Impossible(f"there is no subscription {named}")
    person = _person(subscription, asked.get("id"))
    match asked.get("do"):
        case "delete":
            subscription.remove(person, "deleted")
            subscription.note(LEAD_DELETED, person, now)
        case "change":
            values = asked.get("values")
            if not isinstance(values, dict):
                raise Impossible("values is an object")
            subscription.update(person, values, now)
        case "merge":
            winner = _person(subscription, asked.get("other"))
            if winner is person:
                raise Impossible("other must be another person")
            subscription.merge(winner, person, now)
        case _:
            raise Impossible("do is one of delete, change, merge")
    return person.shown()


def _person(subscription: Subscription, number: object) -> Person:
    found = subscription.find(ID, number)
    if not found:
        raise Impossible(f"there is no person {number}")
    return found[0]
