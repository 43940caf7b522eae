"""What can go wrong with Marketo, in Portuguese."""

from __future__ import annotations

from typing import Final

from leadkeeper.diagnoses.portuguese.steps import RESUME, VALIDATE, WAIT
from leadkeeper.diagnoses.text import Text
from leadkeeper.diagnosis import Kind

_EMBED: Final = (
    "Abra no Marketo 'Design Studio', 'Forms', o formulário, 'Form Actions', 'Embed Code'. A linha "
    'MktoForms2.loadForm("//app-<server id>.marketo.com", "<Munchkin id>", <form id>) contém as três configurações; '
    "copie-as de novo."
)
_SIGNED_IN: Final = (
    "Se a linha traz um domínio seu de landing pages, o Server ID está no endereço do navegador enquanto você está "
    "conectado ao Marketo (app-<server id>.marketo.com), e o Munchkin ID em 'Admin', 'Munchkin'."
)

_FORMS: Final[dict[Kind, Text]] = {
    Kind.MARKETO_FORM_NOT_FOUND: Text(
        "O Marketo não tem, neste servidor e com este Munchkin ID, nenhum formulário aprovado com esse identificador.",
        (_EMBED, _SIGNED_IN, "O formulário tem de estar aprovado: 'Form Actions', 'Approve'.", RESUME),
    ),
    Kind.MARKETO_FORM_DEMANDS: Text(
        "O formulário exige um campo que estes leads não têm.",
        (
            "Leia a evidência: ela indica o campo.",
            "Abra o formulário em 'Design Studio', 'Edit Draft', o campo, desmarque 'Is Required' e aprove o "
            "formulário. Ou envie o campo por meio da configuração 'fields'.",
            RESUME,
        ),
    ),
    Kind.MARKETO_FORM_PROTECTED: Text(
        "O formulário pede um CAPTCHA, ao qual só uma pessoa consegue responder.",
        (
            "Abra o formulário em 'Design Studio', 'Edit Draft', 'Form Settings', desligue o CAPTCHA e aprove o "
            "formulário. O melhor é ter um formulário próprio para os leads.",
            "Ou insira credenciais REST: assim os leads deixam de passar pelo formulário da página.",
            RESUME,
        ),
    ),
    Kind.MARKETO_FORM_REJECTED: Text(
        "O formulário do Marketo respondeu que não aceitou este lead.",
        (
            _EMBED,
            "Se isto continuar, abra 'Admin', 'Treasure Chest': 'Reject Invalid Checksum Values' deve estar desligado.",
            "É mais seguro inserir credenciais REST. A Adobe não dá suporte ao envio de formulários por programas.",
            "Repita esta entrega.",
        ),
    ),
    Kind.MARKETO_POSTS_BLOCKED: Text(
        "Quem respondeu foi uma proteção à frente dos formulários do Marketo; ela nos toma por um robô, ou os leads "
        "chegaram depressa demais.",
        (
            "O lead fica guardado e é enviado de novo automaticamente, mais devagar.",
            "Se o problema continuar, insira credenciais REST: a Adobe não dá suporte ao envio de formulários por "
            "programas, e a API REST é feita para eles.",
        ),
    ),
    Kind.MARKETO_EMAIL_UNUSABLE: Text(
        "O Marketo identifica as pessoas pelo e-mail, e este lead não tem nenhum que ele aceite.",
        ("Insira o lead à mão no Marketo; os dados estão na página do lead.",),
    ),
    Kind.MARKETO_SERVER_NOT_FOUND: Text(
        "Não existe nenhum servidor do Marketo com esse identificador.",
        (_EMBED, "O Server ID é a parte entre app- e .marketo.com, por exemplo ys12.", _SIGNED_IN, RESUME),
    ),
}

