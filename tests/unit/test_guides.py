"""What publishers are told of each destination fits the destinations; and which field a diagnosis marks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from leadkeeper.connections.resource import secret_fields
from leadkeeper.destinations.interface import Provider
from leadkeeper.destinations.registry import OURS
from leadkeeper.diagnosis import AnyKind
from leadkeeper.doors.portal import guides
from leadkeeper.doors.portal.form_fields import form_fields, json_names, settings_of
from leadkeeper.doors.portal.marks import marked_fields

EVERY = [pytest.param(each, id=each.name) for each in OURS]
ALL_NAMES = {name for each in OURS for name in json_names(each.config)}


def test_every_destination_has_a_guide() -> None:
    assert [each.name for each in OURS if each.guide is None] == []


def test_a_destination_without_a_guide_has_a_form_all_the_same() -> None:
    plain = replace(OURS.named("dynamics"), name="plain", title="Plain", guide=None)
    (way,) = guides.guide_of(plain).ways
    assert "instanceUrl" in way.fields
    assert [each.name for each in guides.ordered((*OURS.all, plain))][-2:] == ["plain", "azure_blob"]


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


def test_what_is_said_of_a_setting_or_choice_is_of_one_that_is_there() -> None:
    assert {*guides.HELP, *guides.EXAMPLES} <= ALL_NAMES
    fields = [each for kind in OURS for each in form_fields(kind.config, json_names(kind.config), {})]
    choices = {(field.name, choice) for field in fields for choice in field.choices}
    fixed = {name for guide in map(guides.guide_of, OURS) for way in guide.ways for name in way.fixed}
    assert guides.CHOICES.keys() <= choices
    assert {pair for pair in choices - guides.CHOICES.keys() if pair[0] not in fixed} == set()


def test_who_is_told_to_choose_another_finds_it() -> None:
    assert {guide.instead for guide in map(guides.guide_of, OURS) if guide.instead} <= set(OURS.names)
    assert guides.ordered(OURS.all)[-1].name == "azure_blob"
    assert set(guides.ordered(OURS.all)) == set(OURS)


@pytest.mark.parametrize("kind", OURS.kinds)
def test_a_diagnosis_marks_settings_that_a_destination_has(kind: AnyKind) -> None:
    assert set(marked_fields(kind.value)) <= ALL_NAMES


def test_a_wrong_secret_marks_where_it_is_entered() -> None:
    assert "applicationKey" in marked_fields("clientSecretWrong")
    assert "clientSecret" in marked_fields("salesforceAppRejected")
    assert marked_fields(None) == ()
