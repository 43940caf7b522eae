"""The examples of our own documentation: which there are, who runs them, and what is not run and why.

An example is a fenced block. One that a test runs as it stands is run by exactly one; every other stands in
:data:`NOT_RUN` with the reason.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from leadkeeper.destinations.registry import OURS

ROOT: Final = Path(__file__).parents[2]

READ: Final = (
    "docs/reference/rest-api.md",
    "docs/howto/publish-an-offer.md",
    "docs/howto/find-a-lead.md",
    "docs/howto/run-the-storefront.md",
    "docs/howto/put-the-form-into-your-site.md",
    "docs/howto/use-the-cloud-partner-api.md",
    "docs/howto/rotate-the-secret-key.md",
    "docs/destinations/email.md",
)
"""The pages that ``test_doc_commands.py`` reads in this order, as somebody does who sets up one installation."""

RUN_BY: Final[Mapping[tuple[str, str], str]] = {
    ("docs/tutorial.md", "sh"): "tests/journeys/test_tutorial.py",
    ("docs/howto/use-the-sandbox.md", "sh"): "tests/journeys/test_sandbox_howto.py",
    **{(f"docs/destinations/{name}.md", "json"): "tests/contracts/test_doc_examples.py" for name in OURS.names},
    **{
        ("docs/howto/add-a-destination.md", language): "tests/contracts/test_destination_packages.py"
        for language in ("toml", "python", "ini")
    },
    ("docs/reference/webhooks.md", "python"): "tests/unit/test_channel_rules.py",
    ("docs/destinations/https_endpoint.md", "python"): "tests/unit/test_https_endpoint.py",
    ("docs/howto/run-on-postgresql.md", "sql"): "tests/contracts/test_search.py",
}
"""Who else runs all blocks of a page in a language."""

NOT_RUN: Final[Mapping[tuple[str, str], str]] = {
    (
        "docs/howto/sign-in-with-an-identity-provider.md",
        "LEADKEEPER_OIDC_ISSUER=https://sso.example/realms/market",
    ): "settings, which tests/unit/test_provider_settings.py reads as a start does",
    (
        "docs/howto/sign-in-with-an-identity-provider.md",
        "LEADKEEPER_OIDC_ISSUER=https://login.microsoftonline.com/<tenant id>/v2.0",
    ): "settings, which tests/unit/test_provider_settings.py reads as a start does",
    ("docs/howto/show-the-portal-in-your-site.md", "POST /v1/publishers/contoso/portal-links"): (
        "a request with its body; tests/contracts/test_embedding.py sends it"
    ),
    ("docs/howto/show-the-portal-in-your-site.md", '<iframe title="Leads" src="<url>"></iframe>'): (
        "a part of the operator's own page; tests/browser/test_embedding.py shows such a page"
    ),
    (
        "README.md",
        "make demo     # installs what it needs into this folder, then plays a marketplace's day on a sandbox",
    ): ("sets up the very folder in which the tests run; what it then starts is run by tests/journeys/test_demo.py"),
    (
        "docs/howto/add-a-language.md",
        "make texts ARGS=eo",
    ): "writes into the very folder in which the tests run; tests/contracts/test_new_language.py begins a language",
    (
        "README.md",
        "$ make demo ARGS=--once",
    ): "a shortened example of what it prints; tests/journeys/test_demo.py runs it, not this text",
    ("CONTRIBUTING.md", "make setup     # .venv and node_modules, from the lock files"): (
        "sets up the very folder in which the tests run; continuous integration runs these words (.ci/run)"
    ),
    ("docs/architecture.md", "access/             who may come in: keys, sessions, hooks, quotas; the audit"): (
        "the folder tree, which tests/house/test_architecture.py compares with the folders"
    ),
    ("docs/architecture.md", "__main__"): (
        "what may import what, which tests/house/test_architecture.py compares with the import contracts"
    ),
    ("docs/tutorial.md", "make setup"): "sets up the very folder in which the tests run",
    ("docs/howto/run-several-processes.md", "leadkeeper serve --processes 6"): (
        "runs until somebody ends it; tests/journeys/test_several_processes.py runs such commands"
    ),
    (
        "docs/howto/run-on-postgresql.md",
        "LEADKEEPER_DATABASE_URL=postgresql+asyncpg://leadkeeper:password@db.internal/leadkeeper",
    ): ("settings with a server and a key of the reader's own; every journey runs with such settings on PostgreSQL"),
    ("docs/howto/work-from-another-machine.md", "(umask 077; cat > ~/.leadkeeper-key)"): (
        "asks the reader's own installation; tests/contracts/test_remote_commands.py asks one over TLS"
    ),
    ("docs/howto/run-behind-a-proxy.md", "LEADKEEPER_PUBLIC_URL=https://leads.example"): (
        "settings with the reader's own proxy, which is no program of ours"
    ),
}
"""Blocks that no test runs as they stand, by page and first line, and why."""

GENERATED: Final = ("docs/reference/commands.md",)
"""Its blocks are synopses, which tests/house/test_reference.py compares with the program."""

_FENCE: Final = re.compile(r"^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^ *```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: str
    language: str
    text: str

    @property
    def name(self) -> tuple[str, str]:
        """The page and the block's first line."""
        return self.page, self.text.splitlines()[0].strip()


def pages() -> Sequence[str]:
    """Every page of the documentation."""
    found = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    return sorted(str(path.relative_to(ROOT)) for path in found)


def blocks(page: str) -> Sequence[Block]:
    """The fenced blocks of a page, in order, without the indentation of the list in which they stand."""
    found = []
    for fence in _FENCE.finditer((ROOT / page).read_text(encoding="utf-8")):
        lines = [line.removeprefix(fence["indent"]) for line in fence["text"].splitlines(keepends=True)]
        found.append(Block(page, fence["language"], "".join(lines)))
    return found


def is_run(block: Block) -> bool:
    """Whether a test runs the block as it stands."""
    if (block.page, block.language) in RUN_BY:
        return True
    return block.page in READ and block.language in ("sh", "json", "html")


_MASKS: Final = (
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<id>"),
    (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "<time>"),
    (r"MSFT_TEST_\d+", "<marker>"),
    (r"http://127\.0\.0\.1:\d+", "<installation>"),
    (r"\blk[a-z]?_\w+", "<secret>"),
    (r"/hooks/[\w-]+", "/hooks/<secret>"),
)


def masked(value: Any) -> Any:
    """JSON whose ids, times, markers, addresses and secrets are masked: what differs from one run to the next."""
    text = json.dumps(value, ensure_ascii=False)
    for pattern, mask in _MASKS:
        text = re.sub(pattern, mask, text)
    return json.loads(text)
