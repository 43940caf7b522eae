"""The test lead that arrives at each destination is exactly the seed's: a search for the marker finds it alone."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

import pytest

from leadkeeper.diagnosis import Receipt
from leadkeeper.lead import OutgoingLead
from leadkeeper.lead import test_customer as customer_of
from tests.contracts.cases import LINES
from tests.contracts.cases.case import Line
from tests.contracts.faults import LEAD
from tests.contracts.stages import EndpointStage, MailStage, SandboxStage, Stage, StorageStage
from tests.contracts.test_destinations import Meet, meet

__all__ = ["meet"]

MARKER: Final = "MSFT_TEST_636573304831318844"
SENT: Final = f"{MARKER}@test.com"
PHONE: Final = "1234567890"
TEST_LEAD: Final = replace(
    LEAD,
    source=MARKER,
    action=MARKER,
    lead_source=f"{MARKER}-{MARKER}|Planner",
    offer_title="Planner",
    customer=customer_of(MARKER),
    description=MARKER,
    campaign="",
    test=True,
)
DESCRIBES: Final = re.compile(r"description|marketplacecomments|^message$", re.IGNORECASE)


def arrived(stage: Stage) -> Sequence[Any]:
    """What the remote system took, as it reads it."""
    match stage:
        case SandboxStage():
            return list(stage.sandbox.stand_in(stage.line.stand_in).received())
        case StorageStage():
            return [seen.body.decode("utf-8-sig") for seen in stage.service.made]
        case EndpointStage():
            return [each.body for each in stage.receiver.received.values()]
        case MailStage():
            return list(stage.server.received())
    raise AssertionError(stage)


def texts(found: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Every text in it with the name of its field; what is JSON, a table of CSV or a batch is looked into."""
    if isinstance(found, dict):
        for key, value in found.items():
            yield from texts(value, str(key))
    elif isinstance(found, list | tuple):
        for value in found:
            yield from texts(value, name)
    elif isinstance(found, str) and MARKER in found:
        if re.match(r"\s*[{\[]", found):
            yield from texts(json.loads(found), name)
        elif re.match(r"--\w", found):
            yield from texts([json.loads(line) for line in found.splitlines() if line.startswith("{")], name)
        elif "," in found and "\n" in found:
            yield from texts(list(csv.DictReader(io.StringIO(found))), name)
        else:
            yield name, found


def is_of_the_seed(text: str) -> bool:
    """Whether the seed has it so: the marker alone, the address, or the lead source, with our offer's id or title."""
    offer = rf"(Planner|{re.escape(TEST_LEAD.publisher_id)}\.{re.escape(TEST_LEAD.offer_id)})"
    return text in (MARKER, SENT) or re.fullmatch(rf"{MARKER}-{MARKER}( ?\| ?{offer})?", text) is not None


async def sent_over(line: Line, meet: Meet, lead: OutgoingLead) -> list[tuple[str, str]]:
    """The texts with the marker in them that the destination took."""
    meeting = await meet(line)
    (answer,) = await meeting.adapter.deliver([lead])
    assert isinstance(answer, Receipt), answer
    return list(texts(arrived(meeting.stage)))


@pytest.mark.parametrize("line", [line for line in LINES if line.speaks_http], ids=lambda line: line.name)
async def test_every_text_is_the_seed_s(line: Line, meet: Meet) -> None:
    found = await sent_over(line, meet, TEST_LEAD)
    others = [each for each in found if not is_of_the_seed(each[1])]
    # Dynamics' headline of a record, for which the seed has no line, is made of the offer and the company.
    assert others == ([("subject", f"Planner ({MARKER})")] if line.destination.name == "dynamics" else [])
    assert SENT in [text for _, text in found]
    described = [text for name, text in found if DESCRIBES.search(name)]
    assert set(described) <= {MARKER}
    if line.destination.name != "marketo":  # a form without a field for it is sent none
        assert described, found


@pytest.mark.parametrize("line", [line for line in LINES if not line.speaks_http], ids=lambda line: line.name)
async def test_a_mail_names_no_customer_not_even_that_one(line: Line, meet: Meet) -> None:
    assert await sent_over(line, meet, TEST_LEAD) == []


def test_the_seed_s_test_lead_is_what_validation_makes() -> None:
    customer = customer_of(MARKER)
    assert (customer.email, customer.phone, customer.country) == (SENT, PHONE, "US")
    assert {customer.first_name, customer.last_name, customer.company, customer.title} == {MARKER}
