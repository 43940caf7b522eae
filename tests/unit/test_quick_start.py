"""Commands that only look start without what carries leads: named by modules, since times depend on the machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

HEAVY = (
    "alembic",
    "argon2",
    "asyncpg",
    "authlib",
    "azure.core",
    "cryptography",
    "fastapi",
    "jinja2",
    "leadkeeper.app",
    "leadkeeper.delivery.worker",
    "leadkeeper.serving",
    "sqlalchemy.ext.asyncio",
    "sqlalchemy.orm",
    "starlette",
    "uvicorn",
)
OF_DESTINATIONS = (
    "aiohttp",
    "leadkeeper.destinations.registry",
    "leadkeeper.settings",
    "limits",
    "pydantic_settings",
    "structlog",
)
"""What a list of leads needs nothing of: it tells no diagnosis, sends nothing, and reads one setting."""
OF_A_DATABASE = ("aiohttp", "pydantic", "sqlalchemy", "leadkeeper.settings")


def imported(folder: Path, *arguments: str) -> set[str]:
    """The modules that are there when a command has ended."""
    look = (
        "import sys\nfrom leadkeeper.doors.cli.program import run\n"
        f"code = run({list(arguments)!r})\nprint('\\n'.join(['modules', *sys.modules]))\nsys.exit(code)"
    )
    environment = os.environ | {"LEADKEEPER_DATABASE_URL": f"sqlite+aiosqlite:///{folder}/leads.db"}
    ended = subprocess.run(
        [sys.executable, "-c", look], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    return set(ended.stdout.partition("modules\n")[2].split())


def test_the_help_needs_no_database(tmp_path: Path) -> None:
    assert imported(tmp_path, "--help") & {*HEAVY, *OF_A_DATABASE} == set()


@pytest.mark.parametrize("command", [("leads", "list"), ("attention",)])
def test_a_look_needs_nothing_that_carries_leads(made_file: Path, tmp_path: Path, command: tuple[str, ...]) -> None:
    shutil.copy(made_file, tmp_path / "leads.db")  # to make or upgrade one takes more
    assert imported(tmp_path, *command) & set(HEAVY) == set()


@pytest.mark.parametrize("command", ["list", "counts"])
def test_a_list_of_leads_needs_no_destinations_either(tmp_path: Path, command: str) -> None:
    imported(tmp_path, "leads", command)
    there = imported(tmp_path, "leads", command)
    assert there & {*HEAVY, *OF_DESTINATIONS} == set()
    assert "leadkeeper.doors.cli.connections.commands" not in there, "another command was read, too"


def test_a_look_never_looks_for_garbage_nor_through_what_is_installed(tmp_path: Path) -> None:
    imported(tmp_path, "leads", "list")
    look = (
        "import atexit, gc, importlib.metadata, sys\n"
        "from leadkeeper.doors.cli import main\n"
        "seen = []\n"
        "importlib.metadata.distributions = lambda **_: seen.append('distributions') or ()\n"
        "gc.callbacks.append(lambda phase, _: seen.append(phase))\n"
        "atexit.register(lambda: print('seen', *seen, 'kept', gc.get_freeze_count() > 100_000))\n"
        "sys.argv = ['leadkeeper', 'leads', 'list']\n"
        "main()"
    )
    environment = os.environ | {"LEADKEEPER_DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path}/leads.db"}
    ended = subprocess.run(
        [sys.executable, "-c", look], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert ended.stdout.splitlines()[-1] == "seen kept True"


def test_an_installation_elsewhere_is_asked_without_a_database_or_a_large_client(tmp_path: Path) -> None:
    key_file = tmp_path / "key"
    key_file.touch(0o600)
    key_file.write_text("lk_key")
    with ThreadingHTTPServer(("127.0.0.1", 0), NoLeads) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        there = imported(
            tmp_path,
            *("--url", f"http://127.0.0.1:{server.server_port}", "--key-file", str(key_file), "leads", "list"),
        )
        server.shutdown()
    assert "leadkeeper.views" in there
    assert there & {*HEAVY, *OF_DESTINATIONS, "sqlalchemy"} == set()


class NoLeads(BaseHTTPRequestHandler):
    """An installation without leads."""

    def do_GET(self) -> None:
        """Answer a list with none."""
        body = b'{"leads": [], "nextCursor": null}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_the_newest_migration_is_the_one_that_no_other_follows() -> None:
    from alembic.script import ScriptDirectory

    from leadkeeper.storage.migrate import _config, newest

    assert newest() == ScriptDirectory.from_config(_config()).get_current_head()
