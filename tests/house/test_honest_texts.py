"""No text that people read claims what the program cannot know: that a publisher was told, that all is well."""

from __future__ import annotations

import re
from typing import Any, Final

import pytest
from babel.messages.catalog import Catalog

from leadkeeper.connections.outage import News
from leadkeeper.connections.outage_news import OutageNews
from leadkeeper.destinations.salesforce.diagnoses import SalesforceKind
from leadkeeper.doors.storefront.texts import THANKS
from leadkeeper.mail import text as mail_text
from leadkeeper.mail.address import parse_address
from leadkeeper.notices import publishing_mail
from leadkeeper.notices.outage_mail import Fallen, failing_notice, works_notice
from leadkeeper.texts import Language
from tests.contracts.honest import claims
from tests.house.test_texts import forms
from tests.languages import LANGUAGES, extract

PROMISE: Final = re.compile(
    r"has been told|will be in touch|will help|is yours|is being created|foi avisado|entrará em contato|vai ajudar"
    r"|está pronto|está sendo criado",
    re.IGNORECASE,
)
"""What only the publisher can know or do: the lead is kept, and may wait."""
TO: Final = ["sales@contoso.example"]
FROM: Final = parse_address("leads@market.example")
ENVELOPE: Final = mail_text.Envelope(TO, FROM, "m1")
KIND: Final = SalesforceKind.TEST_LEAD_NOT_FOUND
NEWS: Final = OutageNews(News.STILL_FAILING, KIND, "cause", 1_000, 2_000, confirmed=False)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """Every text of the sources."""
    return extract(tmp_path_factory.mktemp("texts") / "texts.pot")


@pytest.mark.parametrize("language", list(LANGUAGES), ids=lambda language: language.code)
def test_no_text_promises_what_only_the_publisher_can_do(language: Language, sources: Catalog) -> None:
    texts = [form for message in sources if message.id for form in forms(message.id)]
    assert [text for text in map(language.catalogue.gettext, texts) if PROMISE.search(text)] == []
    assert set(THANKS.values()) <= set(texts)


def mails() -> dict[str, Any]:
    """Every kind of mail, about a connection whose destination confirms nothing."""
    over = [
        OutageNews(News.OVER, NEWS.kind, "cause", 1_000, 2_000, waiting=3, most=5, confirmed=False, proven=proven)
        for proven in (True, False)
    ]
    summary = ["The test lead MSFT_TEST_1 was sent, unconfirmed, over primary."]
    return {
        "lead": mail_text.lead_notice(["a", "b"], "Planner", "https://m.example", ENVELOPE),
        "withheld": mail_text.withheld_notice(2, "Planner", "https://m.example", ENVELOPE),
        "change refused": mail_text.change_refused_notice("primary", "Planner", NEWS.kind, ENVELOPE),
        "stopped": publishing_mail.operation_failed_notice(
            "Planner", "Provisioning", summary, "https://m.example", ENVELOPE
        ),
        "waits": publishing_mail.operation_waits_notice("Planner", summary, "https://m.example", ENVELOPE),
        "preview": publishing_mail.preview_notice(
            "Planner", "https://m.example/p", "https://m.example", summary, ENVELOPE
        ),
        "live": publishing_mail.live_notice("Planner", "https://m.example", ENVELOPE),
        "question": mail_text.question("contoso", "token", "Market", "https://m.example", FROM),
        "fails": failing_notice([Fallen("primary", "Planner", NEWS)], "https://m.example", ENVELOPE),
        **{
            f"over, {'a lead was sent' if each.proven else 'a check passes'}": works_notice(
                [Fallen("primary", "Planner", each)], "https://m.example", ENVELOPE
            )
            for each in over
        },
    }


@pytest.mark.parametrize("which", mails())
def test_no_mail_claims_what_nobody_knows(which: str) -> None:
    mail = mails()[which]
    text = f"{mail['Subject']}\n{mail.get_content()}"
    # That something may have arrived, or that nothing did, is no claim that it is there.
    text = re.sub(r"(may have|nothing (?:has )?|nada |pode(?:m)? ter )(arrived|chegou|chegado)", "", text)
    text = re.sub(r"no test lead got through|nenhum\s+lead de teste chegou", "", text)
    assert claims(text) == []
