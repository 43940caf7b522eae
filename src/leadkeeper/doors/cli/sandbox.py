"""``leadkeeper sandbox``: destinations to try by hand: a receiving endpoint over TLS, and Azure Table by Azurite."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from leadkeeper.doors.cli.showing import AsJson, print_json, print_table, say

commands = typer.Typer(name="sandbox", help="Destinations to try by hand.", invoke_without_command=True)


@commands.callback()
def run(
    context: typer.Context,
    folder: Annotated[
        Path | None, typer.Option(help="Keep the certificate authority and the rows here; else a temporary folder.")
    ] = None,
    endpoint_port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the endpoint.")] = 8701,
    table_port: Annotated[int, typer.Option(min=1, max=65535, help="Port of Azure Table.")] = 10002,
) -> None:
    """Start a receiving endpoint over TLS and Microsoft's storage emulator, until Ctrl-C.

    Prints their addresses, the connection string, and the settings that let Leadkeeper reach them.
    """
    if context.invoked_subcommand is not None:
        return
    from leadkeeper.doors.cli.demo.sandbox import Sandbox

    with ExitStack() as stack:
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="leadkeeper-sandbox-")))
        asyncio.run(_until_told(Sandbox(folder.resolve(), endpoint_port=endpoint_port, table_port=table_port)))
