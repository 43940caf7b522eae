"""``leadkeeper demo`` as people and CI run it: it proves what it says, and leaves nothing behind, however it ends."""

from __future__ import annotations

import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Final

import psutil
import pytest

from tests.conftest import missing_service
from tests.journeys.hub import SOON

ROOT: Final = Path(__file__).parents[2]
LISTENING: Final = "The hub listens at"
GOES_ON: Final = "The hub's log:"
SENT: Final = "AzureMarketplace-PLT|contoso.crm-pro -> table (Azure Table): delivered"
UNCONFIRMED: Final = ("salesforce-web", "marketo-form", "email")
EVERYWHERE: Final = ("dynamics", "salesforce", "hubspot", "marketo", "table", "blob", "https", *UNCONFIRMED)
"""The connections of the offer that goes to every kind of destination."""
DEMO_SECONDS: Final = 3 * SOON
"""Within so long it tells its whole story, on a machine that has much else to do too."""
CONNECTIONS: Final = (*EVERYWHERE, "archive", "sales-api")
RECEIPT: Final = (
    r"[0-9a-f-]{36}  \S.*?  ([\w-]+) \([^)]+\) +"
    r"(?:lead \w[\w-]+|person \d+|row \S+/\S+|file \d{4}/\S+\.csv|taken, signature valid|mail <\S+>)"
)
"""A line of the last table that ends with what the destination holds."""


class Demo:
    """A running demo: what it printed, and every process that it began."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self._output = folder / "output.txt"
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "leadkeeper", "demo", *arguments],
                cwd=ROOT,
                env=_environment() | {"TMPDIR": str(self.temporary)},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self._begun: dict[int, psutil.Process] = {}

    @property
    def output(self) -> str:
        """What it printed so far."""
        return self._output.read_text()

    def until(self, text: str) -> None:
        """Wait until it printed ``text``."""
        end = time.monotonic() + DEMO_SECONDS
        while text not in self.output:
            assert self.process.poll() is None, self.output
            assert time.monotonic() < end, self.output
            time.sleep(0.05)

    def look(self) -> list[psutil.Process]:
        """Its children and theirs, as they are now; remembered."""
        try:
            found = psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []
        self._begun.update({child.pid: child for child in found})
        return found

    def child(self, word: str) -> psutil.Process:
        """The child with this word in its command."""
        return next(child for child in self.look() if word in child.cmdline())

    def end(self) -> int:
        """Wait for its end; answers the exit code. Every process that it began must be gone soon, and every file."""
        code = self.process.wait(DEMO_SECONDS)
        _, left = psutil.wait_procs(list(self._begun.values()), timeout=SOON)
        assert not left, [child.cmdline() for child in left]
        end = time.monotonic() + SOON
        while (files := list(self.temporary.iterdir())) and time.monotonic() < end:
            time.sleep(0.1)
        assert not files
        return code


def the_page(demo: Demo) -> str:
    """The page that shows what arrived."""
    address = re.search(r"What arrived, as a page:\s+(\S+)", demo.output)
    assert address is not None
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with urllib.request.urlopen(address[1], context=context) as page:
        return str(page.read().decode())


def the_hub(demo: Demo) -> str:
    """Where the hub listens."""
    address = re.search(r"The hub listens at (\S+?)\. ", demo.output)
    assert address is not None
    return address[1]


def signed_in(hub: str, email: str, password: str) -> str:
    """The page that somebody sees who signs in to the portal. The form says so with 401 or 422 if they cannot."""
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    form = urllib.parse.urlencode({"email": email, "password": password}).encode()
    with browser.open(f"{hub}/portal/sign-in", form) as page:
        assert page.url != f"{hub}/portal/sign-in"
        return str(page.read().decode())


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("LEADKEEPER_")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder, where there is what the demo needs."""
    if shutil.which("node") is None or not (ROOT / "node_modules" / "azurite").is_dir():
        missing_service("Azurite is missing: make setup")
    return tmp_path


