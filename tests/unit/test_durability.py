"""What a commit is worth, judged from a server's settings and standbys."""

from __future__ import annotations

from dataclasses import replace

import pytest

from leadkeeper.storage.durability import Durability, promise, weaknesses

SOUND = Durability(True, True, "on", "", 0, 0)


def test_a_server_as_it_is_installed_keeps_its_word() -> None:
    assert not weaknesses(SOUND)
    assert promise(SOUND) == "an acknowledged lead is on the server's disk"


@pytest.mark.parametrize(
    ("name", "found"),
    [("fsync", replace(SOUND, fsync=False)), ("full_page_writes", replace(SOUND, full_page_writes=False))],
)
def test_a_server_that_does_not_wait_for_its_disk_loses_leads(name: str, found: Durability) -> None:
    (weak,) = weaknesses(found)
    assert weak.wrong
    assert f"{name} is off" in weak.detail
    assert f"{name} = on" in weak.remedy
    assert "not that of the server's machine" in promise(found)


def test_an_asynchronous_standby_is_worth_a_word() -> None:
    (weak,) = weaknesses(replace(SOUND, asynchronous=1))
    assert not weak.wrong
    assert "synchronous_standby_names" in weak.remedy


def test_a_synchronous_standby_has_every_lead_too() -> None:
    found = replace(SOUND, synchronous_names="one", synchronous=1)
    assert not weaknesses(found)
    assert "synchronous standby" in promise(found)


def test_standbys_that_nobody_sees_are_not_said_to_be_missing() -> None:
    assert not weaknesses(replace(SOUND, synchronous_names="one", asynchronous=1, hidden=1))


def test_commits_that_wait_for_a_standby_are_wrong() -> None:
    (weak,) = weaknesses(replace(SOUND, synchronous_names="one"))
    assert weak.wrong
    assert "no lead is acknowledged" in weak.detail
