"""The lock files pin everything, by hash, alike for running and for testing, and name no place to download from."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    """Package and version in a requirements file."""
    return dict(_PIN.findall((ROOT / "requirements" / name).read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", ["run.txt", "test.txt", "client.txt", "peers.txt"])
def test_every_pin_has_hashes(name: str) -> None:
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert len(entries) == len(pins(name))


def test_what_is_tested_is_what_runs() -> None:
    run, test = pins("run.txt"), pins("test.txt")
    assert {name: test.get(name) for name in run} == run


def test_every_dependency_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {
        "run.txt": project["dependencies"],
        "test.txt": [*project["dependencies"], *project["optional-dependencies"]["test"]],
    }
    for name, requirements in wanted.items():
        names = {re.split(r"[\[<>=!~; ]", requirement)[0].lower() for requirement in requirements}
        assert names <= set(pins(name)), f"{name} is older than pyproject.toml: make lock"


def test_npm_packages_have_hashes_and_no_addresses() -> None:
    packages = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert [name for name, package in packages.items() if "resolved" in package] == []
    assert [name for name, package in packages.items() if name and "integrity" not in package] == []


def test_house_rules_hold() -> None:
    done = subprocess.run([ROOT / "scripts" / "check-words"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
