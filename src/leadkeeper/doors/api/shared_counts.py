"""Where the processes of one machine count what they measure, so that one scrape sees what all of them did.

Each counts in a file of its own that is mapped into its memory (prometheus-client's way for several processes), and
goes on in it when it is started again: no count goes back.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, values
from prometheus_client.multiprocess import MultiProcessCollector

FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
"""The variable by which prometheus-client knows the folder."""


@dataclass(frozen=True, slots=True)
class SharedCounts:
    """The counts in ``folder`` of the process that is called ``name``, of letters, digits and hyphens."""

    folder: Path
    name: str

    def begin(self) -> None:
        """From now on what this process counts stands in the folder. To be called before anything is counted.

        The folder stays while this process counts, also where the others end before it has counted anything.
        """
        self.folder.mkdir(exist_ok=True)
        self._presence.touch()
        os.environ[FOLDER] = str(self.folder)
        values.ValueClass = values.MultiProcessValue(lambda: self.name)  # type: ignore[no-untyped-call]

    def leave(self) -> None:
        """Remove what this process counted, which counts nothing any more, and the folder with the last of them."""
        for file in (*self.folder.glob(f"*_{self.name}.db"), self._presence):
            file.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # others count there still
            self.folder.rmdir()

    @property
    def _presence(self) -> Path:
        """A file that says that this process counts here; no counts are read from it."""
        return self.folder / f"{self.name}.here"

    def registry(self) -> CollectorRegistry:
        """What all processes counted."""
        registry = CollectorRegistry()
        MultiProcessCollector(registry, str(self.folder))  # type: ignore[no-untyped-call]
        return registry
