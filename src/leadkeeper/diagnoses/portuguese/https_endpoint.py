"""What can go wrong with Power Automate flows behind an HTTPS endpoint, in Portuguese."""

from __future__ import annotations

from typing import Final

from leadkeeper.diagnoses.portuguese.steps import RESUME, VALIDATE
from leadkeeper.diagnoses.text import Text
from leadkeeper.diagnosis import Kind

TEXTS: Final[dict[Kind, Text]] = {
    Kind.FLOW_SIGNATURE_REJECTED: Text(
        "O Power Automate não aceita a assinatura que está no endereço do fluxo.",
        (
            "Abra o fluxo no Power Automate e, nele, o gatilho 'When an HTTP request is received'.",
            "Em 'Who can trigger the flow' escolha 'Anyone', grave o fluxo e copie a nova URL HTTP (ela muda ao "
            "gravar).",
            "Insira essa URL nas configurações, inteira, com tudo o que vem depois do ponto de interrogação. " + RESUME,
        ),
    ),
    Kind.FLOW_NOT_FOUND: Text(
        "O fluxo do Power Automate está desligado ou foi apagado.",
        (
            "Abra o Power Automate e ligue o fluxo; se já não existir, crie-o de novo.",
            "Copie a URL HTTP do fluxo e insira-a nas configurações se tiver mudado. " + VALIDATE,
        ),
    ),
    Kind.FLOW_SCHEMA_MISMATCH: Text(
        "O gatilho do fluxo recusa o lead porque ele não corresponde ao esquema definido.",
        (
            "Abra as configurações do gatilho no Power Automate e desligue 'Schema Validation', ou torne todos os "
            "campos textos opcionais.",
            "Repita esta entrega.",
        ),
    ),
}
