"""Forms of settings: from a settings model to fields, and from what was posted to the API's JSON."""

from __future__ import annotations

import pytest

from leadkeeper.connections.resource import MASK
from leadkeeper.destinations.interface import Config, Provider
from leadkeeper.destinations.registry import OURS
from leadkeeper.doors.portal.connections.fields import (
    MOST_ROWS,
    FieldKind,
    FormField,
    MappingRow,
    RowKind,
    default_values,
    field_errors,
    form_fields,
    form_values,
    json_names,
    rows_of,
    settings_of,
    wrong_rows,
)
from leadkeeper.problem import FieldError
from leadkeeper.texts import lazy_gettext
from tests.languages import PORTUGUESE

SALESFORCE = OURS.named("salesforce").config
ENDPOINT = OURS.named("https_endpoint").config


def one(config: type[Config], name: str, *, stored: bool = False, **values: str) -> FormField:
    (found,) = form_fields(config, [name], values, stored=[name] if stored else [])
    return found


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("objectIdentifier", FieldKind.TEXT),
        ("clientSecret", FieldKind.SECRET),
        ("webToLeadDailyLimit", FieldKind.NUMBER),
        ("tokenEndpointAuthMethod", FieldKind.CHOICE),
        ("contactEmail", FieldKind.LINES),
        ("fields", FieldKind.MAPPING),
    ],
)
def test_a_setting_looks_like_its_type(name: str, kind: FieldKind) -> None:
    assert one(SALESFORCE, name).kind is kind


@pytest.mark.parametrize("destination", OURS.all, ids=lambda each: each.name)
def test_every_setting_of_every_destination_has_a_field_with_words(destination: Provider) -> None:
    names = json_names(destination.config)
    found = form_fields(destination.config, names, default_values(destination.config))
    assert [field.name for field in found] == list(names)
    assert [field.name for field in found if field.label == field.name or not field.help] == []
    assert [field.name for field in found if field.kind is FieldKind.CHOICE and len(field.choices) < 2] == []


def test_a_secret_is_never_put_into_a_field() -> None:
    field = one(SALESFORCE, "clientSecret", stored=True, clientSecret="entered a moment ago")
    assert (field.value, field.stored, field.required) == ("", True, False)


def test_what_this_form_cannot_do_without_is_required() -> None:
    assert not one(SALESFORCE, "clientSecret").required
    (field,) = form_fields(SALESFORCE, ["clientSecret"], {}, needed=["clientSecret"])
    assert field.required
    (kept,) = form_fields(SALESFORCE, ["clientSecret"], {}, needed=["clientSecret"], stored=["clientSecret"])
    assert not kept.required


def test_fields_stand_in_the_order_asked_for_and_what_is_no_setting_has_none() -> None:
    found = form_fields(SALESFORCE, ["clientId", "nothing", "objectIdentifier"], {})
    assert [field.name for field in found] == ["clientId", "objectIdentifier"]


def test_a_form_of_stored_settings_posts_them_back_unchanged() -> None:
    stored = {
        "objectIdentifier": "00D58000000JmlM",
        "webToLeadDailyLimit": 700,
        "contactEmail": ["a@contoso.example", "b@contoso.example"],
        "fields": {"Region__c": "{country}", "Score__c": 3, "Rate__c": 0.5, "New__c": True, "Old__c": False, "X": None},
        "tokenEndpointAuthMethod": "client_secret_basic",
    }
    assert settings_of(SALESFORCE, list(stored), form_values(stored)) == stored


def test_what_is_empty_is_left_out() -> None:
    posted = {"objectIdentifier": "  ", "clientId": "", "webToLeadHost": " a.example "}
    assert settings_of(SALESFORCE, posted, posted) == {"webToLeadHost": "a.example"}


def test_only_what_the_form_has_is_taken_and_what_is_fixed_wins() -> None:
    posted = {"objectIdentifier": "x", "clientId": "y", "tokenEndpointAuthMethod": "z"}
    fixed = {"tokenEndpointAuthMethod": "client_secret_post"}
    names = ["objectIdentifier", "tokenEndpointAuthMethod"]
    assert settings_of(SALESFORCE, names, posted, fixed=fixed) == {"objectIdentifier": "x"} | fixed


def test_an_empty_secret_keeps_the_stored_one_unless_it_is_to_go() -> None:
    names, stored = ["clientSecret"], ["clientSecret"]
    assert settings_of(SALESFORCE, names, {"clientSecret": ""}, stored=stored) == {"clientSecret": MASK}
    assert settings_of(SALESFORCE, names, {"clientSecret": "new"}, stored=stored) == {"clientSecret": "new"}
    assert settings_of(SALESFORCE, names, {"clientSecret": ""}) == {}
    assert settings_of(SALESFORCE, names, {"clientSecret.remove": "yes"}, stored=stored) == {}


def test_texts_stand_one_on_a_line_or_after_a_comma() -> None:
    posted = {"contactEmail": "a@contoso.example\r\n\r\n b@contoso.example, c@contoso.example;"}
    found = settings_of(SALESFORCE, ["contactEmail"], posted)
    assert found == {"contactEmail": ["a@contoso.example", "b@contoso.example", "c@contoso.example"]}


