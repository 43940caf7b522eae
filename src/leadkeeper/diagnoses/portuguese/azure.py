"""What can go wrong with Azure Storage, in Portuguese."""

from __future__ import annotations

from typing import Final

from leadkeeper.diagnoses.portuguese.steps import RESUME, VALIDATE, WAIT
from leadkeeper.diagnoses.text import Text
from leadkeeper.diagnosis import Kind

TEXTS: Final[dict[Kind, Text]] = {
    Kind.STORAGE_KEY_REJECTED: Text(
        "O Armazenamento do Azure não aceita a chave ou a assinatura de acesso compartilhado (SAS).",
        (
            "Abra a conta de armazenamento no portal do Azure, 'Security + networking', 'Chaves de acesso', 'Mostrar'.",
            "Copie a cadeia de conexão ('Connection string') e insira-a nas configurações; as chaves mudam quando "
            "alguém as troca, e uma assinatura de acesso compartilhado expira.",
            RESUME,
        ),
    ),
    Kind.STORAGE_ACCESS_BLOCKED: Text(
        "O Armazenamento do Azure reconhece quem chama, mas não o deixa escrever.",
        (
            "Com uma assinatura de acesso compartilhado: gere uma para contêineres e objetos que permita 'Create' (e "
            "'Add', para o serviço de tabelas) no serviço em uso.",
            "Verifique 'Security + networking', 'Networking' da conta de armazenamento: o firewall tem de admitir esta "
            "instalação.",
            "Verifique 'Settings', 'Configuration': 'Allow storage account key access' tem de estar ligado para usar "
            "chaves da conta.",
            VALIDATE,
        ),
    ),
    Kind.STORAGE_ACCOUNT_DISABLED: Text(
        "A conta de armazenamento está desativada.",
        (
            "Verifique a assinatura do Azure à qual pertence a conta de armazenamento: pode estar sem crédito ou "
            "cancelada.",
            VALIDATE,
        ),
    ),
    Kind.STORAGE_ACCOUNT_NOT_FOUND: Text(
        "Não existe nenhuma conta de armazenamento com este nome.",
        (
            "Compare o AccountName da cadeia de conexão com o portal do Azure; a conta pode ter sido apagada.",
            "Copie de novo a cadeia de conexão em 'Chaves de acesso' e insira-a nas configurações.",
            RESUME,
        ),
    ),
    Kind.STORAGE_SETTING_INVALID: Text(
        "O Armazenamento do Azure não entende o pedido que resulta destas configurações.",
        (
            "Copie de novo a cadeia de conexão em 'Chaves de acesso', inteira, e insira-a nas configurações.",
            RESUME,
        ),
    ),
    Kind.TABLE_BEING_DELETED: Text(
        "A tabela ou o contêiner foi apagado há instantes; o Azure precisa de cerca de 40 segundos até que possa ser "
        "criado de novo.",
        (WAIT,),
    ),
}
