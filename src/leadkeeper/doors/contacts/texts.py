"""The words of the contacts' page, in English and Portuguese."""

from __future__ import annotations

from typing import Final

from leadkeeper.diagnoses.text import Language

_ENGLISH: Final = {
    "skip": "Skip to the content",
    "languages": "Language",
    "question": "Do you want these notices?",
    "question_text": "The publisher {publisher} entered the address {address} to be told by mail of its new leads, and"
    " of trouble with them.",
    "confirmed_already": "You have said yes. You can still change your mind here.",
    "declined_already": "You have said that you want no mail from here. You can still change your mind here.",
    "yes": "Yes, send me these notices",
    "never": "No, never write to me again",
    "never_hint": "Then no mail comes to you from here again, whichever publisher enters your address.",
    "nothing": "If you do nothing, nothing more is sent.",
    "confirmed": "You get these notices",
    "confirmed_text": "The publisher {publisher} can now have you told of its leads.",
    "declined": "You get no more mail from here",
    "declined_text": "No publisher can have you written to. If that was a slip, open the link of the mail again.",
    "over": "This link is over",
    "over_text": "It can be used for seven days, or its address has a typing error. Whoever entered your address can"
    " have you asked again.",
    "refused": "This cannot be taken",
    "refused_text": "Open the link of the mail again and press one of the two buttons.",
    "too_many": "A little slower, please",
    "too_many_text": "The page was opened often from your address just now."
    " Nothing was changed; try again in a minute.",
    "away": "Please try again in a moment",
    "away_text": "Your answer could not be kept just now. Go back and press the button once more.",
}
_PORTUGUESE: Final = {
    "skip": "Ir para o conteúdo",
    "languages": "Idioma",
    "question": "Quer receber estes avisos?",
    "question_text": "O editor {publisher} informou o endereço {address} para receber por e-mail avisos de novos leads"
    " e de problemas com eles.",
    "confirmed_already": "Você disse que sim. Ainda pode mudar de ideia aqui.",
    "declined_already": "Você disse que não quer mensagens daqui. Ainda pode mudar de ideia aqui.",
    "yes": "Sim, quero receber estes avisos",
    "never": "Não, nunca mais me escrevam",
    "never_hint": "Então nenhuma mensagem chega mais daqui, seja qual for o editor que informe o seu endereço.",
    "nothing": "Se não fizer nada, nada mais será enviado.",
    "confirmed": "Você recebe estes avisos",
    "confirmed_text": "O editor {publisher} pode agora avisar você sobre os seus leads.",
    "declined": "Você não recebe mais mensagens daqui",
    "declined_text": "Nenhum editor pode fazer com que lhe escrevam. Se foi engano, abra de novo o link da mensagem.",
    "over": "Este link não vale mais",
    "over_text": "Ele pode ser usado durante sete dias, ou o endereço tem um erro de digitação. Quem informou o seu"
    " endereço pode fazer com que a pergunta seja repetida.",
    "refused": "Isto não pode ser aceito",
    "refused_text": "Abra de novo o link da mensagem e pressione um dos dois botões.",
    "too_many": "Um pouco mais devagar, por favor",
    "too_many_text": "A página foi aberta muitas vezes a partir do seu endereço."
    " Nada foi alterado; tente de novo daqui a um minuto.",
    "away": "Tente de novo daqui a pouco",
    "away_text": "A sua resposta não pôde ser guardada agora. Volte e pressione o botão mais uma vez.",
}
TEXTS: Final = {Language.ENGLISH: _ENGLISH, Language.PORTUGUESE: _PORTUGUESE}
