"""``leadkeeper sandbox``: a stand-in for every destination, to try by hand."""

from __future__ import annotations

import asyncio
import errno
import json as to_json
import signal
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from leadkeeper.doors.cli.failing import Failed
from leadkeeper.doors.cli.showing import AsJson, print_json, print_table, say, spoken, system_text
from leadkeeper.texts import lazy_gettext as _

if TYPE_CHECKING:
    from leadkeeper.doors.cli.demo.guard import Guard
    from leadkeeper.doors.cli.demo.stage import Ports, Stage
    from leadkeeper.sandbox.https_endpoint.stand_in import ReceivingEndpoint

SETTINGS_FILE = "sandbox.env"

_OF_PORTS: Final = frozenset({errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES})

commands = typer.Typer(name="sandbox", help="Destinations to try by hand.", invoke_without_command=True)


@commands.callback()
def run(
    context: typer.Context,
    folder: Annotated[
        Path | None,
        typer.Option(help="Keep the certificate authority, settings, rows and files here; else a temporary folder."),
    ] = None,
    endpoint_port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the endpoint.")] = 8701,
    table_port: Annotated[int, typer.Option(min=1, max=65535, help="Port of Azurite's Table service.")] = 10002,
    blob_port: Annotated[int, typer.Option(min=1, max=65535, help="Port of Azurite's Blob service.")] = 10000,
    services_port: Annotated[
        int, typer.Option(min=1, max=65532, help="Port of the CRMs; mail and Azure's host names take the next three.")
    ] = 8702,
) -> None:
    """Start a stand-in for every destination, until Ctrl-C.

    Dynamics 365 with Entra, Salesforce and Marketo answer over TLS for their production host names, Azure Storage is
    Microsoft's emulator Azurite, and there are a receiving endpoint and a mail server. Prints addresses, the settings
    that let Leadkeeper reach them, the connections to enter, and the page that shows what arrived; then each lead that
    the endpoint takes. A port that is taken is replaced by a free one.
    """
    if context.invoked_subcommand is not None:
        return
    from leadkeeper.doors.cli.demo.guard import Guard
    from leadkeeper.doors.cli.demo.stage import Ports, free_port

    with ExitStack() as stack:
        guard = stack.enter_context(Guard())
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="leadkeeper-sandbox-")))
            guard.folder(folder)
        services, mail, table, blob = (free_port([services_port + place]) for place in range(4))
        ports = Ports(
            endpoint=free_port([endpoint_port]),
            services=services,
            mail=mail,
            azurite={"table": free_port([table_port]), "blob": free_port([blob_port])},
            storage={"table": table, "blob": blob},
        )
        with _explained():
            asyncio.run(_until_stopped(folder.resolve(), guard, ports))


@contextmanager
def _explained() -> Iterator[None]:
    """What keeps the stand-ins from starting is told: an error of a port as such, one of a file as all are."""
    from leadkeeper.sandbox.azure_storage.azurite import AzuriteFailed, AzuriteMissing

    try:
        yield
    except (AzuriteMissing, AzuriteFailed) as error:
        raise Failed(str(error)) from None
    except OSError as error:
        if error.filename is not None or error.errno not in _OF_PORTS:
            raise
        raise Failed(_("A port cannot be listened on: %(why)s. Try again.", why=system_text(error))) from None


@commands.command()
def rows(
    address: Annotated[
        str, typer.Argument(metavar="ADDRESS", help="Where Azurite listens, or a connection string of Azure's.")
    ] = "http://127.0.0.1:10002",
    json: AsJson = False,
) -> None:
    """List the rows that are really in the table MarketplaceLeads, read with Microsoft's own client."""
    from azure.core.exceptions import AzureError

    from leadkeeper.doors.cli.demo.storage import read_rows, table_connection_string

    connection_string = table_connection_string(address) if address.startswith("http") else address
    try:
        found = asyncio.run(read_rows(connection_string))
    except (AzureError, ValueError) as error:
        raise Failed(
            _("The table cannot be read (%(cause)s). Does Azurite run at that address?", cause=type(error).__name__)
        ) from None
    if json:
        print_json({"rows": found})
        return
    columns = ("PartitionKey", "RowKey", "LeadSource", "Email", "Description")
    print_table(columns, [[str(row.get(name, "")) for name in columns] for row in found], empty=_("There are no rows."))


