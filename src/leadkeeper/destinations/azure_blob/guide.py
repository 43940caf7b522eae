"""What a publisher is told who connects Azure Blob: when to choose it, its ways, where to find each value."""

from __future__ import annotations

from typing import Final

from leadkeeper.destinations.azure_storage.diagnoses import AzureStorageKind
from leadkeeper.destinations.azure_storage.guide import COST, MARKS, STEPS
from leadkeeper.destinations.guide import Guide, Question, Topic, Way
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
    examples={"containerName": "marketplace-leads"},
    address=("storageAccountConnectionString",),
    secret=("storageAccountConnectionString",),
    marks={**MARKS, AzureStorageKind.SETTING_INVALID: ("storageAccountConnectionString", "containerName")},
    questions=(
        Question(
            "azure-blob",
            _("Leads go to Azure Blob. Why do I see none?"),
            (
                _(
                    "Each lead is a file of its own in the container, in a folder for its day, from the moment at "
                    "which the offer was connected to it. Azure Table shows leads as rows as soon as they come: change "
                    "to that."
                ),
            ),
            (Topic.CONNECT, Topic.DESTINATIONS),
        ),
        COST,
    ),
    place=80,
)
