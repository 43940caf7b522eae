"""The words that tell what became of a lead, in English and Portuguese. Pure."""

from __future__ import annotations

from typing import Final

from leadkeeper.diagnoses.text import Language

_ENGLISH: Final = {
    "delivered": "Over {connection} ({destination}) it was delivered on {at}{found}.",
    "found_link": "; open it there: {link}",
    "found_id": "; its id there is {id}",
    "unconfirmed": "Over {connection} ({destination}) it was sent, unconfirmed, on {at}: this destination does not say"
    " whether it keeps a lead. Search for {search} there.",
    "if_not_found": "If it cannot be found there, look at the usual causes:",
    "pending": "Over {connection} ({destination}) it goes out now.",
    "sending": "Over {connection} ({destination}) it is on its way at this moment.",
    "waiting": "Over {connection} ({destination}) it waits and is tried again on {due}. {why}",
    "held": "Over {connection} ({destination}) it is held, because the connection is broken or paused. It goes out by"
    " itself once the connection works. {why}",
    "heldNotFound": "Over {connection} ({destination}) it is held, because somebody did not find the connection's test"
    " lead there. It goes out once a test lead is found there, or somebody resumes the connection. {why}",
    "setAside": "Over {connection} ({destination}) it is set aside for a person: it does not go out by itself. {why}",
    "setAsideOutage": "Over {connection} ({destination}) it is set aside, because nothing got through there for long."
    " It goes out by itself once the connection works. {why}",
    "withheld": "It was withheld: customers of this mail domain are private, so their data were neither stored nor"
    " passed on. You learn only that somebody came.",
    "unrouted": "The offer has no lead destination, so it waits here; it goes out when one is connected.",
    "preview": "It comes from the offer's preview, not from a customer.",
    "retry_missing": "If it is not there, send it again: POST /v1/deliveries/{delivery}/retry, or the portal's button.",
    "retry": "Once the cause is mended, send it again: POST /v1/deliveries/{delivery}/retry, or the portal's button.",
    "none_text": "No lead fits {text}.",
    "none_offer": "No lead has come for {text} yet.",
    "not_live": "The offer {offer} is not live, so it takes no leads: publish it, or set it live.",
    "no_connection": "The offer {offer} has no lead destination: leads are kept, and go out when one is connected.",
    "withheld_domain": "Customers of this mail domain are withheld for privacy: their address is kept nowhere, so it"
    " cannot be found. Search for the offer; such leads are marked as withheld.",
    "not_come": "If the customer acted elsewhere, look whether the offer's hook or key is set there, and ask for the"
    " time: what was never answered was not kept, and can be sent again.",
}
_PORTUGUESE: Final = {
    "delivered": "Pela conexão {connection} ({destination}) foi entregue em {at}{found}.",
    "found_link": "; abra-o lá: {link}",
    "found_id": "; o id dele lá é {id}",
    "unconfirmed": "Pela conexão {connection} ({destination}) foi enviado, não confirmado, em {at}: este destino não"
    " diz se guarda um lead. Procure lá por {search}.",
    "if_not_found": "Se não for encontrado lá, veja as causas mais comuns:",
    "pending": "Pela conexão {connection} ({destination}) sai agora.",
    "sending": "Pela conexão {connection} ({destination}) está a caminho neste momento.",
    "waiting": "Pela conexão {connection} ({destination}) espera e é tentado de novo em {due}. {why}",
    "held": "Pela conexão {connection} ({destination}) está retido, porque a conexão tem um problema ou está pausada."
    " Sai sozinho assim que a conexão funcionar. {why}",
    "heldNotFound": "Pela conexão {connection} ({destination}) está retido, porque alguém não encontrou lá o lead de"
    " teste da conexão. Sai quando um lead de teste for encontrado lá, ou alguém retomar a conexão. {why}",
    "setAside": "Pela conexão {connection} ({destination}) foi posto de lado para uma pessoa: não sai sozinho. {why}",
    "setAsideOutage": "Pela conexão {connection} ({destination}) foi posto de lado, porque por muito tempo nada chegou"
    " lá. Sai sozinho assim que a conexão funcionar. {why}",
    "withheld": "Foi retido por privacidade: os dados de clientes deste domínio de e-mail não são guardados nem"
    " repassados. Você só fica sabendo que alguém veio.",
    "unrouted": "A oferta não tem destino de leads, por isso ele espera aqui; sai quando um for conectado.",
    "preview": "Vem da pré-visualização da oferta, não de um cliente.",
    "retry_missing": "Se não estiver lá, envie de novo: POST /v1/deliveries/{delivery}/retry, ou o botão no portal.",
    "retry": "Resolvida a causa, envie de novo: POST /v1/deliveries/{delivery}/retry, ou o botão no portal.",
    "none_text": "Nenhum lead corresponde a {text}.",
    "none_offer": "Ainda não veio nenhum lead para {text}.",
    "not_live": "A oferta {offer} não está ativa e por isso não aceita leads: publique-a ou ative-a.",
    "no_connection": "A oferta {offer} não tem destino de leads: os leads são guardados aqui e saem quando um for"
    " conectado.",
    "withheld_domain": "Clientes deste domínio de e-mail são retidos por privacidade: o endereço não é guardado em"
    " lugar nenhum e não pode ser encontrado. Procure a oferta; esses leads estão marcados.",
    "not_come": "Se o cliente agiu em outro lugar, veja se o hook ou a chave da oferta está configurado lá, e pergunte"
    " a hora: o que nunca foi respondido não foi guardado, e pode ser enviado de novo.",
}
TRACE_TEXTS: Final = {Language.ENGLISH: _ENGLISH, Language.PORTUGUESE: _PORTUGUESE}
