"""What publishers are told of each destination fits the destinations; and which field a diagnosis marks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal, get_args, get_origin

import pytest

from leadkeeper.connections.resource import secret_fields
from leadkeeper.destinations.interface import Provider
from leadkeeper.destinations.registry import OURS
from leadkeeper.doors.portal.connections import guides
from leadkeeper.doors.portal.connections.fields import form_fields, json_names, settings_of
from leadkeeper.doors.portal.connections.marks import marked_fields

EVERY = [pytest.param(each, id=each.name) for each in OURS]


def test_every_destination_has_a_guide() -> None:
    assert [each.name for each in OURS if each.guide is None] == []


def test_a_destination_without_a_guide_has_a_form_all_the_same() -> None:
    plain = replace(OURS.named("dynamics"), name="plain", title="Plain", guide=None)
    (way,) = guides.guide_of(plain).ways
    assert "instanceUrl" in way.fields
    assert [each.name for each in guides.ordered_guides((*OURS.all, plain))][-2:] == ["plain", "azure_blob"]


@pytest.mark.parametrize("destination", EVERY)
def test_a_guide_names_settings_that_are_there(destination: Provider) -> None:
    names = set(json_names(destination.config))
    for way in guides.guide_of(destination).ways:
        assert {*way.fields, *way.more, *way.fixed, *way.needed} <= names, way.id
        assert not way.tells or way.tells in names
        assert set(way.needed) <= set(way.fields), f"{way.id}: what is needed is seen at once"
        assert way.steps, way.id


@pytest.mark.parametrize("destination", EVERY)
def test_every_way_has_all_that_the_model_demands(destination: Provider) -> None:
    guide = guides.guide_of(destination)
    demanded = {info.alias or name for name, info in destination.config.model_fields.items() if info.is_required()}
    for way in guide.ways:
        assert demanded <= {*way.fields, *way.fixed}, way.id


@pytest.mark.parametrize("destination", EVERY)
def test_no_setting_is_out_of_reach(destination: Provider) -> None:
    guide = guides.guide_of(destination)
    reached = {name for way in guide.ways for name in guides.all_fields(destination.config, guide, way)}
    fixed = {name for way in guide.ways for name in way.fixed}
    assert reached | fixed == set(json_names(destination.config))


@pytest.mark.parametrize("destination", EVERY)
def test_a_connection_is_edited_in_the_way_it_was_made(destination: Provider) -> None:
    guide = guides.guide_of(destination)
    for way in guide.ways:
        form = dict.fromkeys(way.fields, "something")
        stored = settings_of(destination.config, guides.all_fields(destination.config, guide, way), form)
        secrets = {name for name in stored if name in secret_fields(destination.config)}
        settings = {name: value for name, value in stored.items() if name not in secrets} | dict(way.fixed)
        assert guides.way_of(guide, settings, secrets) == way


@pytest.mark.parametrize("destination", EVERY)
def test_what_is_said_of_a_setting_or_choice_is_of_one_that_is_there(destination: Provider) -> None:
    guide, names = guides.guide_of(destination), json_names(destination.config)
    assert {*guide.help, *guide.examples, *guide.made, *guide.address, *guide.secret} <= set(names)
    fields = form_fields(destination.config, names, {})
    choices = {(field.name, choice) for field in fields for choice in field.choices}
    fixed = {name for way in guide.ways for name in way.fixed}
    assert guide.choices.keys() <= choices
    assert {pair for pair in choices - guides.choices_of(guide).keys() if pair[0] not in fixed} == set()


def test_who_is_told_to_choose_another_finds_it() -> None:
    assert {guide.instead for guide in map(guides.guide_of, OURS) if guide.instead} <= set(OURS.names)
    assert guides.ordered_guides(OURS.all)[-1].name == "azure_blob"
    assert set(guides.ordered_guides(OURS.all)) == set(OURS)


@pytest.mark.parametrize("destination", EVERY)
def test_a_diagnosis_marks_settings_that_its_destination_has(destination: Provider) -> None:
    guide = guides.guide_of(destination)
    marked = {name for kind in OURS.kinds for name in marked_fields(guide, kind.value)}
    assert marked <= set(json_names(destination.config))


@pytest.mark.parametrize(
    "destination", [each for each in OURS if secret_fields(each.config)], ids=lambda each: each.name
)
def test_a_rejected_secret_marks_where_it_is_entered(destination: Provider) -> None:
    marked = marked_fields(guides.guide_of(destination), "credentialsRejected")
    assert marked
    assert set(marked) & set(secret_fields(destination.config))


def test_a_cause_marks_what_it_is_about() -> None:
    dynamics, salesforce = (guides.guide_of(OURS.named(name)) for name in ("dynamics", "salesforce"))
    assert marked_fields(dynamics, "clientSecretWrong") == ("applicationKey", "password")
    assert marked_fields(salesforce, "salesforceAppRejected") == ("clientId", "clientSecret")
    assert marked_fields(salesforce, "addressNotFound") == ("myDomainUrl",)
    assert marked_fields(dynamics, "mailRecipientRefused") == ("contactEmail",)
    assert marked_fields(dynamics, "salesforceAppRejected") == marked_fields(dynamics, None) == ()


def choices_within(kind: Any) -> list[str]:
    """The texts among which a setting of this type chooses."""
    if get_origin(kind) is Literal:
        return [each for each in get_args(kind) if isinstance(each, str)]
    return [each for part in get_args(kind) for each in choices_within(part)]


@pytest.mark.parametrize("destination", EVERY)
def test_every_choice_has_words_for_people(destination: Provider) -> None:
    words = guides.choices_of(guides.guide_of(destination))
    wanted = {
        (info.alias or name, each)
        for name, info in destination.config.model_fields.items()
        for each in choices_within(info.annotation)
    }
    assert wanted - set(words) == set(), "pages would show a code"
