"""Microsoft's eight texts for Dynamics connections as its Portuguese pages have them, in any order.

As in ``diagnoses.microsoft_texts``: without the words that lead all of them in, and without what follows them.
"""

from __future__ import annotations

from typing import Final

from leadkeeper.diagnoses.microsoft_texts import MicrosoftText
from leadkeeper.diagnosis import Kind

MICROSOFT_TEXTS: Final = (
    MicrosoftText(
        "Verifique as configurações de conta do Dynamics CRM. LastCRMError: Não é possível entrar no Dynamics CRM, "
        "LastCRMException:",
        "Não é possível entrar no Dynamics CRM",
        Kind.SIGN_IN_REJECTED,
    ),
    MicrosoftText(
        "O usuário não tem permissões de criação para o atributo leadsourcecode na entidade de cliente potencial",
        "permissões de criação para o atributo leadsourcecode",
        Kind.FIELD_PERMISSION_MISSING,
    ),
    MicrosoftText(
        "usando o AAD. Exceção:: Locatário não encontrado. Essa instância pode ocorrer se não houver nenhuma "
        "assinatura ativa para o locatário.",
        "Locatário não encontrado",
        Kind.TENANT_NOT_FOUND,
    ),
    MicrosoftText(
        "LastCRMError: SecLib:: RetrievePrivilegeForUser falhou-nenhuma função está atribuída ao usuário.",
        "RetrievePrivilegeForUser falhou",
        Kind.NO_SECURITY_ROLE,
    ),
    MicrosoftText(
        "usando o AAD. Exceção:: O aplicativo com identificador não foi encontrado no diretório",
        "não foi encontrado no diretório",
        Kind.APPLICATION_NOT_FOUND,
    ),
    MicrosoftText(
        "usando o AAD. Exceção:: O identificador de locatário solicitado não é válido e não é um formato de domínio "
        "externo válido",
        "identificador de locatário solicitado não é válido",
        Kind.TENANT_INVALID,
    ),
    MicrosoftText(
        "usando o AAD. Exceção:: Erro ao validar as credenciais.: Segredo do cliente inválido fornecido.",
        "Segredo do cliente inválido",
        Kind.CLIENT_SECRET_WRONG,
    ),
    MicrosoftText(
        "LastCRMError: O canal de solicitação atingiu o tempo limite ao aguardar uma resposta após 00:02:00. Aumente o "
        "valor de tempo limite passado para a chamada para solicitação ou aumente o valor de SendTimeout na "
        "associação.",
        "canal de solicitação atingiu o tempo limite",
        Kind.DYNAMICS_NO_ANSWER,
    ),
)
