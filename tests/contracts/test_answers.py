"""What people ask: what became of a lead, what it costs, who is shown beside whom; and the mails of publishing."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from leadkeeper.access.keys import Keys
from leadkeeper.catalogue import diagnose, text_of, to_stored
from leadkeeper.connections.outbox import OFFER_LIVE, OPERATION_FAILED, PREVIEW_READY, operation_notice
from leadkeeper.destinations.https_endpoint.diagnoses import HttpsEndpointKind
from leadkeeper.diagnosis import Kind
from leadkeeper.doors.cli.operating.doctor_records import held_up
from leadkeeper.inbox.lists.filter import LeadFilter
from leadkeeper.inbox.oversight.backlog import backlog
from leadkeeper.mail.address import MailRules
from leadkeeper.mail.mailer import Mailer, parse_mail_server
from leadkeeper.notices.sender import Sender
from leadkeeper.publishing import operations
from leadkeeper.publishing.steps import FailedStep, OperationKind, OperationState, after, first_steps
from leadkeeper.storage import tables as t
from leadkeeper.texts import ENGLISH
from tests.contracts.installation import CRM, TestInstallation, furnished
from tests.contracts.mailbox import mailbox
from tests.in_process import DESTINATION, OFFER, Installation, Visitor, hand_in
from tests.languages import LANGUAGES


@pytest.fixture
async def fabrikam(home: Installation, operator: Visitor) -> Visitor:
    """Another publisher, with an offer."""
    await operator.put("/v1/publishers/fabrikam", {"displayName": "Fabrikam"})
    await operator.put("/v1/publishers/fabrikam/offers/help", {"title": "Help"})
    return await home.visitor("publisher:fabrikam")


async def find(visitor: Visitor, text: str, language: str = "en") -> dict:
    """What the search says."""
    answer = await visitor.post("/v1/find", {"text": text}, Accept_Language=language)
    assert answer.status == 200, answer.body
    found: dict = answer.json()
    return found


async def test_a_lead_is_found_by_address_id_and_offer(home: Installation, operator: Visitor) -> None:
    await operator.put(f"{OFFER}/customer-leads", DESTINATION)
    lead_id = await hand_in(operator)
    for text in ("ADA@contoso.example", lead_id, "contoso.crm-pro", "crm-pro"):
        (lead,) = (await find(operator, text))["leads"]
        assert lead["id"] == lead_id
        assert lead["message"] == ["Over HTTPS endpoint it goes out now."]
        assert lead["link"] == f"https://leads.example/portal/leads/{lead_id}"
    (lead,) = (await find(operator, lead_id, "pt"))["leads"]
    assert lead["message"] == ["Pela conexão Endpoint HTTPS sai agora."]


async def test_a_test_lead_is_found_by_its_marker(home: Installation, operator: Visitor) -> None:
    marker = "MSFT_TEST_636573304831318844"
    await hand_in(operator, customer={"lastName": marker, "email": f"{marker}@test.com"})
    (lead,) = (await find(operator, marker))["leads"]
    assert lead["test"]
    assert "no lead destination" in lead["message"][0]


def _run(conn: sa.Connection, transaction: sa.Update) -> None:
    conn.execute(transaction)


async def set_aside(home: Installation, lead_id: str, reason: str | None) -> None:
    """As a worker would."""
    d = t.delivery.c
    values = {"state": "setAside", "set_aside_for": reason}
    done = sa.update(t.delivery).where(d.lead_id == lead_id).values(values)
    await home.services.storage.write(lambda conn: conn.execute(done) and None)


async def test_what_is_set_aside_is_told_by_its_reason(home: Installation, operator: Visitor) -> None:
    await operator.put(f"{OFFER}/customer-leads", DESTINATION)
    lead_id = await hand_in(operator)
    assert (await operator.get(f"/v1/leads/{lead_id}")).json()["deliveries"][0]["setAsideFor"] is None
    itself = {"en": "It goes out by itself once", "pt": "Sai sozinho assim que"}
    person = {"en": "set aside for a person", "pt": "posto de lado para uma pessoa"}
    missing = {"en": "If it is not there, send it again", "pt": "Se não estiver lá, envie de novo"}
    for reason in ("outage", "mayHaveArrived", "refused", "gaveUp", None):
        await set_aside(home, lead_id, reason)
        assert (await operator.get(f"/v1/leads/{lead_id}")).json()["deliveries"][0]["setAsideFor"] == reason
        for language in ("en", "pt"):
            (found,) = (await find(operator, lead_id, language))["leads"]
            (message,) = found["message"]
            assert (itself[language] in message) is (reason == "outage")
            assert (person[language] in message) is (reason != "outage")
            assert any("/retry" in step for step in found["steps"]) is (reason != "outage")
            assert any(missing[language] in step for step in found["steps"]) is (reason == "mayHaveArrived")


async def test_what_a_test_lead_that_was_not_found_holds_is_promised_nothing(
    home: Installation, operator: Visitor
) -> None:
    await operator.put(f"{OFFER}/customer-leads", DESTINATION)
    lead_id = await hand_in(operator)
    itself = {"en": "by itself once the connection works", "pt": "sozinho assim que a conexão funcionar"}
    until = {"en": "a test lead is found there, or somebody resumes", "pt": "for encontrado lá, ou alguém retomar"}
    for kind, not_found in ((HttpsEndpointKind.ENDPOINT_LEAD_NOT_FOUND, True), (Kind.CREDENTIALS_REJECTED, False)):
        held = sa.update(t.connection).values(paused=True, diagnosis=to_stored(diagnose(kind)))
        await home.services.storage.write(_run, held)
        for language in ("en", "pt"):
            (found,) = (await find(operator, lead_id, language))["leads"]
            (message,) = found["message"]
            assert (itself[language] in message, until[language] in message) == (not not_found, not_found)
            if not_found:
                assert set(text_of(kind, LANGUAGES.find(language) or ENGLISH).steps) <= set(found["steps"])


async def test_only_what_a_person_must_decide_is_called_so(home: Installation, operator: Visitor) -> None:
    await operator.put(f"{OFFER}/customer-leads", DESTINATION)
    ids = [await hand_in(operator) for _ in range(3)]
    for lead_id, reason in zip(ids, ("outage", "refused", None), strict=True):
        await set_aside(home, lead_id, reason)
    for whose in (None, "contoso"):
        page = await home.services.leads.inbox.list(LeadFilter(whose, state="setAside", to_decide=True))
        assert [each.id for each in page.leads] == [ids[2], ids[1]]
        assert len((await home.services.leads.inbox.list(LeadFilter(whose, state="setAside"))).leads) == 3
    summary = {
        name: (count, remedy)
        for name, count, remedy in held_up(await home.services.storage.read(backlog, home.services.clock(), 100))
    }
    assert summary["set aside"][0] == 3
    count, remedy = summary["set aside by outages"]
    assert (count, "by themselves" in remedy) == (1, True)


async def test_why_nothing_is_found_is_told(home: Installation, operator: Visitor) -> None:
    assert "No lead fits" in (await find(operator, "nobody@contoso.example"))["message"][0]
    assert "withheld" in (await find(operator, "ada@mit.edu"))["message"][0]
    message = (await find(operator, "contoso.crm-pro"))["message"]
    assert "No lead has come" in message[0]
    assert "no lead destination" in message[1]
    await operator.put(OFFER, {"title": "Contoso CRM Pro", "live": False})
    assert "not live" in (await find(operator, "crm-pro"))["message"][1]


async def test_a_publisher_finds_its_own_alone(home: Installation, operator: Visitor, fabrikam: Visitor) -> None:
    lead_id = await hand_in(operator)
    for text in ("ada@contoso.example", lead_id, "contoso.crm-pro"):
        found = await find(fabrikam, text)
        assert found["leads"] == []
        assert "not live" not in str(found)
        assert "no lead destination" not in str(found)
    assert (await home.anyone.post("/v1/find", {"text": "x"})).status == 401


async def test_every_state_has_its_words(home: Installation, operator: Visitor) -> None:
    await operator.put(f"{OFFER}/customer-leads", DESTINATION)
    lead_id = await hand_in(operator)
    lead: dict = {}
    for state, word in (
        ("sending", "on its way"),
        ("waiting", "is tried again"),
        ("delivered", "was delivered"),
        ("unconfirmed", "does not say whether it keeps a lead"),
        ("setAside", "set aside for a person"),
    ):
        change = sa.update(t.delivery).values(state=state)
        await home.services.storage.write(sa.Connection.execute, change)
        (lead,) = (await find(operator, lead_id))["leads"]
        assert word in lead["message"][0]
    assert "/retry" in lead["steps"][-1]
    await home.services.storage.write(lambda conn: conn.execute(sa.update(t.delivery).values(state="pending")))
    await operator.post(f"{OFFER}/connections/primary/pause")
    assert "is held" in (await find(operator, lead_id))["leads"][0]["message"][0]


async def test_what_leads_cost_is_estimated_from_the_offer_s_own(home: Installation, operator: Visitor) -> None:
    text = "DefaultEndpointsProtocol=https;AccountName=contosoleads;AccountKey=c2VjcmV0;"
    table = {"leadDestination": "table", "tableLeadConfiguration": {"storageAccountConnectionString": text}}
    await operator.put(f"{OFFER}/connections/table", table)
    await operator.put(f"{OFFER}/connections/web", DESTINATION)
    for number in range(20):
        await hand_in(operator, customer={"email": f"{number}@contoso.example"})
    found = (await operator.get(f"{OFFER}/cost")).json()
    assert (found["leads"], found["days"]) == (20, 30)
    by_name = {each["connection"]: each for each in found["connections"]}
    assert by_name["table"]["dollars"] == 0.01
    assert by_name["web"]["dollars"] is None


async def test_offers_are_cross_listed_when_both_agree(
    home: Installation, operator: Visitor, fabrikam: Visitor
) -> None:
    contoso = await home.visitor("publisher:contoso")
    ours, theirs = f"{OFFER}/cross-listings/fabrikam/help", "/v1/publishers/fabrikam/offers/help/cross-listings"
    assert (await contoso.call("PUT", ours)).json()["agreed"] is False
    assert (await contoso.call("PUT", f"{theirs}/contoso/crm-pro")).status == 403
    (waiting,) = (await fabrikam.get(theirs)).json()["crossListings"]
    assert (waiting["agreed"], waiting["agreedTime"], bool(waiting["partnerAgreedTime"])) == (False, None, True)
    assert (await fabrikam.call("PUT", f"{theirs}/contoso/crm-pro")).json()["agreed"] is True
    assert (await contoso.call("PUT", ours)).json()["agreed"] is True
    assert (await contoso.delete(ours)).status == 204
    assert (await contoso.delete(ours)).status == 404
    (waiting,) = (await fabrikam.get(theirs)).json()["crossListings"]
    assert (waiting["agreed"], bool(waiting["agreedTime"])) == (False, True)
    (await contoso.call("PUT", f"{OFFER}/cross-listings/contoso/crm-pro")).problem(422, "invalid-request")
    (await contoso.call("PUT", f"{OFFER}/cross-listings/fabrikam/nothing")).problem(404, "unknown-offer")
    await fabrikam.delete(f"{theirs}/contoso/crm-pro")
    assert (await contoso.get(f"{OFFER}/cross-listings")).json() == {"crossListings": []}


async def begin(installation: TestInstallation, kind: str) -> None:
    """An operation with a notice of this kind."""

    def transaction(conn: sa.Connection) -> None:
        emails = ["ops@contoso.example"]
        operation = operations.begin(conn, CRM, OperationKind.PUBLISH, 1, emails, "test", installation.now)
        steps, _ = after(
            first_steps(OperationKind.PUBLISH, installation.now), FailedStep(("Its secret expired.\n1. New one",)), 1
        )
        operations.write(conn, operation, steps, OperationState.FAILED, installation.now, installation.now)
        conn.execute(sa.insert(t.notice).values(operation_notice(operation.id, kind, installation.now)))

    await installation.storage.write(transaction)


@pytest.mark.parametrize(
    ("kind", "subject", "words"),
    [
        (OPERATION_FAILED, "Publishing “Contoso CRM Pro” stopped", "at the step “Validate Pre-Requisites”"),
        (PREVIEW_READY, "The preview of “Contoso CRM Pro” is ready", "/store/offers/contoso/crm-pro?preview="),
        (OFFER_LIVE, "“Contoso CRM Pro” is live", "https://leads.example/store/offers/contoso/crm-pro"),
    ],
)
async def test_whoever_asked_hears_of_an_operation(database_url: str, kind: str, subject: str, words: str) -> None:
    async with furnished(database_url) as installation:
        await begin(installation, kind)
        with mailbox() as box:
            server = parse_mail_server(f"smtp://127.0.0.1:{box.port}", "leads@marketplace.example")
            sender = Sender(
                installation.storage, Mailer(server), "https://leads.example", installation.clock, MailRules(("*",))
            )
            assert await sender.look() == 1
            assert await sender.look() == 0
        (mail,) = box.mails
        assert (mail["Subject"], mail["To"]) == (subject, "ops@contoso.example")
        assert words in mail.get_content()


async def test_a_key_and_its_token_are_the_same_caller(home: Installation) -> None:
    made = await Keys(home.services.storage).create("publisher:contoso", by="test")
    token = await home.services.access.keys.access_token(made.id, made.key, 60)
    assert token is not None
    caller = await home.services.access.keys.caller(token)
    assert caller == await home.services.access.keys.caller(made.key)
