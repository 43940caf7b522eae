"""The steps that many texts share, as ``diagnoses.entry`` has them in English.

In all Portuguese texts, what stands on a screen is in quotes: in Portuguese where the screens of Brazil and Portugal
agree, else in English. Settings keep their names.
"""

from __future__ import annotations

from typing import Final

WAIT: Final = "Não é preciso fazer nada: o lead fica guardado e é enviado de novo automaticamente."
RESUME: Final = (
    "Grave as configurações corrigidas: a conexão é testada de imediato e os leads retidos seguem, do mais antigo para "
    "o mais novo."
)
VALIDATE: Final = (
    "Valide a conexão ('validate'): se tudo passar, os leads retidos seguem, do mais antigo para o mais novo."
)
