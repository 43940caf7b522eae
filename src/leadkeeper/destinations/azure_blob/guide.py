"""What a publisher is told who connects Azure Blob: when to choose it, its ways, where to find each value."""

from __future__ import annotations

from typing import Final

from leadkeeper.destinations.azure_storage.guide import STEPS
from leadkeeper.destinations.guide import Guide, Way
from leadkeeper.texts import lazy_gettext as _

GUIDE: Final = Guide(
    "archive",
    _("Microsoft retired this destination: choose Azure Table, unless something of yours reads CSV files."),
    (
        Way(
            "key",
            _("Connection string"),
            "",
            ("storageAccountConnectionString", "containerName"),
            (*STEPS, _("Think of a name for the container: it is made when it is missing.")),
        ),
    ),
    instead="azure_table",
    place=80,
)