@pytest.mark.slow
def test_once_proves_that_every_lead_arrived(folder: Path) -> None:
    demo = Demo(folder, "--once")
    demo.until(LISTENING)
    assert len(demo.look()) >= 4, "hub, two of Azurite, guard"
    assert demo.end() == 0, demo.output
    assert "\x1b" not in demo.output, "no terminal, no colours"
    leads, arrived, deliveries = map(
        int, re.findall(r"^(\d+) leads acknowledged, (\d+) of (\d+) deliveries arrived", demo.output, re.MULTILINE)[0]
    )
    assert arrived == deliveries > leads > 20
    receipts = Counter(re.findall(RECEIPT, demo.output, re.MULTILINE))
    assert set(receipts) == set(CONNECTIONS)
    assert {receipts[connection] for connection in EVERYWHERE} == {8}, "six leads, and two that were held"
    for connection in EVERYWHERE:
        assert demo.output.count("NOT ARRIVED") == 0
        assert re.search(rf"^  held .*\b{connection}\b", demo.output, re.MULTILINE), f"{connection} did not break"
    honest = "for Leadkeeper it is unconfirmed"
    assert demo.output.count(honest) == 8 * len(UNCONFIRMED)
    for line in demo.output.splitlines():
        if found := re.match(RECEIPT, line):
            assert (honest in line) == (found[1] in UNCONFIRMED), line
    assert len(demo.output.splitlines()) < 220
    for summary in ("held", "waiting", "404 There is no offer 'crm-pr0'", "Who acts: publisher", "kept once"):
        assert summary in demo.output
    for private in ("eleanor.whitcombe@", "Garrison", "+44 20"):
        assert private not in demo.output


@pytest.mark.slow
def test_what_it_prints_works_and_ctrl_c_leaves_nothing(folder: Path) -> None:
    demo = Demo(folder)
    demo.until(GOES_ON)
    demo.look()
    commands = [line.strip() for line in demo.output.splitlines() if re.match(r"  (curl|leadkeeper|LEADKEEPER_)", line)]
    before = demo.output.count(SENT)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    message = {}
    for command in commands:
        if command.startswith("curl") and shutil.which("curl") is None:
            continue
        done = subprocess.run(
            ["bash", "-c", command], capture_output=True, text=True, env=_environment() | {"PATH": path}, check=False
        )
        assert done.returncode == 0, (command, done.stderr)
        message[command.split()[0]] = done.stdout
        assert '"detail"' not in done.stdout, done.stdout
    assert len(commands) == 5
    accounts = re.findall(r"^  as (\w+).*: (\S+@\S+), password (\S+)$", demo.output, re.MULTILINE)
    assert [what for what, _, _ in accounts] == ["operator", "publisher", "reader"]
    for what, email, password in accounts:
        page = signed_in(the_hub(demo), email, password)
        assert email in page, "the head of the page does not say who is signed in"
        assert ("/portal/people" in page) == (what == "operator"), what
    store = urllib.request.urlopen(f"{the_hub(demo)}/store").read().decode()
    assert "Contoso CRM Test Drive" in store
    assert "Fabrikam Insights" in store
    assert "AzureMarketplace-INS|contoso.crm-pro" in message["leadkeeper"]
    assert "azure_table" in the_page(demo)
    end = time.monotonic() + SOON
    while demo.output.count(SENT) == before and time.monotonic() < end:
        time.sleep(0.1)
    assert demo.output.count(SENT) > before, "what came is not shown"
    demo.process.send_signal(signal.SIGINT)
    assert demo.end() == 0
    assert "Traceback" not in demo.output


@pytest.mark.slow
@pytest.mark.parametrize("summary", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
@pytest.mark.parametrize("moment", ["Starting", LISTENING])
def test_ended_in_the_middle_it_leaves_nothing(folder: Path, summary: signal.Signals, moment: str) -> None:
    demo = Demo(folder)
    demo.until(moment)
    if moment == "Starting":
        time.sleep(0.3)
    demo.look()
    demo.process.send_signal(summary)
    assert demo.end() == (-summary if summary == signal.SIGKILL else 130), demo.output
    assert "Traceback" not in demo.output


@pytest.mark.slow
@pytest.mark.parametrize(("word", "complaint"), [("serve", "The hub ended by itself"), ("--silent", "Azurite")])
def test_a_child_that_dies_is_named(folder: Path, word: str, complaint: str) -> None:
    demo = Demo(folder)
    demo.until(GOES_ON)
    demo.child(word).kill()
    assert demo.end() == 1
    assert complaint in demo.output
    assert "Traceback" not in demo.output


def test_without_azurite_it_says_what_to_do(tmp_path: Path) -> None:
    code = "import sys; from leadkeeper.doors.cli.demo import storage; from pathlib import Path; " + (
        f"storage.find_node_modules = lambda: Path({str(tmp_path)!r}); "
        "from leadkeeper.doors.cli.program import run; sys.exit(run(['demo', '--once']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 1
    assert "make setup" in done.stderr
    assert len(done.stderr.splitlines()) == 1
