"""Commands that only look start without what carries leads: named by modules, since times depend on the machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
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


def test_the_newest_migration_is_the_one_that_no_other_follows() -> None:
    from alembic.script import ScriptDirectory

    from leadkeeper.storage.migrate import _config, newest

    assert newest() == ScriptDirectory.from_config(_config()).get_current_head()
