"""What can go wrong with signing in to Microsoft Entra ID, and with Dynamics 365, in Portuguese."""

from __future__ import annotations

from typing import Final

from leadkeeper.diagnoses.portuguese.steps import RESUME, VALIDATE
from leadkeeper.diagnoses.text import Text
from leadkeeper.diagnosis import Kind

_TENANT: Final = (
    "Entre no portal do Azure com uma conta da organização à qual pertence o Dynamics, abra 'Microsoft Entra ID', "
    "'Properties' (ou 'Overview') e copie 'Tenant ID', o identificador do diretório."
)
_APPLICATION: Final = (
    "No portal do Azure abra 'Microsoft Entra ID', 'App registrations', a aplicação dos leads, 'Overview', e copie "
    "'Application (client) ID'."
)
_SECRET: Final = (
    "Na mesma aplicação abra 'Certificados e segredos' ('Certificates & secrets'), 'Client secrets', 'New client "
    "secret', e copie logo o valor ('Value'): ele só é mostrado essa vez. O 'Secret ID' ao lado não é o segredo."
)
_APPLICATION_INSTEAD: Final = (
    "Ou mude 'authentication' para azureAD: uma aplicação entra sem depender de uma pessoa, e o segredo dela dura até "
    "dois anos."
)
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
_OPEN_INSTANCE: Final = (
    "Abra o Dynamics no navegador e copie o início do endereço, por exemplo https://contoso.crm4.dynamics.com, para "
    "'instanceUrl'."
)

