"""What can go wrong with any destination, in Portuguese."""

from __future__ import annotations

from typing import Final

from leadkeeper.diagnoses.portuguese.steps import RESUME, VALIDATE, WAIT
from leadkeeper.diagnoses.text import Text
from leadkeeper.diagnosis import Kind

TEXTS: Final[dict[Kind, Text]] = {
    Kind.ADDRESS_NOT_FOUND: Text(
        "O nome de servidor no endereço do destino não existe.",
        ("Compare o nome nas configurações com o que o seu sistema mostra e procure erros de digitação.", RESUME),
    ),
    Kind.ADDRESS_REFUSED: Text(
        "O endereço do destino leva a uma rede para a qual não é permitido enviar leads.",
        (
            "Use um endereço acessível pela internet pública.",
            "Se o destino está mesmo numa rede privada, peça ao operador que autorize a faixa de endereços em "
            "LEADKEEPER_ALLOW_ADDRESSES.",
            RESUME,
        ),
    ),
    Kind.OWN_ADDRESS: Text(
        "O endereço do destino leva de volta a esta instalação do Leadkeeper, e os leads dariam voltas sem fim.",
        (
            "Use o endereço do sistema que deve receber os leads; em vez do hook de outra oferta daqui, conecte a "
            "oferta ao destino dela.",
            "Se os leads devem mesmo voltar, peça ao operador que defina LEADKEEPER_ALLOW_OWN_ADDRESSES.",
            RESUME,
        ),
    ),
    Kind.CONNECTION_FAILED: Text(
        "O destino não aceitou a conexão de rede.",
        (
            WAIT,
            "Se o problema continuar, verifique se o sistema por trás do endereço está em funcionamento e acessível de "
            "fora.",
        ),
    ),
    Kind.TLS_FAILED: Text(
        "Não foi possível verificar o certificado TLS do destino.",
        (
            "Verifique se o certificado está dentro da validade, se é deste servidor e se é enviado junto com os "
            "certificados intermediários.",
            "Se o destino usa uma autoridade de certificação privada, peça ao operador que a acrescente com "
            "LEADKEEPER_CA_FILE.",
            VALIDATE,
        ),
    ),
    Kind.NO_ANSWER: Text(
        "O destino recebeu o pedido, mas não respondeu a tempo.",
        (WAIT, "Se o problema continuar, procure pedidos lentos ou presos no log do próprio destino."),
    ),
    Kind.CONNECTION_LOST: Text(
        "A conexão caiu antes de a resposta do destino estar completa.",
        (WAIT, "Se o problema continuar, verifique os proxies e balanceadores de carga que estão à frente do destino."),
    ),
    Kind.ANSWER_TOO_LARGE: Text(
        "A resposta é muito maior do que deve ser a resposta de um destino.",
        (
            "Verifique se o endereço é o de uma interface para leads, e não o de uma página da web ou de um documento.",
            RESUME,
        ),
    ),
    Kind.ANSWER_NOT_UNDERSTOOD: Text(
        "A resposta do destino não é a que um sistema deste tipo costuma dar.",
        (
            "Verifique se o endereço está correto e se não há uma página de entrada, um proxy ou uma página de "
            "manutenção à frente do destino.",
            WAIT,
        ),
    ),
    Kind.REDIRECTED: Text(
        "O destino respondeu com um redirecionamento; leads nunca são reencaminhados para outro endereço.",
        ("Insira nas configurações o endereço final, exatamente como o destino o apresenta.", RESUME),
    ),
    Kind.CREDENTIALS_REJECTED: Text(
        "O destino não aceita as credenciais (401).",
        ("Renove a chave ou o token no destino e insira nas configurações o novo endereço ou segredo.", RESUME),
    ),
    Kind.PERMISSION_MISSING: Text(
        "O destino reconhece quem chama, mas não permite o pedido (403).",
        (
            "Dê a quem chama o direito de criar leads e verifique se há firewalls ou listas de endereços IP admitidos.",
            VALIDATE,
        ),
    ),
    Kind.ENDPOINT_NOT_FOUND: Text(
        "Não há nada no endereço do destino (404).",
        ("Copie de novo o endereço no destino e insira-o nas configurações.", RESUME),
    ),
    Kind.ENDPOINT_GONE: Text(
        "O destino informa que este endereço foi abandonado para sempre (410).",
        ("Insira o endereço que o substitui, ou remova a conexão.", RESUME),
    ),
    Kind.METHOD_REFUSED: Text(
        "O endereço não aceita pedidos POST (405).",
        ("Insira o endereço de uma interface que receba leads por POST.", RESUME),
    ),
    Kind.LEAD_REFUSED: Text(
        "O destino recusa este lead tal como está; os outros leads não são afetados.",
        (
            "Leia a evidência: ela indica o que o destino não aceitou.",
            "Altere a regra no destino e depois repita esta entrega.",
        ),
    ),
    Kind.LEAD_TOO_LARGE: Text(
        "Este lead é maior do que o destino aceita; os outros leads não são afetados.",
        ("Insira o lead à mão, a partir da página dele, ou aumente o limite do destino e repita esta entrega.",),
    ),
    Kind.EVERY_LEAD_REFUSED: Text(
        "O destino recusou vários leads seguidos e não aceitou nenhum: as configurações ou as regras estão erradas.",
        (
            "Leia a evidência: ela indica o que o destino não aceitou.",
            "Altere as regras do destino ou as configurações da conexão.",
            VALIDATE,
        ),
    ),
    Kind.THROTTLED: Text(
        "O destino pediu que lhe enviem menos leads durante algum tempo.",
        (WAIT, "Se isto acontece com frequência, aumente o limite do destino."),
    ),
    Kind.SERVER_ERROR: Text(
        "Houve uma falha do lado do destino.",
        (WAIT, "Se o problema continuar, consulte o log ou a página de estado do próprio destino."),
    ),
    Kind.REQUEST_TURNED_AWAY: Text(
        "O pedido foi rejeitado por um motivo que não está no lead, por exemplo um conflito com outra operação, um "
        "proxy ou uma exigência feita a todos os pedidos.",
        (
            WAIT,
            "Se continuar, leia a evidência e veja o que está diante do destino: um gateway, um firewall ou um proxy, "
            "e o log dele.",
            VALIDATE,
        ),
    ),
    Kind.SETTINGS_INVALID: Text(
        "As configurações da conexão não podem ser usadas como estão.",
        ("Leia a evidência: ela indica o campo.", RESUME),
    ),
    Kind.PASSED_ON_TOO_OFTEN: Text(
        "O lead voltou várias vezes por instalações do Leadkeeper: os destinos delas levam umas às outras.",
        (
            "Procure o círculo: uma conexão, um fluxo ou um serviço que envia os leads desta oferta a um hook cujos "
            "leads voltam para cá.",
            "Retire um dos elos. O lead está guardado aqui; repita esta entrega se ele deve seguir mais uma vez.",
        ),
    ),
    Kind.MAY_HAVE_ARRIVED: Text(
        "O lead pode ter chegado: foi enviado, nenhuma resposta o comprova, e um segundo envio faria um segundo lead.",
        (
            "Procure no destino o identificador do lead ou o cliente.",
            "Se não estiver lá, repita esta entrega; se estiver, não é preciso fazer nada.",
        ),
    ),
    Kind.GAVE_UP: Text(
        "Durante 14 dias tentou-se entregar o lead, e o destino nunca o aceitou.",
        (
            "Leia o diagnóstico da última tentativa e elimine a causa.",
            "Se nada mais passava pela conexão, o lead segue sozinho assim que algo passar. Caso contrário, repita "
            "esta entrega.",
        ),
    ),
    Kind.INTERRUPTED: Text(
        "O Leadkeeper foi encerrado no momento em que enviava este lead.",
        (WAIT,),
    ),
    Kind.INTERNAL_ERROR: Text(
        "O Leadkeeper falhou com este lead: o erro é nosso, não do destino.",
        ("O operador encontra os detalhes no log, com o identificador da entrega.", WAIT),
    ),
    Kind.RECORD_DAMAGED: Text(
        "Um registro no banco de dados do Leadkeeper está danificado ou falta: não pôde ser lido, e nada foi feito com "
        "ele.",
        (
            "Execute leadkeeper doctor: ele indica cada registro que não pode ser lido; leadkeeper leads show <id> "
            "mostra o que resta de um lead.",
            "Restaure o registro a partir de um backup do banco de dados, ou remova-o. Em vez disso, as configurações "
            "de uma conexão podem ser inseridas de novo, e uma oferta pode ser publicada outra vez.",
            "Depois repita esta entrega. Uma conexão é tentada de novo automaticamente.",
        ),
    ),
}
