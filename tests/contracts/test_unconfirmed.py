"""Where a destination confirms nothing, nothing is claimed: a connection is unconfirmed until somebody says that the
test lead was found, in the same words by every door. On both databases.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import pytest

from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.faults import Fault, answer
from leadkeeper.sandbox.marketo.stand_in import Marketo
from leadkeeper.sandbox.salesforce.stand_in import Salesforce
from leadkeeper.sandbox.server import Sandbox
from tests.contracts.cases.marketo import FORM_SETTINGS
from tests.contracts.cases.salesforce import WEB_SETTINGS
from tests.contracts.honest import claims
from tests.contracts.mailbox import mailbox
from tests.contracts.market import RemoteSide
from tests.in_process import OFFER, Answer, Installation, Visitor, hand_in, installation
from tests.journeys.customer import Customer

WEB: Final = {"leadDestination": "salesforce", "salesforceLeadConfiguration": WEB_SETTINGS}
FORM: Final = {"leadDestination": "marketo", "marketoLeadConfiguration": FORM_SETTINGS}
MAIL: Final = {"leadDestination": "email", "emailLeadConfiguration": {"contactEmail": ["sales@contoso.example"]}}
ONE: Final = f"{OFFER}/connections/primary"
CAUSES: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "salesforce": {
        "en": ("picklist", "reCAPTCHA", "Default Lead Creator", "oid"),
        "pt": ("lista de seleção", "reCAPTCHA", "Default Lead Creator", "oid"),
    },
    "marketo": {
        "en": ("approved", "CAPTCHA", "Munchkin", "active"),
        "pt": ("aprovado", "CAPTCHA", "Munchkin", "ativ"),
    },
    "email": {"en": ("spam", "rule"), "pt": ("spam", "regra")},
    "httpsEndpoint": {"en": ("queue", "202"), "pt": ("fila", "202")},
}
"""What usually is wrong when a test lead is not found, as the diagnosis and ``find`` must name it."""


@dataclass
class Scene:
    """An installation with a worker before stand-ins that confirm nothing."""

    home: Installation
    owner: Visitor
    sandbox: Sandbox
    remote: RemoteSide

    @property
    def settings(self) -> dict[str, Mapping[str, Any]]:
        """The settings of each way that confirms nothing, by Microsoft's name for the destination."""
        return {"salesforce": WEB, "marketo": FORM, "email": MAIL, "httpsEndpoint": self.remote.settings}

    async def connect(self, to: str, path: str = ONE) -> Answer:
        """Make the connection to that destination."""
        answer = await self.owner.put(path, self.settings[to])
        assert answer.status in (200, 201), answer.body
        return answer

    async def shown(self, path: str = ONE, language: str = "en") -> dict[str, Any]:
        """The connection as it is read."""
        found = await self.owner.call("GET", path, headers={"Accept-Language": language})
        assert found.status == 200
        summary: dict[str, Any] = found.json()
        return summary

    async def state(self, path: str = ONE) -> str:
        """The one word for it."""
        return str((await self.shown(path))["health"]["state"])

    async def validate(self, path: str = ONE, language: str = "en") -> Answer:
        """Send a test lead."""
        found = await self.owner.call("POST", f"{path}/validate", headers={"Accept-Language": language})
        assert found.status == 200, found.body
        return found

    async def say(self, found: bool, path: str = ONE, **more: object) -> Answer:
        """Somebody's word on the last test lead."""
        return await self.owner.post(f"{path}/test-lead", {"found": found, **more})

    async def delivery(self, lead_id: str) -> str:
        """How the lead's delivery stands."""
        lead = (await self.owner.get(f"/v1/leads/{lead_id}")).json()
        return str(lead["deliveries"][0]["state"])


async def until(holds: Callable[[], Awaitable[object]], seconds: float = 90) -> None:
    """Wait until it holds."""
    for _ in range(int(seconds / 0.05)):
        if await holds():
            return
        await asyncio.sleep(0.05)
    pytest.fail(f"not reached in {seconds} s")


