"""``leadkeeper sandbox``: destinations to try by hand: a receiving endpoint over TLS, and Azure Table by Azurite."""

from __future__ import annotations

import asyncio
import signal
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from leadkeeper.doors.cli.failing import Failed
from leadkeeper.doors.cli.showing import AsJson, print_json, print_table, say

if TYPE_CHECKING:
    from leadkeeper.doors.cli.demo.guard import Guard
    from leadkeeper.sandbox.https_endpoint import ReceivingEndpoint

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
    """Start a receiving endpoint over TLS and Microsoft's storage emulator Azurite, until Ctrl-C.

    Prints their addresses, the connection string, and the settings that let Leadkeeper reach them; then each lead that
    the endpoint takes.
    """
    if context.invoked_subcommand is not None:
        return
    from leadkeeper.doors.cli.demo.guard import Guard
    from leadkeeper.sandbox.azurite import AzuriteFailed, AzuriteMissing

    with ExitStack() as stack:
        guard = stack.enter_context(Guard())
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="leadkeeper-sandbox-")))
            guard.folder(folder)
        try:
            asyncio.run(_until_told(folder.resolve(), guard, endpoint_port, table_port))
        except (AzuriteMissing, AzuriteFailed) as error:
            raise Failed(str(error)) from None


@commands.command()
def rows(
    address: Annotated[
        str, typer.Argument(metavar="ADDRESS", help="Where Azurite listens, or a connection string of Azure's.")
    ] = "http://127.0.0.1:10002",
    json: AsJson = False,
) -> None:
    """List the rows that are really in the table MarketplaceLeads, read with Microsoft's own client."""
    from azure.core.exceptions import AzureError

    from leadkeeper.doors.cli.demo.stage import read_rows, table_connection_string

    connection_string = table_connection_string(address) if address.startswith("http") else address
    try:
        found = asyncio.run(read_rows(connection_string))
    except (AzureError, ValueError) as error:
        raise Failed(f"The table cannot be read ({type(error).__name__}). Does Azurite run at that address?") from None
    if json:
        print_json({"rows": found})
        return
    columns = ("PartitionKey", "RowKey", "LeadSource", "Email", "Description")
    print_table(columns, [[str(row.get(name, "")) for name in columns] for row in found], empty="There are no rows.")


async def _until_told(folder: Path, guard: Guard, endpoint_port: int, table_port: int) -> None:
    from leadkeeper.doors.cli.demo.stage import HOST, free_port, open_stage

    stop = asyncio.Event()
    for told in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(told, stop.set)
    async with open_stage(folder, guard, table_port=free_port([table_port]), keep_rows=True) as stage:
        endpoint = await stage.endpoint(port=free_port([endpoint_port]))
        print(
            f"""HTTPS endpoint     https://{HOST}:{endpoint.port}/leads
Azure Table        {stage.azurite.url}
Connection string  {stage.connection_string}
CA file            {stage.ca_file}

Settings that let Leadkeeper reach them (for .env):
LEADKEEPER_ALLOW_ADDRESSES=127.0.0.0/8
LEADKEEPER_CA_FILE={stage.ca_file}
""",
            flush=True,
        )
        say(
            "The leads that the endpoint takes are named here; leadkeeper sandbox rows lists the table. Ctrl-C ends it."
        )
        seen = 0
        while not stop.is_set() and stage.azurite.running:
            seen = _tell_new(endpoint, seen)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), 0.3)
        if not stop.is_set():
            raise Failed("Azurite ended by itself.")


def _tell_new(endpoint: ReceivingEndpoint, seen: int) -> int:
    """Name the leads that came since; answers how many there are now. No personal data."""
    arrived = list(endpoint.received.values())
    for lead in arrived[seen:]:
        say(f"The endpoint took {lead.body['LeadId']} ({lead.body['LeadSource']}).")
    return len(arrived)
