"""A lead as a CSV file: what is in it, how it reads back, where it stands."""

from __future__ import annotations

import csv
import io
from dataclasses import fields
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from leadkeeper.destinations.azure_blob.adapter import blob_name, encode_csv, make_record
from leadkeeper.destinations.azure_blob.settings import AzureBlobConfig
from leadkeeper.lead import Customer, OutgoingLead
from leadkeeper.spreadsheet import cell

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()))
AWKWARD = st.text(st.sampled_from("\",;\r\n\t\x00\ufeff =+-@＝'é😀x0\ud800"))
TEXT = st.one_of(ANY_TEXT, AWKWARD)
CUSTOMER = st.builds(Customer, *(TEXT for _ in fields(Customer)))
ZONE = st.integers(-23, 23).map(lambda hours: timezone(timedelta(hours=hours)))
MOMENT = st.builds(
    lambda since, zone: (datetime(2026, 11, 22, tzinfo=UTC) + since).astimezone(zone),
    st.timedeltas(timedelta(0), timedelta(days=3650)),
    ZONE,
)
LEAD = st.builds(
    OutgoingLead,
    id=st.uuids().map(str),
    created_at=MOMENT,
    source=st.just("AzureMarketplace"),
    action=st.just("INS"),
    lead_source=TEXT,
    publisher_id=st.just("contoso"),
    publisher_name=TEXT,
    offer_id=TEXT,
    offer_title=TEXT,
    customer=CUSTOMER,
    description=TEXT,
    campaign=TEXT,
    test=st.booleans(),
)


@given(LEAD)
def test_a_file_reads_back_as_it_was_written(lead: OutgoingLead) -> None:
    record = make_record(lead)
    content = encode_csv(record)
    assert content.startswith(b"\xef\xbb\xbf")
    assert content.endswith(b"\r\n")
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))
    assert rows == [list(record), list(record.values())]


@given(LEAD)
def test_no_value_is_lost_and_none_is_a_formula(lead: OutgoingLead) -> None:
    record = make_record(lead)
    for name, value in (("LastName", lead.customer.last_name), ("Description", lead.description)):
        readable = value.encode("utf-8", "replace").decode()
        assert record[name].replace("'", "") == readable.replace("'", "")
        if record[name].startswith(("=", "+", "-", "@")):
            assert not any(letter.isalpha() or letter in "!=\"'|@" for letter in record[name])


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+A1", "-cmd|x!A1", "@SUM(A1)", "＝1+1", "+44 call me", "-", "+１２３", "+1 (425) 555-0100", "-12.5"],
)
def test_what_a_spreadsheet_would_run_gets_an_apostrophe(text: str) -> None:
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize("before", ["\t", "\r", "\n", "a;", "a, ", " "])
def test_wherever_a_cell_may_begin(before: str) -> None:
    assert cell(f"{before}=1") == f"{before}'=1"


@pytest.mark.parametrize("text", ["", "Ada", "+44 20 7946 0958", "-12", "a=b", "'quoted"])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert cell(text) == text


@given(LEAD)
def test_a_file_stands_at_its_day_in_utc(lead: OutgoingLead) -> None:
    day = lead.created_at.astimezone(UTC)
    assert blob_name(lead) == f"{day.year:04}/{day.month:02}/{day.day:02}/{lead.id}.csv"


@given(st.text("abcz019-AZ_.$ \n", max_size=66))
def test_a_container_s_name_is_taken_only_if_azure_takes_it(name: str) -> None:
    plain = name.strip()
    good = (
        3 <= len(plain) <= 63
        and set(plain) <= set("abcz019-")
        and "--" not in plain
        and not plain.startswith("-")
        and not plain.endswith("-")
    )
    setting = {"storageAccountConnectionString": "AccountName=abc;AccountKey=c2VjcmV0", "containerName": name}
    if good:
        assert AzureBlobConfig.model_validate(setting).container_name == plain
    else:
        with pytest.raises(ValidationError, match="3 to 63"):
            AzureBlobConfig.model_validate(setting)
