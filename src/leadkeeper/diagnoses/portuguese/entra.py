"""What can go wrong with signing in to Microsoft Entra ID, in Portuguese."""

from __future__ import annotations

from typing import Final

from leadkeeper.diagnoses.portuguese.steps import RESUME, VALIDATE, WAIT
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
OPEN_INSTANCE: Final = (
    "Abra o Dynamics no navegador e copie o início do endereço, por exemplo https://contoso.crm4.dynamics.com, para "
    "'instanceUrl'."
)

TEXTS: Final[dict[Kind, Text]] = {
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
            OPEN_INSTANCE,
            "Com azureAD: verifique se 'directoryId' é o diretório da organização à qual pertence este ambiente, e "
            "não o do próprio publicador: o portal do Azure mostra-o em 'Microsoft Entra ID', 'Properties', 'Tenant "
            "ID'.",
            RESUME,
        ),
    ),
    Kind.TOKEN_REQUEST_INVALID: Text(
        "O Microsoft Entra ID não entende como pedimos o token: o erro é nosso, ou da URL da instância.",
        (
            OPEN_INSTANCE,
            "Se a URL estiver correta, informe a evidência a quem desenvolve o Leadkeeper.",
            VALIDATE,
        ),
    ),
    Kind.TENANT_IN_ANOTHER_CLOUD: Text(
        "O diretório pertence a outra nuvem da Microsoft (por exemplo a do governo dos EUA ou a da China), e não "
        "àquela que foi consultada.",
        (
            OPEN_INSTANCE,
            "É ele que decide qual nuvem é consultada: o fim tem de ser o da nuvem em que está o diretório, por "
            "exemplo crm.dynamics.com, crm.microsoftdynamics.us ou crm.dynamics.cn.",
            RESUME,
        ),
    ),
    Kind.TENANT_RESTRICTED: Text(
        "Uma restrição de locatário proíbe entradas neste diretório a partir desta rede.",
        (
            "Veja o proxy pelo qual esta instalação chega a login.microsoftonline.com: ele acrescenta o cabeçalho "
            "Restrict-Access-To-Tenants, e o diretório do publicador tem de estar na lista dele.",
            "Se não há tal proxy, pergunte a quem administra o diretório: 'Microsoft Entra ID', 'External Identities', "
            "'Cross-tenant access settings'.",
            VALIDATE,
        ),
    ),
    Kind.APPLICATION_SINGLE_TENANT: Text(
        "A aplicação só deixa entrar usuários do próprio diretório, e esta entrada não indica nenhum.",
        (
            "No portal do Azure abra 'Microsoft Entra ID', 'App registrations', a aplicação, 'Authentication', e ponha "
            "'Supported account types' em contas de qualquer diretório organizacional.",
            _APPLICATION_INSTEAD,
            VALIDATE,
        ),
    ),
    Kind.APPLICATION_PUBLIC: Text(
        "A aplicação é pública, e uma aplicação pública não entra com um segredo.",
        (
            "No portal do Azure abra 'Microsoft Entra ID', 'App registrations', a aplicação, 'Authentication', ponha "
            "'Allow public client flows' em 'No' e retire as plataformas de aplicações móveis e de computador.",
            "Ou registre outra aplicação para os leads e insira 'applicationId' e 'applicationKey' dela.",
            VALIDATE,
        ),
    ),
    Kind.PUBLIC_CLIENT_MISSING: Text(
        "A organização do usuário não deixa entrar este usuário pela aplicação com que as ferramentas da própria "
        "Microsoft entram no Dynamics, e nenhuma outra está indicada.",
        (
            "No portal do Azure abra 'Microsoft Entra ID', 'App registrations', 'New registration', para contas de "
            "qualquer diretório organizacional; em 'Authentication' ponha 'Allow public client flows' em 'Yes'.",
            "Em 'API permissions' acrescente 'Dynamics CRM', 'Delegated permissions', 'user_impersonation', e escolha "
            "'Grant admin consent'.",
            "Copie 'Application (client) ID' de 'Overview' e insira-o em 'publicClientId'. " + RESUME,
            _APPLICATION_INSTEAD,
        ),
    ),
    Kind.PUBLIC_CLIENT_NOT_FOUND: Text(
        "A organização do usuário não conhece a aplicação indicada em 'publicClientId'.",
        (
            "No portal do Azure dessa organização abra 'Microsoft Entra ID', 'App registrations', a aplicação, "
            "'Overview', copie 'Application (client) ID' e insira-o em 'publicClientId'.",
            "Uma aplicação de outra organização tem de ser para contas de qualquer diretório organizacional e estar "
            "admitida por um administrador da organização do usuário.",
            RESUME,
        ),
    ),
    Kind.DIRECTORY_PASSWORD_EXPIRED: Text(
        "A senha do usuário no Active Directory da própria organização expirou.",
        (
            "Peça a um administrador do Active Directory que defina uma nova senha para o usuário, ou defina-a em "
            "https://aka.ms/sspr se a organização o permite; depois insira-a em 'password'. " + RESUME,
            _APPLICATION_INSTEAD,
        ),
    ),
    Kind.DIRECTORY_NOT_REACHED: Text(
        "O Active Directory da própria organização, que verifica a senha deste usuário, não respondeu ao Microsoft "
        "Entra ID.",
        (
            WAIT,
            "Se continuar, abra no portal do Azure 'Microsoft Entra ID', 'Microsoft Entra Connect', 'Pass-through "
            "authentication': ali estão os agentes de autenticação ativos. Veja o log, o relógio e a conexão dos "
            "servidores deles com o Active Directory.",
            _APPLICATION_INSTEAD,
        ),
    ),
    Kind.LOGON_HOURS: Text(
        "O Active Directory da organização não deixa este usuário entrar a esta hora do dia.",
        (
            "Nada se perde: o lead é enviado de novo automaticamente nas horas permitidas.",
            "Para enviar a qualquer hora, peça a um administrador do Active Directory que altere 'Logon Hours' do "
            "usuário ('Active Directory Users and Computers', o usuário, 'Account').",
            _APPLICATION_INSTEAD,
        ),
    ),
    Kind.SECURITY_DEFAULTS: Text(
        "Os padrões de segurança da organização barram esta entrada: eles exigem um segundo fator e não têm exceções.",
        (
            "Mude 'authentication' para azureAD, com uma aplicação e o segredo dela: os padrões de segurança não "
            "atingem aplicações. A página de documentação do Dynamics diz como.",
            "Ou peça a um administrador que troque os padrões de segurança por políticas de acesso condicional "
            "('Microsoft Entra ID', 'Properties', 'Manage security defaults') e dispense o usuário, o que a Microsoft "
            "desaconselha.",
            RESUME,
        ),
    ),
    Kind.USER_AT_RISK: Text(
        "O Microsoft Entra ID bloqueia o usuário porque a conta está em risco, como se outra pessoa tivesse a senha.",
        (
            "No portal do Azure abra 'Microsoft Entra ID', 'Security', 'Identity Protection', 'Risky users', o "
            "usuário: veja o que aconteceu, defina uma nova senha e escolha 'Dismiss user risk'.",
            "Insira a nova senha em 'password'. " + RESUME,
            _APPLICATION_INSTEAD,
        ),
    ),
}
