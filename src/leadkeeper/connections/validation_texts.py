"""What is said of a test lead, by every door, in the languages of diagnoses: no more than what is known. Pure."""

from __future__ import annotations

from typing import Final

from leadkeeper.connections.last_test import LastTest
from leadkeeper.destinations.registry import BY_NAME
from leadkeeper.diagnoses.text import Language
from leadkeeper.diagnosis import Kind, Receipt

_ENGLISH: Final = {
    "received": "The test lead {marker} was received over {name}.",
    "there": " It is there as {there}.",
    "search": " Search for {marker} there.",
    "unconfirmed": "The test lead {marker} was sent, unconfirmed, over {name}: this destination does not say whether "
    "it keeps a lead. Search for {marker} there, then say whether it was found.",
    "unconfirmed_mail": "The test lead {marker} was sent, unconfirmed, over {name}: a mail server does not say which "
    "mailbox keeps a mail. Look into the mailboxes of the contact e-mails, among unwanted mail too, for the mail with "
    "the lead's id {lead}, then say whether it was found.",
    "held": " Its leads are held until a test lead is found, or somebody resumes it.",
    "waits": " The new settings take effect once it is found; those before them go on.",
    "taken": "The new settings take effect once a test lead is taken with them; those before them go on.",
    "confirmed": "The new settings take effect once a test lead with them is confirmed there, or somebody says that it "
    "was found; those before them go on.",
    "refused": "The test lead {marker} was not taken over {name}.",
    "unsent": "No test lead was sent over {name}: its check failed.",
    "found": "Over {name} {by} found it there: {marker}, on {at}. The connection is working.",
    "found_before": " With the same settings {by} found {marker} there on {at}.",
}
_PORTUGUESE: Final = {
    "received": "O lead de teste {marker} foi recebido pela conexão {name}.",
    "there": " Está lá como {there}.",
    "search": " Procure lá por {marker}.",
    "unconfirmed": "O lead de teste {marker} foi enviado, não confirmado, pela conexão {name}: este destino não diz se "
    "guarda um lead. Procure lá por {marker} e diga se foi encontrado.",
    "unconfirmed_mail": "O lead de teste {marker} foi enviado, não confirmado, pela conexão {name}: um servidor de "
    "e-mail não diz que caixa de correio guarda uma mensagem. Procure nas caixas de correio dos e-mails de contato, "
    "também entre as mensagens indesejadas, a mensagem com o id do lead {lead}, e diga se foi encontrada.",
    "held": " Os leads dela ficam retidos até que um lead de teste seja encontrado, ou alguém a retome.",
    "waits": " As novas configurações entram em vigor quando ele for encontrado; as anteriores continuam.",
    "taken": "As novas configurações entram em vigor quando um lead de teste for aceito com elas; as anteriores "
    "continuam.",
    "confirmed": "As novas configurações entram em vigor quando um lead de teste com elas for confirmado lá, ou alguém "
    "disser que foi encontrado; as anteriores continuam.",
    "refused": "O lead de teste {marker} não foi aceito pela conexão {name}.",
    "unsent": "Nenhum lead de teste foi enviado pela conexão {name}: a verificação falhou.",
    "found": "Pela conexão {name} {by} o encontrou lá: {marker}, em {at}. A conexão está funcionando.",
    "found_before": " Com as mesmas configurações {by} encontrou {marker} lá em {at}.",
}
_TEXTS: Final = {Language.ENGLISH: _ENGLISH, Language.PORTUGUESE: _PORTUGUESE}


def named(name: str, title: str) -> str:
    """A connection as these texts name it: with the title of its destination."""
    return f"{name} ({title})"


def told_of_receipt(
    receipt: Receipt, marker: str, lead_id: str, name: str, kind: Kind | None, language: Language
) -> str:
    """The destination took the test lead. ``kind`` is what is usually wrong there when one is not found."""
    words = _TEXTS[language]
    if not receipt.confirmed:
        return unconfirmed_text(marker, lead_id, name, kind, language)
    there = receipt.link or receipt.remote_id
    where = words["there"].format(there=there) if there else words["search"].format(marker=marker)
    return words["received"].format(marker=marker, name=name) + where


def unconfirmed_text(marker: str, lead_id: str, name: str, kind: Kind | None, language: Language) -> str:
    """It was sent, nobody knows whether it is there, and somebody has to look: for what, and where."""
    key = "unconfirmed_mail" if kind is Kind.MAIL_NOTICE_NOT_FOUND else "unconfirmed"
    return _TEXTS[language][key].format(marker=marker, lead=lead_id, name=name)


def held_text(language: Language) -> str:
    """Leads are held until one is found; follows another sentence."""
    return _TEXTS[language]["held"]


def waiting_text(language: Language) -> str:
    """New settings wait until the test lead is found; follows another sentence."""
    return _TEXTS[language]["waits"]


def change_text(destination: str, language: Language, *, waits_for_word: bool) -> str:
    """When new settings of this destination take effect; ``waits_for_word`` as the operator's setting says."""
    found = BY_NAME[destination].if_not_found is not None
    return _TEXTS[language]["confirmed" if waits_for_word and found else "taken"]


def failed_text(marker: str | None, name: str, language: Language) -> str:
    """The destination did not take the test lead, or none was sent."""
    key = "unsent" if marker is None else "refused"
    return _TEXTS[language][key].format(marker=marker, name=name)


def found_text(test: LastTest, name: str, at: str, language: Language) -> str:
    """Somebody found this test lead; ``at`` is when they said so."""
    assert test.word is not None
    return _TEXTS[language]["found"].format(name=name, by=test.word.by, marker=test.word.marker, at=at)


def found_before_text(test: LastTest, at: str, language: Language) -> str:
    """Somebody found an earlier one with the same settings; follows another sentence."""
    assert test.word is not None
    return _TEXTS[language]["found_before"].format(by=test.word.by, marker=test.word.marker, at=at)
