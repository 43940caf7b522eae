"""What a publisher is told who connects Azure Table: when to choose it, its ways, where to find each value."""

from __future__ import annotations

from typing import Final

from leadkeeper.destinations.azure_storage.guide import STEPS
from leadkeeper.destinations.guide import Guide, Way
from leadkeeper.texts import lazy_gettext as _

GUIDE: Final = Guide(
    "table",
    _("You have no CRM that is named here: the simplest place to keep leads, readable by flows and spreadsheets."),
    (Way("key", _("Connection string"), "", ("storageAccountConnectionString",), STEPS),),
    place=50,
)
