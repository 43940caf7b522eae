"""``leadkeeper demo``: the whole story on a sandbox."""

from __future__ import annotations

from typing import Annotated

import typer

from leadkeeper.doors.cli.failing import Failed

commands = typer.Typer()


@commands.command()
def demo(
    once: Annotated[
        bool, typer.Option("--once", help="End after the story; exit code 0 only if every lead arrived everywhere.")
    ] = False,
) -> None:
    """Play the whole story on a sandbox: offers, connections, leads, failures and their repair.

    Starts a stand-in for every destination (Azure Storage is Microsoft's emulator Azurite) and the hub, all on this
    machine and in a temporary folder. Goes on until Ctrl-C, and leaves nothing behind.
    """
    from leadkeeper.doors.cli.demo.play import play
    from leadkeeper.sandbox.azure_storage.azurite import AzuriteFailed, AzuriteMissing

    try:
        code = play(once=once)
    except (AzuriteMissing, AzuriteFailed) as error:
        raise Failed(str(error)) from None
    raise typer.Exit(code)