_REST: Final[dict[Kind, Text]] = {
    Kind.MARKETO_ACCOUNT_NOT_FOUND: Text(
        "Não existe nenhuma assinatura do Marketo com esse Munchkin ID.",
        (
            "Abra no Marketo 'Admin', 'Munchkin' e copie 'Munchkin Account ID' (por exemplo 123-PQR-789) para as "
            "configurações.",
            RESUME,
        ),
    ),
    Kind.MARKETO_SERVICE_REJECTED: Text(
        "O Marketo não aceita o Client ID ou o Client Secret.",
        (
            "Abra no Marketo 'Admin', 'LaunchPoint', o serviço, 'View Details'; copie 'Client Id' e 'Client Secret' "
            "para as configurações.",
            "Se o serviço já não existir, crie um novo: 'New', 'New Service', 'Custom', com uma conta só para API "
            "('API Only').",
            RESUME,
        ),
    ),
    Kind.MARKETO_ACCESS_DENIED: Text(
        "O Marketo reconhece o serviço, mas não permite esta operação: falta um direito à função dele, ou o endereço "
        "desta instalação não está autorizado.",
        (
            "Abra 'Admin', 'Users & Roles', 'Roles', a função da conta de API do serviço: em 'Access API' marque "
            "'Read-Write Person' e 'Read-Only Assets'.",
            "Abra 'Admin', 'Web Services', 'IP Restrictions': autorize os endereços desta instalação.",
            VALIDATE,
        ),
    ),
    Kind.MARKETO_PACED: Text(
        "Chegaram leads para esta assinatura do Marketo mais depressa do que podem seguir; este espera a sua vez.",
        (WAIT,),
    ),
    Kind.MARKETO_RATE_LIMIT: Text(
        "O limite da assinatura, de 100 chamadas em 20 segundos ou de 10 ao mesmo tempo, está esgotado pelo conjunto "
        "das suas integrações.",
        (WAIT,),
    ),
    Kind.MARKETO_DAILY_QUOTA: Text(
        "As chamadas de API de hoje estão esgotadas, somadas todas as integrações da assinatura.",
        (
            "Nada se perde: os leads seguem depois da meia-noite, na hora central dos Estados Unidos.",
            "Abra no Marketo 'Admin', 'Web Services': ali se vê quantas chamadas cada conta fez; descubra quem as "
            "gasta, ou peça à Adobe que aumente a quota.",
        ),
    ),
    Kind.MARKETO_BUSY: Text(
        "O Marketo não conseguiu fazer a operação naquele momento.",
        (WAIT, "Se o problema continuar, consulte a página de estado da Adobe para o Marketo Engage."),
    ),
    Kind.MARKETO_REQUEST_REJECTED: Text(
        "O Marketo não entende o pedido.",
        (
            "Veja primeiro a configuração 'fields': cada valor tem de ser do tipo do campo; peça a pré-visualização "
            "dos dados ('preview').",
            "Se não houver nenhum campo definido, a evidência diz o que o Marketo não aceitou: procure uma versão mais "
            "nova do Leadkeeper.",
            VALIDATE,
        ),
    ),
    Kind.MARKETO_FEATURE_OFF: Text(
        "A assinatura não tem o que é necessário para receber leads desta forma.",
        (
            "Leia a evidência. Pergunte à Adobe se a assinatura inclui a API REST para pessoas e formulários.",
            "Ou retire as credenciais REST das configurações: assim os leads passam pelo formulário.",
            RESUME,
        ),
    ),
    Kind.MARKETO_FIELD_UNKNOWN: Text(
        "Um campo enviado não está no formulário, ou não existe.",
        (
            "Leia a evidência: ela indica o campo.",
            "Acrescente-o ao formulário: 'Design Studio', o formulário, 'Edit Draft', 'Add Field'; aprove o "
            "formulário. Ou retire-o na configuração 'fields'. Os nomes REST estão em 'Admin', 'Field Management', "
            "'Export Field Names'.",
            RESUME,
        ),
    ),
    Kind.MARKETO_PARTITION_UNUSABLE: Text(
        "O espaço de trabalho ou a partição onde o lead entraria não o aceita.",
        (
            "Abra 'Admin', 'Users & Roles', a conta de API do serviço: ela precisa da sua função no espaço de trabalho "
            "do formulário.",
            "Abra 'Admin', 'Workspaces & Partitions': o espaço de trabalho do formulário precisa de uma partição "
            "principal.",
            VALIDATE,
        ),
    ),
    Kind.MARKETO_SEVERAL_MATCH: Text(
        "Várias pessoas no Marketo têm o e-mail deste lead, e o Marketo não escolhe entre elas.",
        ("Encontre-as em 'Database', 'Possible Duplicates' e junte-as numa só.", "Repita esta entrega."),
    ),
    Kind.MARKETO_LEAD_REFUSED: Text(
        "O Marketo deixou este lead de fora: um valor não é dos que o campo aceita, ou uma regra o recusa.",
        (
            "Leia a evidência: ela indica o campo ou a regra.",
            "Altere o tipo do campo em 'Admin', 'Field Management', ou a regra; depois repita esta entrega.",
        ),
    ),
}

TEXTS: Final[dict[Kind, Text]] = _FORMS | _REST