@asynccontextmanager
async def scene(database_url: str, authority: Authority, **more: Any) -> AsyncIterator[Scene]:
    """An installation before Salesforce, Marketo, a mail server and an endpoint that only queues."""
    remote = RemoteSide(authority, answer(202))
    await remote.start()
    try:
        async with Sandbox(authority.ca_file.parent, lambda clock: [Salesforce(clock), Marketo(clock)]) as sandbox:
            with mailbox() as box:
                settings: dict[str, Any] = {
                    "hosts": sandbox.hosts_setting(),
                    "ca_file": authority.ca_file,
                    "allow_addresses": "127.0.0.0/8",
                    "smtp_url": f"smtp://127.0.0.1:{box.port}",
                    "mail_from": "leads@hub.example",
                    "vouched_mail_domains": "*",
                    "public_url": "http://leads.example",
                }
                async with installation(database_url, worker=True, **settings | more) as home:
                    yield Scene(home, await home.visitor("publisher:contoso"), sandbox, remote)
    finally:
        await remote.aclose()


@pytest.fixture
async def s(database_url: str, authority: Authority) -> AsyncIterator[Scene]:
    async with scene(database_url, authority) as opened:
        offer = {"title": "Contoso CRM Pro", "offerType": "saas", "live": True}
        operator = await opened.home.visitor("operator")
        assert (await operator.put(OFFER, offer)).status == 200
        yield opened


WAYS: Final = ("salesforce", "marketo", "email", "httpsEndpoint")


@pytest.mark.parametrize("to", WAYS)
async def test_a_connection_that_was_never_tried_is_not_tried(s: Scene, to: str) -> None:
    await s.connect(to)
    shown = await s.shown()
    assert (shown["health"]["state"], shown["proven"], shown["testLead"]) == ("notTried", False, None)
    message = await s.say(True)
    assert "validate" in message.problem(409, "not-possible-now")["detail"], "there is no test lead to be found"


@pytest.mark.parametrize("to", WAYS)
async def test_a_test_lead_that_nobody_found_is_sent_unconfirmed(s: Scene, to: str) -> None:
    """A mandatory picklist, reCAPTCHA, or Web-to-Lead switched off cannot be seen from outside."""
    s.sandbox.stand_in(Salesforce).choose("picklistMandatory")
    await s.connect(to)
    found: dict[str, Any] = {}
    for language, words in (("en", "sent, unconfirmed"), ("pt", "enviado, sem confirmação")):
        answer = await s.validate(language=language)
        found = answer.json()
        assert found["ok"] is None, "neither yes nor no"
        assert found["testLead"]["receipt"]["result"] == "sent"
        assert words in found["message"]
        searched = found["testLead"]["id"] if to == "email" else found["testLead"]["marker"]
        assert searched in found["message"], "what to search for"
        assert found["notLookedAt"]
        assert claims(json.dumps(found, ensure_ascii=False)) == []
    shown = await s.shown()
    assert (shown["health"]["state"], shown["proven"]) == ("unconfirmed", False)
    test = shown["testLead"]
    assert (test["id"], test["marker"]) == (found["testLead"]["id"], found["testLead"]["marker"])
    assert (test["confirmed"], test["message"]) == (False, None)
    assert claims(json.dumps(shown, ensure_ascii=False)) == []


