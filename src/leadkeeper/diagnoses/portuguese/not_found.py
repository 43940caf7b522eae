"""What usually is wrong when a test lead that no destination confirms was not found, in Portuguese."""

from __future__ import annotations

from typing import Final

from leadkeeper.diagnoses.text import Text
from leadkeeper.diagnosis import Kind

_AGAIN: Final = (
    "Depois valide a conexão, procure o novo lead de teste e diga se foi encontrado: se foi, os leads retidos seguem. "
    "Os que foram enviados antes podem ser enviados de novo: 'replay' da conexão com o estado 'unconfirmed'."
)

TEXTS: Final[dict[Kind, Text]] = {
    Kind.SALESFORCE_TEST_LEAD_NOT_FOUND: Text(
        "O lead de teste não foi encontrado no Salesforce: o Web-to-Lead descarta leads sem avisar, e só a "
        "configuração do Salesforce mostra por quê.",
        (
            "Procure de novo no Salesforce por MSFT_TEST, entre todos os leads e não só os seus: ele pertence a quem "
            "as regras de atribuição ou o 'Default Lead Creator' indicam.",
            "Abra 'Setup', 'Object Manager', 'Lead', 'Fields & Relationships': um campo obrigatório que não é enviado, "
            "sobretudo uma lista de seleção, custa todos os leads. Torne-o opcional (em vez da lista de seleção, "
            "melhor um campo de texto não obrigatório) ou envie-o por meio da configuração 'fields'.",
            "Abra 'Setup', 'Web-to-Lead': desmarque 'Require reCAPTCHA Verification', marque 'Web-to-Lead Enabled' e "
            "escolha como 'Default Lead Creator' um usuário ativo que possa incluir leads.",
            "Compare 'Salesforce.com Organization ID' em 'Setup', 'Company Information' com o identificador de objeto "
            "(oid) nas configurações: os leads podem ir para outra organização, ou para uma sandbox "
            "(test.salesforce.com).",
            "Veja as regras de validação, as regras de duplicidade e os fluxos de Lead: um deles pode recusá-lo.",
            "Mais seguro é a API REST: insira as credenciais dela nas configurações, e o Salesforce confirma cada "
            "lead.",
            _AGAIN,
        ),
    ),
    Kind.MARKETO_TEST_LEAD_NOT_FOUND: Text(
        "O lead de teste não foi encontrado no Marketo: um formulário põe na fila o que lhe é enviado e não diz o que "
        "acontece depois.",
        (
            "Procure de novo por MSFT_TEST no banco de dados do Marketo, em todos os espaços de trabalho: um "
            "formulário põe as pessoas na partição do seu próprio espaço de trabalho, alguns minutos depois.",
            "Abra 'Design Studio', 'Forms', o formulário: ele tem de estar aprovado e ativo (um rascunho não aceita "
            "nada), e o id dele tem de ser o das configurações.",
            "Abra 'Form Settings' do formulário e desligue o CAPTCHA: só uma pessoa pode respondê-lo.",
            "Compare o id do Munchkin ('Admin', 'Munchkin') e o id do servidor com as configurações: as pessoas podem "
            "ir para outra assinatura.",
            "Veja se uma campanha ativa neste formulário apaga ou junta pessoas novas.",
            "Mais seguro é a API REST: insira as credenciais dela nas configurações, e o Marketo confirma cada lead.",
            _AGAIN,
        ),
    ),
    Kind.MAIL_NOTICE_NOT_FOUND: Text(
        "O e-mail do lead de teste não foi encontrado: um servidor de e-mail que aceita uma mensagem não diz que caixa "
        "de correio a guarda.",
        (
            "Procure de novo, também na pasta de spam e na quarentena do seu sistema de e-mail; marque a mensagem como "
            "desejada e o remetente como conhecido.",
            "Procure uma regra na caixa de correio ou no servidor de e-mail que mova, encaminhe ou apague mensagens "
            "deste remetente.",
            "Compare os e-mails de contato nas configurações com caixas de correio que existem; procure erros de "
            "digitação e listas que não aceitam mensagens de fora.",
            "Pergunte ao operador se o servidor de e-mail pode enviar pelo domínio deste remetente (SPF, DKIM) e o que "
            "o registro dele diz da mensagem.",
            _AGAIN,
        ),
    ),
    Kind.ENDPOINT_LEAD_NOT_FOUND: Text(
        "O lead de teste não foi encontrado atrás do ponto de extremidade: a resposta foi 202, que diz que o lead "
        "espera numa fila e não o que acontece com ele.",
        (
            "Olhe a fila atrás do ponto de extremidade e o que ela separou ou em que falhou (mensagens mortas, o "
            "histórico de execução de um fluxo).",
            "Veja se o sistema atrás dele aceita leads de teste, ou se os filtra pelo domínio de e-mail test.com.",
            "Compare o endereço nas configurações com o sistema em que você procurou: pode levar a um sistema de "
            "testes.",
            "Mais seguro é um ponto de extremidade que responda 200 quando o lead está guardado: então cada lead é "
            "confirmado.",
            _AGAIN,
        ),
    ),
}
