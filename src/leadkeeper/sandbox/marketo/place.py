"""Marketo in the demo, by its web form and over its REST API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leadkeeper.sandbox.marketo.leads import Subscription
from leadkeeper.sandbox.marketo.stand_in import Marketo
from leadkeeper.sandbox.place import FoundLead, Mishap, Place, Scene


def places(scene: Scene) -> list[Place]:
    """The connections to it."""
    return [marketo_form(scene), marketo_rest(scene)]


def marketo_form(scene: Scene) -> Place:
    """Marketo by its web form, with three ids alone."""
    there = scene.sandbox.stand_in(Marketo).subscription

    def settings(form: str) -> dict[str, Any]:
        ids = {"serverId": there.server_id, "munchkinId": there.munchkin_id, "formId": form}
        return {**ids, "fields": {"MarketplaceLeadId__c": "{leadId}"}}

    async def look() -> Mapping[str, FoundLead]:
        return in_marketo(there)

    mishap = Mishap("its form is a draft again", "a form that is approved is chosen", settings("1181"))
    return Place("marketo-form", "Marketo, form", settings("1179"), look, mishap, confirms=False)


def marketo_rest(scene: Scene) -> Place:
    """Another subscription over the REST API, so that no person is reached by both ways."""
    there = scene.sandbox.stand_in(Marketo).subscriptions[1]

    async def look() -> Mapping[str, FoundLead]:
        return in_marketo(there)

    ids = {"serverId": there.server_id, "munchkinId": there.munchkin_id, "formId": "1179"}
    own = {"clientId": there.client_id, "clientSecret": there.client_secret}
    right = {**ids, **own, "fields": {"marketplaceLeadId": "{leadId}"}}
    mishap = Mishap("its API user lost the right", "the right is given back", state=("marketo", "accessDenied"))
    return Place("marketo", "Marketo, REST", right, look, mishap)


def in_marketo(there: Subscription) -> dict[str, FoundLead]:
    """People of the subscription; a field of theirs names our lead."""
    leads = {}
    for person in there.people:
        values = {name: str(value) for name, value in person.values.items()}
        if "marketplaceLeadId" in values:
            one = FoundLead(f"person {person.id}", values.get("leadSource"), values.get("email"), person.times)
            leads[values["marketplaceLeadId"]] = one
    return leads
