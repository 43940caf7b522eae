"""The folder in which the processes of one machine count is there as long as one of them counts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from prometheus_client import values

from leadkeeper.doors.api.shared_counts import FOLDER, SharedCounts


@pytest.fixture(autouse=True)
def as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process goes on to count as it did."""
    monkeypatch.setenv(FOLDER, os.environ.get(FOLDER, ""))
    monkeypatch.setattr(values, "ValueClass", values.ValueClass)


def test_the_folder_goes_with_the_last_that_counts(tmp_path: Path) -> None:
    folder = tmp_path / "counts"
    folder.mkdir()
    first, second = SharedCounts(folder, "serve-1"), SharedCounts(folder, "serve-2")
    first.begin()
    (folder / "counter_serve-1.db").touch()
    second.begin()  # and has counted nothing yet
    first.leave()
    assert folder.is_dir()
    assert not list(folder.glob("*serve-1*"))
    second.leave()
    assert not folder.exists()


def test_whoever_begins_where_all_others_have_ended_has_a_folder(tmp_path: Path) -> None:
    late = SharedCounts(tmp_path / "counts", "serve-2")
    late.begin()
    assert late.folder.is_dir()
