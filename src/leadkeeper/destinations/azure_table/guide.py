"""What a publisher is told who connects Azure Table: when to choose it, its ways, where to find each value."""

from __future__ import annotations

from typing import Final

from leadkeeper.destinations.azure_storage.diagnoses import AzureStorageKind
from leadkeeper.destinations.azure_storage.guide import MARKS, STEPS, VIEW
from leadkeeper.destinations.guide import Guide, Question, Topic, Way
from leadkeeper.texts import lazy_gettext as _

GUIDE: Final = Guide(
    "table",
    _("You have no CRM that is named here: the simplest place to keep leads, readable by flows and spreadsheets."),
    (Way("key", _("Connection string"), "", ("storageAccountConnectionString",), STEPS),),
    address=("storageAccountConnectionString",),
    secret=("storageAccountConnectionString",),
    marks={**MARKS, AzureStorageKind.SETTING_INVALID: ("storageAccountConnectionString",)},
    questions=(
        VIEW,
        Question(
            "azure-table-notices",
            _("Can I be told of each new lead in Azure Table?"),
            (
                _(
                    "Yes: enter contact e-mails in the form of the connection, and choose that they are told of each "
                    "lead. A flow of Power Automate that watches the table can do so too."
                ),
            ),
            (Topic.CONNECTION,),
        ),
    ),
    place=50,
)
