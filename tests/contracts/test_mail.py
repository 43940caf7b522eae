"""Handing mail over, against a real SMTP server: every recipient has a result of its own, by code and stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from pydantic import SecretStr, TypeAdapter

from leadkeeper.delivery.schedule import State, next_step
from leadkeeper.destinations.email.adapter import Email
from leadkeeper.destinations.email.settings import EmailConfig
from leadkeeper.destinations.interface import Contacts, Standing
from leadkeeper.diagnosis import Answer, AnyKind, Diagnosis, Kind, Outcome, Receipt, Who
from leadkeeper.lead import OutgoingLead
from leadkeeper.mail.diagnoses import MailKind
from leadkeeper.mail.mailer import parse_mail_server
from leadkeeper.mail.service import MailService
from leadkeeper.settings import Settings, WrongSetting, load_settings
from leadkeeper.storage.away import StorageAway
from tests.contracts.mailbox import Mailbox, mailbox
from tests.contracts.test_email import LEAD

SENDER = "leads@marketplace.example"


async def summary(
    box: Mailbox, *contacts: str, lead: OutgoingLead = LEAD, sender: str = SENDER, known: Contacts | None = None
) -> Answer:
    """What the email destination answers for a lead of these contacts."""
    server = parse_mail_server(f"smtp://127.0.0.1:{box.port}", sender)
    mail = MailService(server, base_url="https://leads.example")
    destination = Email(EmailConfig.model_validate({"contactEmail": list(contacts)}), mail, known)
    try:
        (answer,) = await destination.deliver([lead])
        return answer
    finally:
        await destination.aclose()


def everybody(box: Mailbox) -> list[str]:
    return sorted(address for to in box.recipients for address in to)


async def test_a_domain_in_letters_of_its_own_is_written_as_mail_servers_read_it() -> None:
    with mailbox() as box:
        answer = await summary(box, "ops@bücher.example", "sales@contoso.example")
    assert isinstance(answer, Receipt)
    assert everybody(box) == ["ops@xn--bcher-kva.example", "sales@contoso.example"]
    assert "bücher" not in box.mails[0].as_string()


async def test_a_local_part_that_the_server_cannot_take_is_told_by_itself() -> None:
    with mailbox() as box:
        answer = await summary(box, "jürgen@contoso.example", "sales@contoso.example")
        assert isinstance(answer, Receipt)
        assert everybody(box) == ["sales@contoso.example"]
        assert "SMTPUTF8" in (answer.note or "")
        alone = await summary(box, "jürgen@contoso.example")
    assert isinstance(alone, Diagnosis)
    assert alone.kind.value == "mailAddressUnsupported"
    assert (alone.outcome, alone.who) == (Outcome.BROKEN, Who.PUBLISHER)


async def test_a_local_part_that_the_server_can_take_gets_its_mail() -> None:
    with mailbox(utf8=True) as box:
        answer = await summary(box, "jürgen@bücher.example", "sales@contoso.example")
    assert isinstance(answer, Receipt)
    assert everybody(box) == ["jürgen@xn--bcher-kva.example", "sales@contoso.example"]


@pytest.mark.parametrize("code", ["450 4.2.1 greylisted", "550 5.1.1 no such user b@contoso.example"])
async def test_the_other_contact_is_served(code: str) -> None:
    with mailbox() as box:
        box.reply["RCPT b@contoso.example"] = code
        answer = await summary(box, "a@contoso.example", "b@contoso.example")
    assert isinstance(answer, Receipt)
    assert everybody(box) == ["a@contoso.example"]
    assert code[:3] in (answer.note or "")
    assert "b@contoso.example" not in (answer.note or "")


async def test_a_refused_greeting_is_the_operator_s() -> None:
    with mailbox() as box:
        box.reply["RCPT"] = "504 5.5.2 <laptop>: Helo command rejected: need fully-qualified hostname"
        answer = await summary(box, "a@contoso.example")
    assert isinstance(answer, Diagnosis)
    assert answer.kind.value == "mailGreetingRefused"
    assert (answer.outcome, answer.who) == (Outcome.BROKEN, Who.OPERATOR)
    assert "LEADKEEPER_MAIL_HOSTNAME" in " ".join(answer.steps)


async def test_504_about_an_unqualified_recipient_is_not_the_greeting_s() -> None:
    with mailbox() as box:
        box.reply["RCPT root@localhost"] = "504 5.5.2 <root@localhost>: need fully-qualified address"
        answer = await summary(box, "root@localhost")
    assert isinstance(answer, Diagnosis)
    assert answer.kind is MailKind.RECIPIENT_REFUSED


async def test_the_greeting_s_name_is_a_setting() -> None:
    settings = Settings(smtp_url=SecretStr("smtp://mail.example"), mail_hostname="leads.marketplace.example")
    assert settings.mail_server is not None
    assert settings.mail_server.hostname == "leads.marketplace.example"


@pytest.mark.parametrize(
    ("stage", "kind", "outcome"),
    [
        ("RCPT", Kind.CONNECTION_FAILED, Outcome.FAILED),
        ("DATA", Kind.CONNECTION_LOST, Outcome.AMBIGUOUS),
    ],
)
async def test_only_what_was_handed_over_may_have_arrived(stage: str, kind: AnyKind, outcome: Outcome) -> None:
    with mailbox() as box:
        box.cut = stage
        answer = await summary(box, "a@contoso.example", "b@contoso.example")
    assert isinstance(answer, Diagnosis)
    assert (answer.kind, answer.outcome) == (kind, outcome)


async def test_a_sender_with_a_name_is_taken() -> None:
    with mailbox() as box:
        assert isinstance(
            await summary(box, "a@contoso.example", sender="Contoso Leads <leads@contoso.example>"), Receipt
        )
    assert box.mails[0]["From"] == "Contoso Leads <leads@contoso.example>"
    assert box.senders == ["leads@contoso.example"]
    assert box.mails[0]["Message-ID"].endswith("@contoso.example>")


@pytest.mark.parametrize("wrong", ["Contoso Leads", "leads", "leads@", "a@b.example, c@d.example", "leads@exa mple"])
def test_a_sender_that_is_no_address_stops_the_start(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADKEEPER_MAIL_FROM", wrong)
    with pytest.raises(WrongSetting, match="LEADKEEPER_MAIL_FROM: "):
        load_settings()


@pytest.mark.parametrize("contact", ["ops@corp.local", "root@localhost", "ops@mail.test", "büro@bücher.example"])
def test_internal_names_are_taken(contact: str) -> None:
    assert EmailConfig.model_validate({"contactEmail": [contact]}).contact_email == [contact]


@pytest.mark.parametrize("contact", ["ops", "ops@", "@x.example", "a b@x.example", "a@x\r\nBcc: b@y"])
def test_what_is_no_address_is_refused(contact: str) -> None:
    with pytest.raises(ValueError, match=r"address|line feed"):
        TypeAdapter(EmailConfig).validate_python({"contactEmail": [contact]})


def test_a_password_with_a_number_sign_is_refused_with_the_remedy() -> None:
    with pytest.raises(ValueError, match="%23") as error:
        parse_mail_server("smtp://apikey:7#z@mail.example:587")
    assert "7" not in str(error.value).replace("%23", "")
    good = parse_mail_server("smtp://apikey:7%23z@mail.example:587")
    assert (good.password, good.port) == ("7#z", 587)


class Away:
    """Contacts whose database is away, from one call on."""

    def __init__(self, since: str) -> None:
        self._since = since
        self._away = False

    def _call(self, name: str) -> None:
        self._away = self._away or name == self._since
        if self._away:
            raise StorageAway("away")

    async def standings(self, emails: Sequence[str]) -> Mapping[str, Standing]:
        self._call("standings")
        return dict.fromkeys(emails, Standing.CONFIRMED)

    async def spend(self, _mails: int) -> float | None:
        self._call("spend")
        return None

    async def report(self, _results: Mapping[str, Diagnosis | None]) -> None:
        self._call("report")

    async def try_again(self, _lead_id: str, _emails: Sequence[str]) -> None:
        self._call("try_again")


@pytest.mark.parametrize("since", ["standings", "spend", "report"])
async def test_our_own_database_that_is_away_sets_no_lead_aside(since: str) -> None:
    with mailbox() as box:
        answer = await summary(box, "ops@contoso.example", known=Away(since))
    if since == "report":  # the mail is out, whatever cannot be written down
        assert isinstance(answer, Receipt)
        return
    assert box.mails == []
    step = next_step(answer, 3, 0, 1_000, 0.5, repeatable=False)
    assert (step.state, step.attempts, step.due_at > 1_000) == (State.WAITING, 3, True)