async def _until_stopped(folder: Path, guard: Guard, ports: Ports) -> None:
    from leadkeeper.doors.cli.demo.stage import open_stage

    stop = asyncio.Event()
    for summary in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(summary, stop.set)
    async with open_stage(folder, guard, ports, keep=True) as stage:
        endpoint = await stage.endpoint(port=ports.endpoint)
        print(_described(stage, endpoint, _written(folder, stage, endpoint)), flush=True)
        say(
            _(
                "The leads that the endpoint takes are named here; leadkeeper sandbox rows lists the table. Ctrl-C "
                "ends it."
            )
        )
        page = asyncio.create_task(stage.keep_page_fresh())
        seen = 0
        while not stop.is_set() and stage.storage.running:
            seen = _tell_new(endpoint, seen)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), 0.3)
        page.cancel()
        if not stop.is_set():
            raise Failed(_("Azurite ended by itself."))


def _written(folder: Path, stage: Stage, endpoint: ReceivingEndpoint) -> Path:
    """Write the settings, and one file for each connection; answers where those are."""
    from leadkeeper.doors.cli.demo.places import every_place
    from leadkeeper.sandbox.https_endpoint.place import signing_secret

    settings = "".join(f"{name}={value}\n" for name, value in stage.settings.items())
    (folder / SETTINGS_FILE).write_text(settings)
    connections = folder / "connections"
    connections.mkdir(mode=0o700, exist_ok=True)
    for place in every_place(stage.scene(endpoint, signing_secret())):
        text = to_json.dumps(place.settings, indent=2)
        (connections / f"{place.connection}.json").write_text(f"{text}\n")
    return connections


def _described(stage: Stage, endpoint: ReceivingEndpoint, connections: Path) -> str:
    """What there is, and how Leadkeeper reaches it."""
    from leadkeeper.doors.cli.demo.storage import table_connection_string
    from leadkeeper.sandbox.place import HOST

    table = stage.storage.url("table")
    mail = _("(user %(user)s)", user=stage.mail.username)
    page = _("(and what can go wrong: %(page)s)", page="docs/howto/use-the-sandbox.md")
    facts = [
        (_("HTTPS endpoint"), f"https://{HOST}:{endpoint.port}/leads"),
        ("Azure Table", table),
        ("Azure Blob", stage.storage.url("blob")),
        (_("Mail server"), f"smtp://{HOST}:{stage.mail.port} {spoken(mail)}"),
        *((name, ", ".join(hosts)) for name, hosts in stage.services.items()),
        (_("What arrived"), f"{stage.sandbox.control_url} {spoken(page)}"),
        (_("Connection string"), table_connection_string(table)),
    ]
    settings_file = _from_here(connections.parent / SETTINGS_FILE)
    lines = [
        *(f"{spoken(name):<18} {value}" for name, value in facts),
        "",
        spoken(_("Settings that let Leadkeeper reach them (for .env):")),
        *(f"{name}={value}" for name, value in stage.settings.items()),
        "",
        spoken(_("They are in %(file)s too.", file=settings_file)),
        spoken(_("Connections with the stand-ins' ids and secrets:")),
        *(
            f"  leadkeeper connections put PUBLISHER.OFFER {path.stem} --file {_from_here(path)}"
            for path in sorted(connections.glob("*.json"))
        ),
        "",
    ]
    return "\n".join(lines)


def _from_here(path: Path) -> Path:
    """The path as one would type it in the working folder."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _tell_new(endpoint: ReceivingEndpoint, seen: int) -> int:
    """Name the leads that came since; answers how many there are now. No personal data."""
    arrived = list(endpoint.received.values())
    for lead in arrived[seen:]:
        say(_("The endpoint took %(lead)s (%(source)s).", lead=lead.body["LeadId"], source=lead.body["LeadSource"]))
    return len(arrived)
