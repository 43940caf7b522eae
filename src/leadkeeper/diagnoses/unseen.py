"""What a check that passes did not look at, for each way to a destination, in every language. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from leadkeeper.diagnoses.text import Language


@dataclass(frozen=True, slots=True)
class Unseen:
    """One plain sentence: what the check cannot see, and what alone can show it."""

    english: str
    portuguese: str

    def told(self, language: Language) -> str:
        """The sentence in that language."""
        return self.portuguese if language is Language.PORTUGUESE else self.english


AZURE_TABLE: Final = Unseen(
    "The check wrote nothing: it did not look at whether a row can be added, nor at who reads the table.",
    "A verificação não gravou nada: não olhou se uma linha pode ser incluída, nem quem lê a tabela.",
)
AZURE_BLOB: Final = Unseen(
    "The check wrote nothing: it did not look at whether a blob can be made, nor at rules that lock, move or delete "
    "blobs.",
    "A verificação não gravou nada: não olhou se um blob pode ser gravado, nem regras que bloqueiam, movem ou apagam "
    "blobs.",
)
DYNAMICS: Final = Unseen(
    "The check wrote nothing: it did not look at plug-ins, workflows, flows, duplicate rules and business rules, which "
    "may refuse or change a lead, nor at who may see it there.",
    "A verificação não gravou nada: não olhou plug-ins, fluxos de trabalho, fluxos, regras de duplicidade e regras de "
    "negócio, que podem recusar ou alterar um lead, nem quem pode vê-lo lá.",
)
EMAIL: Final = Unseen(
    "The check sent no mail: it did not look at whether the mailboxes exist, and it never sees whether a mail is "
    "sorted out as unwanted.",
    "A verificação não enviou e-mail: não olhou se as caixas de correio existem, e nunca vê se uma mensagem é separada "
    "como indesejada.",
)
HTTPS_ENDPOINT: Final = Unseen(
    "The check sent no request: it did not look at the path, the key or signature in the address, nor at what the "
    "endpoint does with a lead.",
    "A verificação não enviou requisição: não olhou o caminho, a chave ou assinatura no endereço, nem o que o ponto de "
    "extremidade faz com um lead.",
)
MARKETO_FORM: Final = Unseen(
    "The check posted nothing: it did not look at whether Marketo keeps what the form is sent (a CAPTCHA, a rule or a "
    "smart campaign may drop it), and Marketo never tells.",
    "A verificação não enviou nada: não olhou se o Marketo guarda o que o formulário recebe (um CAPTCHA, uma regra ou "
    "uma campanha pode descartá-lo), e o Marketo nunca informa.",
)
MARKETO_REST: Final = Unseen(
    "The check wrote nothing: it did not look at whether the form takes each field, nor at partitions, smart campaigns "
    "and rules that a lead meets.",
    "A verificação não gravou nada: não olhou se o formulário aceita cada campo, nem partições, campanhas e regras que "
    "um lead encontra.",
)
SALESFORCE_REST: Final = Unseen(
    "The check wrote nothing: it did not look at validation rules, duplicate rules, flows and triggers, which may "
    "refuse a lead.",
    "A verificação não gravou nada: não olhou regras de validação, regras de duplicidade, fluxos e gatilhos, que podem "
    "recusar um lead.",
)
WEB_TO_LEAD: Final = Unseen(
    "The check saw the host only: it did not look at the organization, the object identifier (oid) or any field, and "
    "Web-to-Lead never tells whether Salesforce keeps a lead.",
    "A verificação viu apenas o servidor: não olhou a organização, o identificador do objeto (oid) nem os campos, e o "
    "Web-to-Lead nunca informa se o Salesforce guarda um lead.",
)
