"""What can go wrong with Dynamics 365, once signed in, in Portuguese."""

from __future__ import annotations

from typing import Final

from leadkeeper.diagnoses.portuguese.entra import OPEN_INSTANCE
from leadkeeper.diagnoses.portuguese.steps import RESUME, VALIDATE
from leadkeeper.diagnoses.text import Text
from leadkeeper.diagnosis import Kind

_APPLICATION_USER: Final = (
    "No centro de administração do Power Platform (admin.powerplatform.microsoft.com) abra 'Environments', o ambiente, "
    "'Settings', 'Users + permissions', 'Application users', e acrescente a aplicação como usuário; com office365, "
    "acrescente a pessoa em 'Users'."
)
_ROLE: Final = (
    "No Dynamics abra 'Settings', 'Security', 'Users', escolha o usuário (na vista 'Application Users', se for uma "
    "aplicação), escolha 'Manage roles' e marque a função de segurança 'Microsoft Marketplace Lead Writer' (em textos "
    "traduzidos, 'gravador de cliente potencial'). Se essa função não existe, marque uma que possa criar leads, ou "
    "importe a solução da Microsoft que a traz."
)
_MAPPING: Final = "Ou altere 'fields' nas configurações da conexão: null retira um campo. "
_RETRY: Final = "Depois repita esta entrega."

_ACCESS: Final[dict[Kind, Text]] = {
    Kind.DYNAMICS_ADDRESS_WRONG: Text(
        "A URL da instância não é a de um ambiente do Dynamics 365.",
        (
            OPEN_INSTANCE,
            "O ambiente também pode ter sido renomeado, transferido ou apagado: pergunte a quem o administra.",
            RESUME,
        ),
    ),
    Kind.DYNAMICS_NO_ANSWER: Text(
        "Nada responde a tempo na URL da instância.",
        (
            "Verifique se 'instanceUrl' é uma instância válida do Dynamics: abra-a no navegador e entre.",
            "Se ela abrir, basta esperar; o centro de administração do Power Platform mostra as interrupções em "
            "'Service health'.",
            VALIDATE,
        ),
    ),
    Kind.TOKEN_REJECTED: Text(
        "O Dynamics não aceita a entrada que o Microsoft Entra ID concedeu.",
        (
            "Verifique se 'directoryId' é o diretório do ambiente que está em 'instanceUrl': no centro de "
            "administração do Power Platform abra 'Environments', o ambiente, e compare 'Environment URL' e a "
            "organização.",
            _APPLICATION_USER,
            RESUME,
        ),
    ),
    Kind.USER_NOT_MEMBER: Text(
        "A aplicação ou pessoa não é usuário deste ambiente do Dynamics.",
        (
            _APPLICATION_USER,
            _ROLE,
            "Se já lá estiver, compare 'instanceUrl' com o endereço do ambiente, e 'applicationId' com o 'Application "
            "ID' do usuário da aplicação.",
            VALIDATE,
        ),
    ),
    Kind.NO_SECURITY_ROLE: Text(
        "A aplicação ou o usuário não tem nenhuma função de segurança no Dynamics.",
        (_ROLE, VALIDATE),
    ),
    Kind.CREATE_PRIVILEGE_MISSING: Text(
        "As funções da aplicação ou do usuário não permitem criar leads.",
        (
            _ROLE,
            "Para uma função sua, abra 'Settings', 'Security', 'Security Roles', a função, a tabela 'Lead' em 'Sales', "
            "e dê-lhe 'Create' (e 'Write' e 'Read', para que um lead repetido possa ser reconhecido) no nível 'User'.",
            VALIDATE,
        ),
    ),
    Kind.FIELD_PERMISSION_MISSING: Text(
        "A aplicação ou o usuário não pode preencher um campo do lead, por exemplo a origem (leadsourcecode).",
        (
            _ROLE,
            "Se o campo está protegido, abra 'Settings', 'Security', 'Column Security Profiles' ('Field Security "
            "Profiles'), acrescente o usuário a um perfil e nele ponha 'Create' desse campo em 'Allowed'.",
            _MAPPING + VALIDATE,
        ),
    ),
    Kind.USER_DISABLED: Text(
        "A aplicação ou o usuário está desativado neste ambiente do Dynamics.",
        (
            "No Dynamics abra 'Settings', 'Security', 'Users', a vista 'Disabled Users', escolha-o e use 'Enable'; "
            "para uma aplicação use 'Application users' no centro de administração do Power Platform e 'Activate'.",
            VALIDATE,
        ),
    ),
    Kind.LICENCE_MISSING: Text(
        "O usuário não tem licença do Dynamics 365.",
        (
            "No centro de administração do Microsoft 365 abra 'Users', 'Active users', o usuário, 'Licenses and apps', "
            "e atribua uma licença do Dynamics 365; leva alguns minutos para ter efeito.",
            "Ou mude 'authentication' para azureAD: uma aplicação não precisa de licença.",
            VALIDATE,
        ),
    ),
    Kind.ENVIRONMENT_ADMIN_ONLY: Text(
        "O ambiente do Dynamics está em modo de administração e só admite administradores.",
        (
            "No centro de administração do Power Platform abra 'Environments', o ambiente, 'Edit' em 'Details', e "
            "desligue 'Administration mode' quando a manutenção terminar.",
            VALIDATE,
        ),
    ),
}

