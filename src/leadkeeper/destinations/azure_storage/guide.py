"""What a publisher is told of a storage account: where its connection string is, what is asked of it, what fails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from leadkeeper.destinations.azure_storage.diagnoses import AzureStorageKind
from leadkeeper.destinations.guide import Question, Topic
from leadkeeper.diagnosis import AnyKind
from leadkeeper.texts import lazy_gettext as _

STEPS: Final = (
    _("Sign in to portal.azure.com and open your storage account, or make one: Create a resource, Storage account."),
    _("In its menu open Security + networking, then Access keys."),
    _("At key1 press Show beside Connection string, and copy it whole."),
    _(
        "With less power: Security + networking, Shared access signature. Choose the service, the resource types "
        "Container and Object, the permissions Read, Add, Create and Write, an end date, then copy the connection "
        "string that it makes."
    ),
)

MARKS: Final[Mapping[AnyKind, tuple[str, ...]]] = {
    AzureStorageKind.ACCOUNT_NOT_FOUND: ("storageAccountConnectionString",),
    AzureStorageKind.KEY_REJECTED: ("storageAccountConnectionString",),
}
"""Which settings are usually wrong, by the cause of a failure; for both services."""

VIEW: Final = Question(
    "view-azure",
    _("How do I look at leads in Azure Table or Azure Blob?"),
    (
        _(
            "Open the storage account in the Azure portal, or use Azure Storage Explorer, which costs nothing: "
            "both show the table and the files."
        ),
    ),
    (Topic.DESTINATIONS,),
)
COST: Final = Question(
    "azure-cost",
    _("What does it cost to keep leads in Azure storage?"),
    (
        _(
            "Little: nearly every publisher's leads take less than a gigabyte. By Microsoft's word a thousand "
            "leads a month cost about 50 cents."
        ),
    ),
    (Topic.CONNECT, Topic.DESTINATIONS),
)
