"""What the OpenAPI document says is what the API does: schemathesis calls every operation as it is documented."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from queue import Queue
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import SearchStrategy
from schemathesis import Case, GenerationMode
from schemathesis.checks import CHECKS
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation

from tests.in_process import Installation, installation

EXAMPLES = 25
FEW_EXAMPLES = 12
"""Of an operation that takes neither a body nor a query: its path and headers are of the same few types in all."""
OFFER = {"publisherId": "contoso", "offerId": "crm-pro"}
OFFER_PATH = "/v1/publishers/{publisherId}/offers/{offerId}"
CLOUD_PARTNER = "/api/publishers/{publisherId}/offers/{offerId}"
LEFT_OUT = {
    # An offer may lack what publishing needs; a refusal needs a reason; an offer is not its own partner.
    f"{OFFER_PATH}/publish": ["positive_data_acceptance"],
    f"{OFFER_PATH}/certification": ["positive_data_acceptance"],
    f"{OFFER_PATH}/cross-listings/{{partnerPublisherId}}/{{partnerOfferId}}": ["positive_data_acceptance"],
    # This API says 400 to what is not possible now, too; a new offer names its type, addresses must be some.
    CLOUD_PARTNER: ["positive_data_acceptance"],
    **{f"{CLOUD_PARTNER}/{act}": ["positive_data_acceptance"] for act in ("publish", "golive", "cancel")},
    "/v1.0/ingestion/products/{productId}/submissions/{submissionId}/promote": ["positive_data_acceptance"],
    # What an address must be, no schema says.
    "/v1/publishers/{publisherId}/channels": ["positive_data_acceptance"],
    "/v1/channels": ["positive_data_acceptance"],
    "/v1/publishers/{publisherId}": ["positive_data_acceptance"],  # a new one needs its name
    "/v1/marketplace": ["positive_data_acceptance"],  # a name can be seen
    "/v1/marketplace/logo": ["positive_data_acceptance"],
    f"{OFFER_PATH}/logo": ["positive_data_acceptance"],  # bytes are hardly ever a picture
    OFFER_PATH: ["positive_data_acceptance"],  # an If-Match must be the offer's ETag
    "/v1/publishers/{publisherId}/retention": ["positive_data_acceptance"],  # no longer than the installation's
    # Settings that fit their schema may still be none: an address must be one, a connection string too.
    # What is too large is refused as such (413), whatever else is wrong with it.
    f"{OFFER_PATH}/customer-leads": ["positive_data_acceptance", "negative_data_rejection"],
    f"{OFFER_PATH}/connections/{{name}}": ["positive_data_acceptance", "negative_data_rejection"],
    f"{OFFER_PATH}/connections/{{name}}/rename": ["positive_data_acceptance"],  # a title can be seen
    "/v1/leads/find": ["negative_data_rejection"],  # 0.0 is a whole number
    # A text that is too long for an address is refused as such (431).
    "/v1/explain": ["negative_data_rejection"],
    "/v1.0/ingestion/products/{productId}/leadconfiguration": ["positive_data_acceptance"],  # the same
    # Its text is no lead: every line of it is answered on its own.
    "/v1/leads/batch": ["negative_data_rejection"],
    "/v1/leads/follow-up": ["negative_data_rejection"],  # the same
    "/v1/leads/views": ["positive_data_acceptance"],  # nobody keeps more than so many
}
BROAD = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance")


@schemathesis.serializer("application/x-ndjson", "text/csv")
def as_lines(_: Any, value: Any) -> Any:
    """A batch, or a table, is generated as the text that it is."""
    return str(value).encode("utf-8", "replace")


@schemathesis.serializer("image/png", "image/jpeg", "image/webp")
def as_picture(_: Any, value: Any) -> Any:
    """Bytes, which are hardly ever a picture."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