_DATA: Final[dict[Kind, Text]] = {
    Kind.FIELD_NOT_KNOWN: Text(
        "Um campo que a conexão preenche não existe nos leads deste ambiente.",
        (
            "Leia a evidência: ela indica o campo. No Power Apps abra 'Tables', 'Lead', 'Columns', e copie o nome "
            "lógico da coluna.",
            "Corrija 'fields' nas configurações da conexão; null retira um campo. " + RESUME,
        ),
    ),
    Kind.FIELD_VALUE_WRONG: Text(
        "Um campo deste lead recebeu um valor do tipo errado, por exemplo texto onde deve estar um número.",
        (
            "Leia a evidência: ela indica o campo. No Power Apps abra 'Tables', 'Lead', 'Columns', para ver o tipo "
            "dele.",
            "Corrija 'fields' nas configurações da conexão e depois repita esta entrega.",
        ),
    ),
    Kind.PICKLIST_VALUE: Text(
        "Um campo de escolha recebeu uma opção que este ambiente não tem.",
        (
            "No Power Apps abra 'Tables', 'Lead', 'Columns', a coluna ('Lead Source' é leadsourcecode), e anote o "
            "número da opção que os leads devem ter.",
            "Insira-o em 'leadSourceCode', ou em 'fields'; null em 'fields' retira um campo. " + RESUME,
        ),
    ),
    Kind.FIELD_TOO_LONG: Text(
        "Um texto deste lead é mais longo do que o campo, e não foi possível saber o comprimento dele.",
        (
            "No Power Apps abra 'Tables', 'Lead', 'Columns', a coluna, e aumente 'Maximum character count'.",
            "Ou deixe a função ler a descrição da tabela, para que os textos possam ser cortados à medida. " + _RETRY,
        ),
    ),
    Kind.LOOKUP_NOT_FOUND: Text(
        "Um item para o qual o mapeamento de campos aponta não existe, ou não pode ser visto.",
        ("Abra o item no Dynamics e copie a ID dele para 'fields' nas configurações da conexão. " + RESUME,),
    ),
    Kind.ORG_RULE_REFUSED: Text(
        "Uma regra da própria organização (um plug-in ou um fluxo de trabalho) recusa este lead.",
        (
            "Leia a evidência: nela a regra diz o que quer.",
            "Preencha o que ela quer com 'fields' nas configurações da conexão, ou altere a regra em 'Settings', "
            "'Customizations', 'Plug-in assemblies' ou 'Processes'.",
            _RETRY,
        ),
    ),
    Kind.DUPLICATE_REFUSED: Text(
        "O Dynamics recusa este lead porque ele se parece com outro que já existe.",
        (
            "Procure no Dynamics o e-mail do cliente: o lead anterior talvez já baste.",
            "Para ter os dois, desligue 'duplicateDetection' nas configurações (se a tabela tem uma chave alternativa "
            "sua, mude-a também) e depois repita esta entrega.",
        ),
    ),
}

TEXTS: Final[dict[Kind, Text]] = _ACCESS | _DATA
