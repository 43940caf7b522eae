"""The lead's language: lead source texts both ways, test leads, .NET ticks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadkeeper.lead import (
    Action,
    LeadSource,
    Source,
    canonical_action,
    canonical_source,
    dotnet_ticks,
    is_known_action,
    is_known_source,
    is_test,
    is_test_marker,
    lead_source_text,
)
from leadkeeper.lead import (
    test_customer as make_customer,
)
from leadkeeper.lead import (
    test_marker as make_marker,
)

sources = st.text(st.characters(exclude_characters="-|", exclude_categories=["Cs"]), min_size=1).map(str.strip)
actions = st.text(st.characters(exclude_characters="|", exclude_categories=["Cs"]), min_size=1).map(str.strip)


@pytest.mark.parametrize(
    ("text", "source", "action", "offer"),
    [
        ("AzureMarketplace", "AzureMarketplace", None, None),
        ("AzureMarketplace-INS|checkpoint.check-point-r77-10sg-byol", "AzureMarketplace", "INS", None),
        ("SPZA-PLT|docusign.3701c77e-1cfa-4c56-91e6-3ed0b622145a", "SPZA", "PLT", None),
        ("AppSource (SPZA)-PLT|contoso.crm-pro", "SPZA", "PLT", "contoso.crm-pro"),
        ("AppSource (SPZA)", "SPZA", None, None),
        ("azureportal-create|a.b", "AzurePortal", "Create", "a.b"),
        ("TestDrive-StartTestDrive|a.b.c-d", "TestDrive", "StartTestDrive", "a.b.c-d"),
        ("NewStore-Renew-Early|a.b", "NewStore", "Renew-Early", "a.b"),
        ("MSFT_TEST_1-MSFT_TEST_1|Contoso CRM Pro", "MSFT_TEST_1", "MSFT_TEST_1", "Contoso CRM Pro"),
        ("", "", None, None),
    ],
)
def test_reads_every_form(text: str, source: str, action: str | None, offer: str | None) -> None:
    parsed = LeadSource.parse(text)
    assert (parsed.source, parsed.action) == (source, action)
    if offer is not None:
        assert parsed.offer == offer


def test_an_offer_may_hold_dashes_and_dots() -> None:
    parsed = LeadSource.parse("AzureMarketplace-INS|checkpoint.check-point.r77-10sg")
    assert (parsed.publisher_id, parsed.offer_id) == ("checkpoint", "check-point.r77-10sg")
    assert LeadSource.parse("AzureMarketplace-INS|Contoso").offer_id is None


@given(sources.filter(bool), actions.filter(bool), st.text(st.characters(exclude_categories=["Cs"])).map(str.strip))
def test_what_is_written_reads_back(source: str, action: str, offer: str) -> None:
    canonical = LeadSource(canonical_source(source), canonical_action(action), offer)
    assert LeadSource.parse(str(canonical)) == canonical


@given(st.text())
def test_any_text_is_read_and_settles(text: str) -> None:
    once = LeadSource.parse(text)
    assert LeadSource.parse(str(once)) == once


@pytest.mark.parametrize("source", list(Source))
def test_known_sources_in_any_case(source: Source) -> None:
    assert canonical_source(source.upper()) == source
    assert is_known_source(source)


@pytest.mark.parametrize("action", list(Action))
def test_known_actions_in_any_case(action: Action) -> None:
    assert canonical_action(action.lower()) == action
    assert is_known_action(action)


def test_unknown_ones_are_kept_and_flagged() -> None:
    assert canonical_source("Bazaar") == "Bazaar"
    assert not is_known_source("Bazaar")
    assert not is_known_action("Renew")


@pytest.mark.parametrize(
    ("ticks", "moment"),
    [
        (636573304831318844, datetime(2018, 3, 22, 15, 48, 3, tzinfo=UTC)),
        (636737558587117715, datetime(2018, 9, 28, 18, 24, 18, tzinfo=UTC)),
    ],
)
def test_ticks_of_microsofts_own_test_leads(ticks: int, moment: datetime) -> None:
    assert dotnet_ticks(moment) // 10_000_000 == ticks // 10_000_000


@given(st.datetimes(timezones=st.just(UTC)), st.timedeltas(timedelta(0), timedelta(days=999)))
def test_ticks_count_hundreds_of_nanoseconds(moment: datetime, later: timedelta) -> None:
    if moment.year < 9990:
        assert dotnet_ticks(moment + later) - dotnet_ticks(moment) == later // timedelta(microseconds=1) * 10


def test_a_test_lead_is_made_and_known_again() -> None:
    marker = make_marker(datetime(2026, 11, 22, tzinfo=UTC))
    customer = make_customer(marker)
    assert is_test_marker(marker)
    assert customer.email == f"{marker}@test.com"
    assert is_test(customer, "AzureMarketplace")
    assert not is_test_marker("MSFT_TEST_")
    assert not is_test_marker("MSFT_TEST_12x")
    assert lead_source_text(marker, "INS", "contoso", "crm", "Contoso CRM") == f"{marker}-{marker}|Contoso CRM"


def test_the_text_that_destinations_receive() -> None:
    assert lead_source_text("SPZA", "PLT", "contoso", "crm-pro", "CRM") == "SPZA-PLT|contoso.crm-pro"
    assert lead_source_text("SPZA", "", "contoso", "crm-pro", "CRM") == "SPZA|contoso.crm-pro"
