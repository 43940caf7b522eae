"""What can go wrong with Azure Storage."""

from __future__ import annotations

from typing import Final

from leadkeeper.catalogue import declare
from leadkeeper.diagnoses.entry import RESUME, VALIDATE, WAIT, Entry
from leadkeeper.diagnosis import AnyKind, Outcome, Who
from leadkeeper.texts import _


class AzureStorageKind(AnyKind):
    """What can go wrong with Azure Storage."""

    KEY_REJECTED = "storageKeyRejected"
    ACCESS_BLOCKED = "storageAccessBlocked"
    ACCOUNT_DISABLED = "storageAccountDisabled"
    ACCOUNT_NOT_FOUND = "storageAccountNotFound"
    SETTING_INVALID = "storageSettingInvalid"
    TABLE_BEING_DELETED = "tableBeingDeleted"


ENTRIES: Final[dict[AnyKind, Entry]] = {
    AzureStorageKind.KEY_REJECTED: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("Azure Storage does not accept the key or the shared access signature."),
        (
            _("Open the storage account in the Azure portal, 'Security + networking', 'Access keys', 'Show'."),
            _(
                "Copy the connection string and enter it in the settings; keys change when somebody rotates them, and "
                "a shared access signature expires."
            ),
            RESUME,
        ),
    ),
    AzureStorageKind.ACCESS_BLOCKED: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        _("Azure Storage knows the caller but does not let it write."),
        (
            _(
                "With a shared access signature: make one for containers and objects that allows Create (and Add, for "
                "the Table service) on the service in use."
            ),
            _(
                "Look at 'Security + networking', 'Networking' of the storage account: its firewall must admit this "
                "installation."
            ),
            _("Look at 'Settings', 'Configuration': 'Allow storage account key access' must be on for account keys."),
            VALIDATE,
        ),
    ),
    AzureStorageKind.ACCOUNT_DISABLED: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        _("The storage account is disabled."),
        (_("Check the Azure subscription of the storage account: it may be out of credit or cancelled."), VALIDATE),
    ),
    AzureStorageKind.ACCOUNT_NOT_FOUND: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("There is no storage account of that name."),
        (
            _("Compare AccountName in the connection string with the Azure portal; the account may have been deleted."),
            _("Copy the connection string from 'Access keys' again and enter it in the settings."),
            RESUME,
        ),
    ),
    AzureStorageKind.SETTING_INVALID: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("Azure Storage does not understand the request that these settings lead to."),
        (_("Copy the connection string from 'Access keys' again, whole, and enter it in the settings."), RESUME),
    ),
    AzureStorageKind.TABLE_BEING_DELETED: Entry(
        Outcome.FAILED,
        Who.NOBODY,
        _("The table or container was deleted a moment ago; Azure needs about 40 seconds before it can be made again."),
        (WAIT,),
    ),
}

declare(AzureStorageKind, ENTRIES)
