"""A log that cannot be written stops nothing."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator

import pytest
import structlog

from leadkeeper.app import configure_logging
from leadkeeper.settings import Settings


class Full(io.StringIO):
    """A stream on a full disk."""

    def write(self, _text: str) -> int:
        raise OSError(28, "No space left on device")

    def flush(self) -> None:
        raise OSError(28, "No space left on device")


def closed() -> io.StringIO:
    """A stream that was closed."""
    stream = io.StringIO()
    stream.close()
    return stream


@pytest.fixture(params=[Full, closed])
def full(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[None]:
    """Standard error is on a full disk, or closed, and logs go there."""
    before = structlog.get_config()
    monkeypatch.setattr(sys, "stderr", request.param())
    configure_logging(Settings())
    yield
    structlog.configure(**before)


@pytest.mark.usefixtures("full")
def test_a_line_that_the_disk_does_not_take_is_lost_and_nothing_else() -> None:
    structlog.get_logger("anybody").warning("the disk is full")
