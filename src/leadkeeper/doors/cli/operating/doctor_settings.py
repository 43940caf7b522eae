"""What the doctor finds in the settings, each of which can be read by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadkeeper.doors.cli.operating.doctor_records import Finding
from leadkeeper.doors.cli.operating.serve import listening_trouble, too_many_processes
from leadkeeper.doors.cli.operating.unknown_settings import unknown_settings
from leadkeeper.network.listening import listening_socket
from leadkeeper.texts import lazy_gettext as _

if TYPE_CHECKING:
    from leadkeeper.settings import Settings


def settings_findings(settings: Settings) -> list[Finding]:
    """That they can be used, or each that is misspelt or that ``serve`` would refuse."""
    name = _("settings")
    found = [Finding(name, "wrong", each.summary, each.remedy) for each in unknown_settings()]
    refused = (_host_trouble(settings), too_many_processes(settings))
    found += [Finding(name, "wrong", summary) for summary in refused if summary is not None]
    return found or [Finding(name, "ok", _("can be used"))]


def _host_trouble(settings: Settings) -> str | None:
    """Any free port is tried: that of the settings is taken while the installation runs."""
    try:
        listening_socket(settings.host, 0).close()
    except OSError as error:
        return listening_trouble(settings.host, settings.port, error)
    return None
