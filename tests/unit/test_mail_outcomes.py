"""What mail servers' replies and silences mean, by stage and code; and how mail addresses are read."""

from __future__ import annotations

import ssl
from itertools import product

import aiosmtplib
import pytest

from leadkeeper.diagnosis import Kind, Outcome, Who
from leadkeeper.mail.address import MailRules, masked_address, parse_address, parse_vouched
from leadkeeper.mail.diagnoses import MailKind
from leadkeeper.mail.mailer import parse_hostname, parse_mail_server
from leadkeeper.mail.outcomes import MailStage, diagnose_loss, diagnose_reply
from leadkeeper.mail.text import quoted

LOSSES = (
    aiosmtplib.SMTPServerDisconnected("gone"),
    aiosmtplib.SMTPReadTimeoutError("late"),
    aiosmtplib.SMTPConnectError("no"),
    ConnectionResetError(),
    TimeoutError(),
    OSError("no route"),
)


CODES = (421, 450, 451, 452, 454, 471, 500, 501, 503, 504, 521, 530, 535, 550, 552, 553, 554)


def test_only_a_mail_whose_text_was_sent_may_have_arrived() -> None:
    for stage, error in product(MailStage, LOSSES):
        summary = diagnose_loss(stage, error)
        assert (summary.outcome is Outcome.AMBIGUOUS) is (stage is MailStage.TEXT), (stage, error)
        assert summary.outcome in (Outcome.AMBIGUOUS, Outcome.FAILED), (stage, error)


def test_an_answer_is_never_a_doubt_and_a_passing_one_is_tried_again() -> None:
    for stage, code in product(MailStage, CODES):
        summary = diagnose_reply(stage, code, "words")
        assert summary.outcome is (Outcome.FAILED if code < 500 else Outcome.BROKEN), (stage, code)
        assert summary.evidence.status == code, stage
        assert (summary.kind is MailKind.SERVER_BUSY) is (code < 500), (stage, code)


def test_a_wrong_certificate_is_no_failed_connection() -> None:
    assert diagnose_loss(MailStage.CONNECT, ssl.SSLCertVerificationError()).kind is Kind.TLS_FAILED
    wrapped = aiosmtplib.SMTPConnectError("no")
    wrapped.__cause__ = ssl.SSLError()
    assert diagnose_loss(MailStage.TLS, wrapped).kind is Kind.TLS_FAILED


def test_504_is_about_the_address_before_it_is_about_the_greeting() -> None:
    assert diagnose_reply(MailStage.RECIPIENT, 504, "", qualified=False).kind is MailKind.RECIPIENT_REFUSED
    assert diagnose_reply(MailStage.SENDER, 504, "", qualified=False).kind is MailKind.SENDER_REFUSED
    summary = diagnose_reply(MailStage.RECIPIENT, 504, "", qualified=True)
    assert (summary.kind, summary.who) == (MailKind.GREETING_REFUSED, Who.OPERATOR)


@pytest.mark.parametrize(
    ("text", "wire", "name"),
    [
        ("ops@bücher.example", "ops@xn--bcher-kva.example", ""),
        ("OPS@BÜCHER.example", "OPS@xn--bcher-kva.example", ""),
        ("ops@xn--bcher-kva.example", "ops@xn--bcher-kva.example", ""),
        (" root@localhost ", "root@localhost", ""),
        ("Contoso Leads <leads@contoso.example>", "leads@contoso.example", "Contoso Leads"),
        ('"Leads, Contoso" <leads@contoso.example>', "leads@contoso.example", "Leads, Contoso"),
        ("a.b+c_d-e@sub.corp.local", "a.b+c_d-e@sub.corp.local", ""),
        ("ops@bücher。example", "ops@xn--bcher-kva.example", ""),
    ],
)
def test_addresses_are_read(text: str, wire: str, name: str) -> None:
    found = parse_address(text)
    assert (found.wire, found.name) == (wire, name)
    assert parse_address(found.shown).key == found.key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@",
        "a@",
        "@b",
        "a b@c.example",
        "a@b c",
        "a@b@c",
        "a@-b.example",
        "a@b..example",
        "a@b.example\nBcc: c@d",
        "a@b.example\u200b",
        "<a@b.example",
        "a@b.example, c@d.example",
        "a@" + "b" * 64 + ".example",
        "x" * 65 + "@b.example",
        "a@" + ".".join(["b" * 60] * 5),
        "a@b_c.example",
        ".a@b.example",
    ],
)
def test_what_is_no_address_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ValueError, match="is no e-mail address") as error:
        parse_address(text)
    assert len(text) < 3 or text not in str(error.value)


def test_one_mailbox_has_one_name() -> None:
    ways = ("victim@x.example", "Victim@X.EXAMPLE", "victim+1@x.example", "VICTIM+a+b@x.example")
    assert {parse_address(way).mailbox for way in ways} == {"victim@x.example"}


def test_an_address_is_not_taken_for_another_in_other_letters() -> None:
    assert parse_address("Straße@x.example").key == "straße@x.example"
    assert parse_address("strasse@x.example").key != parse_address("straße@x.example").key


def test_who_is_vouched_for() -> None:
    rules = MailRules(parse_vouched("contoso.example, .corp.local, bücher.example"))
    vouched = ("a@contoso.example", "a@eu.corp.local", "a@Bücher.example")
    others = ("a@sub.contoso.example", "a@corp.local", "a@xcontoso.example", "a@contoso.example.evil.example")
    assert all(rules.vouches(parse_address(address)) for address in vouched)
    assert not any(rules.vouches(parse_address(address)) for address in others)
    assert MailRules(parse_vouched("*")).vouches(parse_address("a@b"))
    with pytest.raises(ValueError, match="is no domain"):
        parse_vouched("contoso.example, a b")


def test_what_others_chose_is_one_short_line_in_a_mail() -> None:
    assert quoted("CRM\r\nBcc: x\u2028y\x00z") == "“CRM Bcc: x y z”"
    assert len(quoted("x" * 500)) == 62
    assert quoted("a” b") == '“a" b”'
    assert masked_address("sales@contoso.example") == "s***@contoso.example"


@pytest.mark.parametrize("name", ["leads.contoso.example", "localhost", "[192.0.2.1]", "[IPv6:2001:db8::1]"])
def test_names_to_greet_with(name: str) -> None:
    assert parse_hostname(name) == name


@pytest.mark.parametrize("name", ["", "a b", "lëads.example", "-x", "a..b", "x\r\nMAIL FROM:<>", "x" * 64])
def test_what_is_no_name_to_greet_with(name: str) -> None:
    with pytest.raises(ValueError, match="is no host name"):
        parse_hostname(name)


@pytest.mark.parametrize("url", ["smtp://a:b#c@h", "smtp://a:b?c@h", "smtps://#@h"])
def test_what_cuts_a_password_short_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"%23.*%3F"):
        parse_mail_server(url)
