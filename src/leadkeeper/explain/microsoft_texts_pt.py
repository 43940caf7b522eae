"""Microsoft's eight texts for Dynamics connections as its Portuguese pages have them, in any order.

As in ``explain.microsoft_texts``: without the words that lead all of them in, and without what follows them. The
whole texts are those of one page; others say *inquilino* for *locatário*, *aplicação*, *iniciar sessão*, *pedido*.
"""

from __future__ import annotations

from typing import Final

from leadkeeper.destinations.dynamics.diagnoses import DynamicsKind
from leadkeeper.explain.microsoft_texts import MicrosoftText
from leadkeeper.network.entra.diagnoses import EntraKind

MICROSOFT_TEXTS: Final = (
    MicrosoftText(
        "Verifique as configurações de conta do Dynamics CRM. LastCRMError: Não é possível entrar no Dynamics CRM, "
        "LastCRMException:",
        "Não é possível entrar no Dynamics CRM",
        EntraKind.SIGN_IN_REJECTED,
        (
            "iniciar sessão no Dynamics CRM",
            "não foi possível entrar no Dynamics CRM",
        ),
    ),
    MicrosoftText(
        "O usuário não tem permissões de criação para o atributo leadsourcecode na entidade de cliente potencial",
        "permissões de criação para o atributo leadsourcecode",
        DynamicsKind.FIELD_PERMISSION_MISSING,
        ("permissões … atributo leadsourcecode",),
    ),
    MicrosoftText(
        "usando o AAD. Exceção:: Locatário não encontrado. Essa instância pode ocorrer se não houver nenhuma "
        "assinatura ativa para o locatário.",
        "Locatário não encontrado",
        EntraKind.TENANT_NOT_FOUND,
        (
            "inquilino … não encontrado",
            "inquilino não foi … encontrado",
            "locatário não foi … encontrado",
        ),
    ),
    MicrosoftText(
        "LastCRMError: SecLib:: RetrievePrivilegeForUser falhou-nenhuma função está atribuída ao usuário.",
        "RetrievePrivilegeForUser falhou",
        DynamicsKind.NO_SECURITY_ROLE,
        ("RetrievePrivilegeForUser … falhou",),
    ),
    MicrosoftText(
        "usando o AAD. Exceção:: O aplicativo com identificador não foi encontrado no diretório",
        "não foi encontrado no diretório",
        EntraKind.APPLICATION_NOT_FOUND,
        (
            "aplicação … não foi encontrada no diretório",
            "aplicação … identificador … não foi encontrada",
        ),
    ),
    MicrosoftText(
        "usando o AAD. Exceção:: O identificador de locatário solicitado não é válido e não é um formato de domínio "
        "externo válido",
        "identificador de locatário solicitado não é válido",
        EntraKind.TENANT_INVALID,
        (
            "identificador … inquilino … não é válido",
            "identificador … locatário … não é válido",
        ),
    ),
    MicrosoftText(
        "usando o AAD. Exceção:: Erro ao validar as credenciais.: Segredo do cliente inválido fornecido.",
        "Segredo do cliente inválido",
        EntraKind.CLIENT_SECRET_WRONG,
        (
            "segredo de cliente … inválido",
            "segredo do cliente … inválido",
            "segredo do cliente não é válido",
        ),
    ),
    MicrosoftText(
        "LastCRMError: O canal de solicitação atingiu o tempo limite ao aguardar uma resposta após 00:02:00. Aumente o "
        "valor de tempo limite passado para a chamada para solicitação ou aumente o valor de SendTimeout na "
        "associação.",
        "canal de solicitação atingiu o tempo limite",
        DynamicsKind.NO_ANSWER,
        (
            "canal de pedidos … tempo",
            "canal de pedido … tempo",
            "canal de solicitações … tempo",
        ),
    ),
)
