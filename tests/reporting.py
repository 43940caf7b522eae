"""Tells a failure as it happens, and at the end how long each part of the tests took."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Generator
from dataclasses import dataclass
from typing import Final

import pytest

_SLOWEST: Final = 10


@dataclass
class _Taken:
    tests: int = 0
    seconds: float = 0.0
    cpu: float = 0.0


class Reporting:
    """Registered where results come together: in the one process, or in the one that hands out the tests."""

    def __init__(self, terminal: pytest.TerminalReporter) -> None:
        self._terminal = terminal
        self._parts: dict[str, _Taken] = defaultdict(_Taken)
        self._modules: dict[str, _Taken] = defaultdict(_Taken)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add up what each phase of a test took; name a test that fails before all others have run."""
        module = report.nodeid.partition("::")[0]
        for taken in (self._parts["/".join(module.split("/")[:2])], self._modules[module]):
            taken.tests += report.when == "call"
            taken.seconds += report.duration
            taken.cpu += getattr(report, "cpu", 0.0)
        if report.failed and self._terminal.verbosity <= 0:
            self._terminal.ensure_newline()
            self._terminal.write_line(f"FAILED {report.nodeid} ({report.when}): {_last_line(report)}", red=True)

    def pytest_terminal_summary(self) -> None:
        """The parts, and the modules that took longest."""
        self._terminal.section("time taken: seconds of one process, and seconds of processor that ended with a test")
        for name, taken in sorted(self._parts.items()):
            self._write(name, taken)
        slowest = sorted(self._modules.items(), key=lambda item: -item[1].seconds)[:_SLOWEST]
        self._terminal.write_line("the longest modules:")
        for name, taken in slowest:
            self._write(name, taken)

    def _write(self, name: str, taken: _Taken) -> None:
        self._terminal.write_line(f"{taken.seconds:8.1f} {taken.cpu:8.1f}  {name} ({taken.tests} tests)")


class Spending:
    """Registered in each process that runs tests: writes on each report what its phase cost of the processor.

    Children count once they have ended; what runs beside all tests (the database server) does not count.
    """

    def __init__(self) -> None:
        self._before = _spent()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Add ``cpu``, in seconds."""
        report = yield
        now = _spent()
        vars(report)["cpu"] = now - self._before
        self._before = now
        return report


def _spent() -> float:
    return sum(os.times()[:4])


def _last_line(report: pytest.TestReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash is not None else str(report.longrepr or "")
    return next(iter(text.splitlines()), "")[:300]