@pytest.mark.parametrize("to", WAYS)
async def test_whoever_found_it_makes_the_connection_working(s: Scene, to: str) -> None:
    await s.connect(to)
    marker = (await s.validate()).json()["testLead"]["marker"]
    message = await s.say(True, marker=marker)
    assert message.status == 200, message.body
    shown = await s.shown()
    assert message.json() == shown
    assert (shown["health"]["state"], shown["proven"]) == ("working", True)
    summary = shown["testLead"]["message"]
    assert (summary["found"], summary["marker"]) == (True, marker)
    assert summary["by"].startswith("key:")
    assert summary["time"] >= shown["testLead"]["sentTime"]
    operator = await s.home.visitor("operator")
    audit = (await operator.get("/v1/audit")).json()["entries"]
    (line,) = [each for each in audit if each["act"] == "connection.testLead"]
    assert (line["who"], line["subject"]) == (summary["by"], "contoso.crm-pro/primary")
    assert (line["publisherId"], line["detail"]) == ("contoso", f"found {marker}")
    # A further test lead takes nothing back: the settings are the same.
    await s.validate()
    assert await s.state() == "working"
    # Other settings do.
    assert (await s.owner.put(ONE, s.settings["salesforce" if to == "email" else "email"])).status == 200
    shown = await s.shown()
    assert (shown["health"]["state"], shown["proven"], shown["testLead"]) == ("notTried", False, None)


@pytest.mark.parametrize("to", WAYS)
async def test_not_found_breaks_the_connection_and_names_the_usual_causes(s: Scene, to: str) -> None:
    await s.connect(to)
    await s.validate()
    assert (await s.say(False)).status == 200
    for language, causes in CAUSES[to].items():
        health = (await s.shown(language=language))["health"]
        assert health["state"] == "broken"
        summary = " ".join([health["diagnosis"]["summary"], *health["diagnosis"]["steps"]])
        assert [cause for cause in causes if cause not in summary] == []
    assert (await s.shown())["testLead"]["message"]["found"] is False
    # What would be lost there waits, until somebody has found a test lead.
    lead_id = await hand_in(await s.home.visitor("operator"))
    assert await s.delivery(lead_id) == "held"
    marker = (await s.validate()).json()["testLead"]["marker"]
    shown = await s.shown()
    assert (shown["health"]["state"], shown["testLead"]["message"]) == ("broken", None), (
        "asked again, and not known yet"
    )
    assert await s.delivery(lead_id) == "held"
    assert (await s.say(True, marker=marker)).status == 200
    assert await s.state() == "working"

    async def sent() -> bool:
        return await s.delivery(lead_id) == "unconfirmed"

    await until(sent)


@pytest.mark.parametrize("to", ["salesforce", "httpsEndpoint"])
async def test_the_same_settings_once_more_are_nobody_s_word(s: Scene, to: str) -> None:
    await s.connect(to)
    await s.validate()
    assert (await s.say(False)).status == 200
    lead_id = await hand_in(await s.home.visitor("operator"))
    await s.connect(to)
    assert (await s.state(), await s.delivery(lead_id)) == ("broken", "held")


async def test_somebody_resumes_it_without_having_found_it(s: Scene) -> None:
    await s.connect("salesforce")
    await s.validate()
    assert (await s.say(False)).status == 200
    resumed = (await s.owner.post(f"{ONE}/resume")).json()
    assert resumed["health"]["state"] == "unconfirmed"
    assert resumed["testLead"]["message"]["found"] is False, "what was said is kept and shown"


async def test_a_word_needs_a_test_lead_that_somebody_must_look_for(s: Scene) -> None:
    await s.connect("httpsEndpoint")
    first = (await s.validate()).json()["testLead"]["marker"]
    second = (await s.validate()).json()["testLead"]["marker"]
    detail = (await s.say(True, marker=first)).problem(409, "not-possible-now")["detail"]
    assert second in detail, "the last one is another"
    assert await s.state() == "unconfirmed"
    s.remote.manner = answer(200)
    assert (await s.validate()).json()["ok"] is True
    assert await s.state() == "working"
    assert (await s.shown())["testLead"]["confirmed"] is True
    (await s.say(False)).problem(409, "not-possible-now")
    assert await s.state() == "working", "the destination itself confirmed it"
    (await s.owner.post(f"{ONE}/test-lead", {})).problem(422, "invalid-request")
    (await s.owner.post(f"{OFFER}/connections/none/test-lead", {"found": True})).problem(404, "unknown-connection")