_ENTRA: Final[dict[Kind, Text]] = {
    Kind.TENANT_NOT_FOUND: Text(
        "O Microsoft Entra ID não tem nenhum diretório (locatário) com esta ID de diretório, ou nenhum com uma "
        "assinatura ativa.",
        (_TENANT, "Insira-o em 'directoryId'. " + RESUME),
    ),
    Kind.TENANT_INVALID: Text(
        "A ID de diretório não é das que o Microsoft Entra ID consegue ler.",
        (_TENANT, "Insira-o inteiro em 'directoryId', 36 caracteres com quatro hífens. " + RESUME),
    ),
    Kind.APPLICATION_NOT_FOUND: Text(
        "Não existe no diretório nenhuma aplicação com esta ID de aplicação.",
        (
            _APPLICATION,
            "Compare 'Directory (tenant) ID', na mesma página, com 'directoryId': a aplicação tem de estar registrada "
            "nesse diretório, ou admitida nele.",
            "Insira ambas as IDs nas configurações. " + RESUME,
        ),
    ),
    Kind.APPLICATION_DISABLED: Text(
        "A aplicação está desativada no diretório.",
        (
            "No portal do Azure abra 'Microsoft Entra ID', 'Enterprise applications', a aplicação, 'Properties', e "
            "ponha 'Enabled for users to sign-in?' em 'Yes'.",
            VALIDATE,
        ),
    ),
    Kind.APPLICATION_NOT_ASSIGNED: Text(
        "O usuário não está atribuído à aplicação, e a aplicação o exige.",
        (
            "No portal do Azure abra 'Microsoft Entra ID', 'Enterprise applications', a aplicação, 'Users and groups', "
            "e acrescente o usuário; ou ponha 'Assignment required?', em 'Properties', em 'No'.",
            VALIDATE,
        ),
    ),
    Kind.CLIENT_SECRET_WRONG: Text(
        "O segredo da aplicação não é o correto.",
        (_APPLICATION, _SECRET, "Insira-o em 'applicationKey'. " + RESUME),
    ),
    Kind.CLIENT_SECRET_EXPIRED: Text(
        "O segredo da aplicação expirou.",
        (_SECRET, "Insira-o em 'applicationKey' e anote o dia em que ele vai expirar. " + RESUME),
    ),
    Kind.PUBLIC_CLIENT_REFUSED: Text(
        "A aplicação indicada em 'publicClientId' não deixa pessoas entrarem sem o segredo dela.",
        (
            "No portal do Azure abra 'Microsoft Entra ID', 'App registrations', a aplicação, 'Authentication', e ponha "
            "'Allow public client flows' em 'Yes'.",
            _APPLICATION_INSTEAD,
            VALIDATE,
        ),
    ),
    Kind.SIGN_IN_REJECTED: Text(
        "O Microsoft Entra ID não aceita esta entrada.",
        (
            "Com office365: entre em https://portal.office.com com o mesmo nome de usuário e a mesma senha e "
            "corrija-os nas configurações. O usuário também precisa de acesso ao Dynamics 365 e de uma licença "
            "atribuída.",
            "Com azureAD: compare 'directoryId' e 'applicationId' com 'Microsoft Entra ID', 'App registrations', a "
            "aplicação, 'Overview', e crie um novo segredo em 'Certificados e segredos' ('Certificates & secrets').",
            RESUME,
        ),
    ),
    Kind.SIGN_IN_BLOCKED: Text(
        "A conta do usuário está desativada no Microsoft Entra ID.",
        (
            "No portal do Azure abra 'Microsoft Entra ID', 'Users', o usuário, 'Properties', 'Settings', e marque "
            "'Account enabled'.",
            _APPLICATION_INSTEAD,
            VALIDATE,
        ),
    ),
    Kind.PASSWORD_EXPIRED: Text(
        "A senha do usuário expirou; em muitas organizações ela dura 90 dias.",
        (
            "Entre em https://portal.office.com com este usuário, escolha uma nova senha e insira-a em 'password'. "
            + RESUME,
            _APPLICATION_INSTEAD,
        ),
    ),
    Kind.ACCOUNT_LOCKED: Text(
        "A conta do usuário está bloqueada por senhas erradas, ou as entradas a partir daqui são tidas por maliciosas.",
        (
            "Espere uma hora sem tentar: cada nova tentativa prolonga o bloqueio.",
            "No portal do Azure abra 'Microsoft Entra ID', 'Users', o usuário, 'Sign-in logs', para ver quem entra com "
            "uma senha antiga; depois insira a correta em 'password'. " + RESUME,
            _APPLICATION_INSTEAD,
        ),
    ),
    Kind.MULTI_FACTOR_REQUIRED: Text(
        "O usuário tem de provar quem é com um segundo fator, o que um programa não consegue fazer.",
        (
            "Mude 'authentication' para azureAD, com uma aplicação e o segredo dela: a página de documentação do "
            "Dynamics diz como.",
            "Ou peça a um administrador que dispense este usuário da autenticação multifator, o que a Microsoft "
            "desaconselha.",
            RESUME,
        ),
    ),
    Kind.CONDITIONAL_ACCESS: Text(
        "Uma política de acesso condicional da organização proíbe esta entrada.",
        (
            "No portal do Azure abra 'Microsoft Entra ID', 'Sign-in logs', a entrada que falhou (em 'Service principal "
            "sign-ins', se for uma aplicação), 'Conditional Access': ali está o nome da política.",
            "Exclua dessa política o usuário ou a aplicação, ou autorize os endereços desta instalação.",
            VALIDATE,
        ),
    ),
    Kind.CONSENT_MISSING: Text(
        "Ninguém consentiu que a aplicação use o Dynamics em nome dos usuários.",
        (
            "No portal do Azure abra 'Microsoft Entra ID', 'App registrations', a aplicação, 'API permissions', "
            "acrescente 'Dynamics CRM', 'Delegated permissions', 'user_impersonation', e escolha 'Grant admin "
            "consent'.",
            VALIDATE,
        ),
    ),
    Kind.RESOURCE_NOT_IN_TENANT: Text(
        "O diretório em que se entrou não conhece este ambiente do Dynamics.",
        (
            _OPEN_INSTANCE,
            "Verifique se 'directoryId' é o diretório da organização à qual pertence este ambiente, e não o do próprio "
            "publicador: o portal do Azure mostra-o em 'Microsoft Entra ID', 'Properties', 'Tenant ID'.",
            RESUME,
        ),
    ),
    Kind.TOKEN_REQUEST_INVALID: Text(
        "O Microsoft Entra ID não entende como pedimos o token: o erro é nosso, ou da URL da instância.",
        (
            _OPEN_INSTANCE,
            "Se a URL estiver correta, informe a evidência a quem desenvolve o Leadkeeper.",
            VALIDATE,
        ),
    ),
}

_ACCESS: Final[dict[Kind, Text]] = {
    Kind.DYNAMICS_ADDRESS_WRONG: Text(
        "A URL da instância não é a de um ambiente do Dynamics 365.",
        (
            _OPEN_INSTANCE,
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

TEXTS: Final[dict[Kind, Text]] = _ENTRA | _ACCESS | _DATA