@contextmanager
def running(database_url: str) -> Iterator[tuple[str, str]]:
    """An installation in a thread of its own: its address and an operator's key."""
    opened: Queue[tuple[str, str, asyncio.AbstractEventLoop, asyncio.Event]] = Queue()

    async def run() -> None:
        async with installation(
            database_url, sign_in_limit="100000/second"
        ) as home:  # wrong keys are tried over and over
            end = asyncio.Event()
            await furnish(home)
            key = (await home.visitor("operator")).key
            opened.put((home.url, key or "", asyncio.get_running_loop(), end))
            await end.wait()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    url, key, loop, end = opened.get(timeout=120)
    try:
        yield url, key
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join(120)


async def furnish(home: Installation) -> None:
    """Give the offer a lead, a hook and a destination."""
    operator = await home.visitor("operator")
    settings = {"httpsEndpointUrl": "https://crm.example/hook"}
    body = {"leadDestination": "httpsEndpoint", "httpsEndpointLeadConfiguration": settings}
    await operator.put("/v1/publishers/contoso/offers/crm-pro/customer-leads", body)
    await operator.post("/v1/leads", OFFER | {"source": "SPZA", "action": "PLT"})
    await operator.post("/v1/publishers/contoso/offers/crm-pro/hooks")


def named(names: Sequence[str]) -> list[Any]:
    """The checks of these names."""
    return [*CHECKS.get_by_names(list(names))]


def reads_queries_loosely(case: Case) -> bool:
    """A query's unknown parameters are left aside, one given twice counts once, a whole number may be written 0.0."""
    return case.method == "GET" or case.path.startswith(("/api/", "/v1.0/"))


def at_home(case: Case) -> bool:
    """Turn ``case`` to the offer that is there; false if it names none."""
    named = False
    for name, value in {**OFFER, "name": "primary"}.items():
        for part in (case.path_parameters, case.body):
            if isinstance(part, dict) and name in part:
                part[name] = value
                named = True
    return named


@pytest.mark.slow
@pytest.mark.databases("postgresql")  # the stricter one: what it cannot hold must be refused before
def test_the_api_takes_what_the_document_says(database_url: str, subtests: pytest.Subtests) -> None:
    _call_every_operation(database_url, GenerationMode.POSITIVE, subtests)


@pytest.mark.slow
@pytest.mark.databases("sqlite")  # what is refused is refused at the door
def test_the_api_refuses_what_the_document_forbids(database_url: str, subtests: pytest.Subtests) -> None:
    _call_every_operation(database_url, GenerationMode.NEGATIVE, subtests)


def _call_every_operation(database_url: str, mode: GenerationMode, subtests: pytest.Subtests) -> None:
    with running(database_url) as (url, key):
        schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
        for result in schema.get_all_operations():
            assert isinstance(result, Ok)
            operation = result.ok()
            if mode is GenerationMode.NEGATIVE and not any(operation.iter_parameters()):
                continue
            with subtests.test(operation.label):
                calls_of(operation.as_strategy(generation_mode=mode), key, examples_of(operation))()


def examples_of(operation: APIOperation) -> int:
    """How often the operation is called, as generated."""
    return EXAMPLES if operation.body or operation.query else FEW_EXAMPLES


def calls_of(cases: SearchStrategy[Case], key: str, examples: int) -> Callable[[], None]:
    """Calls the operation so often, as generated and turned to the offer that is there; checks every answer."""
    signed_in = {"Authorization": f"Bearer {key}"}

    @given(case=cases)
    @settings(
        max_examples=examples, derandomize=True, database=None, deadline=None, suppress_health_check=[*HealthCheck]
    )
    def call(case: Case) -> None:
        loose = ("negative_data_rejection",) if reads_queries_loosely(case) else ()
        left_out = named([*LEFT_OUT.get(case.path, ()), *loose])
        case.call_and_validate(headers=signed_in, timeout=30, excluded_checks=left_out)
        if at_home(case):
            case.call_and_validate(headers=signed_in, timeout=30, checks=named(BROAD))

    return call