@pytest.mark.parametrize(("manner", "state"), [(answer(200), "working"), (answer(202), "unconfirmed")])
async def test_customers_leads_tell_as_much_as_a_test_lead(s: Scene, manner: Fault, state: str) -> None:
    s.remote.manner = manner
    await s.connect("httpsEndpoint")
    await hand_in(await s.home.visitor("operator"))

    async def summary() -> bool:
        return await s.state() != "notTried"

    await until(summary)
    assert await s.state() == state


async def test_a_test_lead_that_is_refused_breaks_what_nothing_is_known_of(s: Scene) -> None:
    s.remote.manner = answer(401)
    await s.connect("httpsEndpoint")
    assert (await s.validate()).json()["ok"] is False
    health = (await s.shown())["health"]
    assert (health["state"], health["diagnosis"]["kind"]) == ("broken", "credentialsRejected")
    s.remote.manner = answer(200)
    assert (await s.validate()).json()["ok"] is True
    health = (await s.shown())["health"]
    assert (health["state"], health["diagnosis"]) == ("working", None)


async def test_a_person_s_pause_is_paused_and_trouble_of_ours_is_broken(s: Scene) -> None:
    s.remote.manner = answer(401)
    await s.connect("httpsEndpoint")
    assert (await s.owner.post(f"{ONE}/pause")).json()["health"]["state"] == "paused"
    assert (await s.owner.post(f"{ONE}/resume")).json()["health"]["state"] == "notTried"
    await hand_in(await s.home.visitor("operator"))

    async def broken() -> bool:
        return await s.state() == "broken"

    await until(broken)


@pytest.mark.parametrize("to", WAYS)
async def test_find_names_the_usual_causes_and_claims_nothing(s: Scene, to: str) -> None:
    await s.connect(to)
    lead_id = await hand_in(await s.home.visitor("operator"))

    async def sent() -> bool:
        return await s.delivery(lead_id) == "unconfirmed"

    await until(sent)
    for language, causes in CAUSES[to].items():
        asked = {"Accept-Language": language}
        found = await s.owner.call("POST", "/v1/find", {"text": lead_id}, headers=asked)
        (traced,) = found.json()["leads"]
        summary = " ".join([*traced["message"], *traced["steps"]])
        assert [cause for cause in causes if cause not in summary] == []
        assert claims(summary) == []
        assert ("unconfirmed" if language == "en" else "sem confirmação") in summary
    lead = await s.owner.get(f"/v1/leads/{lead_id}")
    assert claims(lead.body.decode()) == []
    listed = await s.owner.post("/v1/leads/find", {"email": "ada@contoso.example"})
    assert claims(listed.body.decode()) == []


@pytest.mark.parametrize("to", WAYS)
async def test_no_page_claims_anything(s: Scene, to: str) -> None:
    await s.connect(to)
    made = await s.home.services.access.keys.create("publisher:contoso", by="test")
    async with Customer(s.home.url) as visitor:
        page = await visitor.open("/portal")
        await visitor.send(page.form("key"), {"key": made.key})
        page = await visitor.open("/portal/offers/contoso/crm-pro")
        assert "not tried" in page.text
        assert claims(page.text) == []
        page = await visitor.open("/portal/offers/contoso/crm-pro/destinations")
        (form,) = [each for each in page.forms if each.action.endswith("/validate")]
        page = await visitor.send(form, {})
        assert "sent, unconfirmed" in page.text
        assert "unconfirmed" in page.text
        assert claims(page.text) == []
        page = await visitor.open("/portal")
        assert "Nobody has said whether the test lead arrived" in page.text, "somebody has to look"
        assert "Look for it and answer. Since" in page.text, "what begins a line begins as a sentence does"
        shown = (await s.shown())["testLead"]["id"]
        page = await visitor.open(f"/portal/leads/{shown}")
        assert "unconfirmed" in page.text
        assert claims(page.text) == []
