"""What can go wrong with mail, in Portuguese."""

from __future__ import annotations

from typing import Final

from leadkeeper.diagnoses.portuguese.steps import RESUME, VALIDATE, WAIT
from leadkeeper.diagnoses.text import Text
from leadkeeper.diagnosis import Kind

TEXTS: Final[dict[Kind, Text]] = {
    Kind.MAIL_NOT_SET_UP: Text(
        "Esta instalação não tem servidor de e-mail, por isso não consegue enviar avisos.",
        ("Defina LEADKEEPER_SMTP_URL (smtp://user:password@host:port) e reinicie todos os processos.", VALIDATE),
    ),
    Kind.MAIL_SIGN_IN_REJECTED: Text(
        "O servidor de e-mail não aceita o nome e a senha.",
        (
            "Corrija-os em LEADKEEPER_SMTP_URL (neles, @ e : escrevem-se %40 e %3A) e reinicie os processos.",
            VALIDATE,
        ),
    ),
    Kind.MAIL_SENDER_REFUSED: Text(
        "O servidor de e-mail não deixa esta instalação enviar a partir do seu endereço.",
        ("Defina em LEADKEEPER_MAIL_FROM um endereço que o servidor de e-mail permita e reinicie.", VALIDATE),
    ),
    Kind.MAIL_RECIPIENT_REFUSED: Text(
        "O servidor de e-mail não aceita mensagens para os e-mails de contato.",
        (
            "Compare os e-mails de contato nas configurações com caixas de correio que existam e procure erros de "
            "digitação.",
            RESUME,
        ),
    ),
    Kind.MAIL_REFUSED: Text(
        "O servidor de e-mail recusa a mensagem.",
        ("Leia a evidência: ela contém a resposta do servidor.", "Altere a regra do servidor de e-mail.", VALIDATE),
    ),
    Kind.MAIL_SERVER_BUSY: Text(
        "O servidor de e-mail não aceita mensagens neste momento.",
        (WAIT, "Se o problema continuar, verifique a fila e o log do servidor de e-mail."),
    ),
}