def test_what_is_no_number_is_left_to_the_model() -> None:
    assert settings_of(SALESFORCE, ["webToLeadDailyLimit"], {"webToLeadDailyLimit": "many"}) == {
        "webToLeadDailyLimit": "many"
    }


def test_rows_of_a_mapping_are_read_by_their_numbers() -> None:
    posted = {
        "fields.2.name": " Score__c ",
        "fields.2.kind": "number",
        "fields.2.value": "3",
        "fields.10.name": "Gone__c",
        "fields.10.kind": "nothing",
        "fields.1.name": "",
        "fields.1.value": "  ",
        "fields.x.name": "no row",
        "fields.3.name": "Odd__c",
        "fields.3.kind": "unheard of",
        "fields.3.value": "one\ntwo",
    }
    assert rows_of(posted, "fields", spare=1) == (
        MappingRow("Score__c", RowKind.NUMBER, "3"),
        MappingRow("Odd__c", RowKind.TEXT, "one\ntwo"),
        MappingRow("Gone__c", RowKind.NOTHING),
        MappingRow(),
    )
    given = settings_of(SALESFORCE, ["fields"], posted)["fields"]
    assert given == {"Score__c": 3, "Odd__c": "one\ntwo", "Gone__c": None}


def test_a_form_has_at_most_so_many_rows() -> None:
    posted = {f"fields.{number}.name": f"F{number}" for number in range(MOST_ROWS - 1)}
    assert len(rows_of(posted, "fields", spare=6)) == MOST_ROWS


def test_what_is_wrong_stands_at_its_field() -> None:
    key = OURS.named("salesforce").config_key
    errors = [
        FieldError(f"{key}.objectIdentifier", "Field required"),
        FieldError(f"{key}.webToLeadDailyLimit", "Input should be a valid integer, unable to parse string"),
        FieldError(f"{key}.fields.Region__c", "no such placeholder"),
        FieldError(key, "clientId and clientSecret belong together"),
        FieldError("leadDestination", lazy_gettext("Enter this.")),
    ]
    found, general = field_errors(errors, SALESFORCE, key)
    assert found == {
        "objectIdentifier": "Enter this.",
        "webToLeadDailyLimit": "Enter a whole number.",
        "fields": "No such placeholder",
        "clientId": "ClientId and clientSecret belong together",
        "clientSecret": "ClientId and clientSecret belong together",
    }
    assert general == "Enter this."


def test_what_is_wrong_is_told_in_the_readers_language() -> None:
    key = OURS.named("salesforce").config_key
    errors = [FieldError(f"{key}.webToLeadDailyLimit", "Input should be a valid integer")]
    errors += [FieldError(key, lazy_gettext("There is no lead %(lead)s.", lead="x"))]
    found, general = field_errors(errors, SALESFORCE, key, PORTUGUESE)
    assert found == {"webToLeadDailyLimit": "Informe um número inteiro."}
    assert general == PORTUGUESE.gettext("There is no lead %(lead)s.", lead="x")
    assert general != "There is no lead x."


def test_a_choice_that_a_model_does_not_know_is_refused_by_it() -> None:
    settings = settings_of(ENDPOINT, ["keyCasing"], {"keyCasing": "shouting"})
    assert settings == {"keyCasing": "shouting"}
    assert one(ENDPOINT, "keyCasing").choices == ("pascal", "userDetailsCamel", "camel")


def test_a_secret_that_was_entered_and_not_saved_is_to_be_entered_again() -> None:
    assert one(SALESFORCE, "clientSecret", stored=True, clientSecret="entered a moment ago").dropped
    assert not one(SALESFORCE, "clientSecret", stored=True, clientSecret=" ").dropped
    assert not one(SALESFORCE, "clientId", clientId="no secret").dropped


def test_a_secret_can_be_removed_where_it_need_not_be_there() -> None:
    assert one(SALESFORCE, "clientSecret", stored=True).removable
    assert not one(SALESFORCE, "clientSecret").removable, "none is stored"
    assert not one(ENDPOINT, "httpsEndpointUrl", stored=True).removable, "it is needed"
    (made,) = form_fields(ENDPOINT, ["signingSecret"], {}, stored=["signingSecret"], made=["signingSecret"])
    assert not made.removable, "one is made where none is given"
    (needed,) = form_fields(SALESFORCE, ["clientSecret"], {}, stored=["clientSecret"], needed=["clientSecret"])
    assert not needed.removable
    assert one(SALESFORCE, "clientSecret", stored=True, **{"clientSecret.remove": "yes"}).removing


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (("A text a", "B number 1.5", "C nothing "), None),
        (("A text a", "A text b"), "A stands in two rows: keep one of them."),
        (("A number many",), "A: enter a number, or choose Text."),
        (("A number inf",), "A: enter a number, or choose Text."),
        (("A text many",), None),
    ],
)
def test_rows_that_cannot_be_meant_are_told(rows: tuple[str, ...], message: str | None) -> None:
    posted = {
        f"fields.{number}.{part}": text
        for number, row in enumerate(rows)
        for part, text in zip(("name", "kind", "value"), row.split(" "), strict=True)
    }
    assert wrong_rows(posted, "fields") == message
