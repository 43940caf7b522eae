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
            "Corrija-os em LEADKEEPER_SMTP_URL (neles, @ escreve-se %40, : %3A, / %2F, # %23) e reinicie tudo.",
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
    Kind.MAIL_ADDRESS_UNSUPPORTED: Text(
        "O servidor de e-mail não consegue enviar a um endereço com tais letras antes do @ (falta-lhe SMTPUTF8).",
        ("Informe um e-mail de contato cuja parte antes do @ só tenha letras simples (de a a z).", RESUME),
    ),
    Kind.MAIL_GREETING_REFUSED: Text(
        "O servidor de e-mail não aceita o nome com que esta instalação se apresenta.",
        (
            "Defina em LEADKEEPER_MAIL_HOSTNAME o nome completo desta máquina, por exemplo leads.contoso.example.",
            VALIDATE,
        ),
    ),
    Kind.MAIL_CONTACT_UNCONFIRMED: Text(
        "Nenhum e-mail de contato foi confirmado ainda, por isso os leads esperam.",
        (
            "Abra a mensagem que pergunta se o endereço quer avisos (procure também entre as mensagens indesejadas), "
            "siga o link e confirme; os leads seguem então por si.",
            "Se ela não chegou, compare os e-mails de contato com caixas de correio que existam ou peça ao operador "
            "que responda por eles.",
        ),
    ),
    Kind.MAIL_CONTACT_DECLINED: Text(
        "Quem lê os e-mails de contato recusou mensagens desta instalação.",
        ("Informe e-mails de contato de pessoas que queiram os avisos.", RESUME),
    ),
    Kind.MAIL_BOUND_REACHED: Text(
        "As mensagens desta hora do editor estão esgotadas.",
        (WAIT, "Se acontecer muitas vezes, escolha avisos diários ou menos contatos, ou peça mais ao operador."),
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
