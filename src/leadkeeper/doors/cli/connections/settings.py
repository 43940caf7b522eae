"""The settings of a connection as people give them: in a file, or one by one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from leadkeeper.doors.cli.installation import quiet_settings
from leadkeeper.doors.cli.showing import system_text
from leadkeeper.doors.cli.values import read_json_file
from leadkeeper.texts import join_lazily
from leadkeeper.texts import lazy_gettext as _


def settings_body(file: str | None, to: str | None, settings: list[str]) -> dict[str, Any]:
    """Them as Microsoft's ``customer-leads`` resource. Raises ``typer.BadParameter`` for what cannot be read."""
    if (file is None) == (to is None):
        raise typer.BadParameter(_("give the settings with --file, or with --to and --set"))
    if file is not None:
        if settings:
            raise typer.BadParameter(_("--set goes with --to, not with --file"))
        return read_json_file(file)
    destinations = quiet_settings().destinations
    destination = destinations.taking(to or "")
    if destination is None:
        raise typer.BadParameter(
            _("%(option)s: choose one of %(choices)s", option=f"--to {to}", choices=", ".join(destinations.choices))
        )
    return {"leadDestination": to, destination.config_key: dict(_setting(text) for text in settings)}


def _setting(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals:
        raise typer.BadParameter(_("%(option)s: write KEY=VALUE", option=f"--set {key}"))
    if value.startswith("@"):
        try:
            value = Path(value[1:]).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise typer.BadParameter(join_lazily((f"--set {key}: {value[1:]}", system_text(error)), ": ")) from None
    return key, [part.strip() for part in value.split(",")] if key == "contactEmail" else value
