"""What commands say is what is wrong: the field, the file, the setting."""

from __future__ import annotations

from pathlib import Path

import pytest

from leadkeeper.doors import pages
from leadkeeper.problem import FieldError, Problem, ProblemType
from tests.contracts.commands import Call, call

__all__ = ["call"]


def test_a_field_that_is_refused_is_named_with_what_it_takes(call: Call) -> None:
    assert call("publishers", "put", "contoso").code == 0
    refused = call("publishers", "retention", "contoso", "--personal-days", "0").line
    assert "A publisher may only keep its data for a shorter time" in refused
    assert "personalDays: Enter a number from 1 to 400." in refused


def test_a_quota_that_is_too_small_is_told_its_bound(call: Call) -> None:
    refused = call("publishers", "put", "contoso", "--quota", "hooksPerOffer=-1").line
    assert "whole number" not in refused
    assert refused.count("hooksPerOffer: Input should be greater than or equal to") == 1
    assert "whole number" in call("publishers", "put", "contoso", "--quota", "hooksPerOffer=many").line


def test_what_the_detail_says_already_is_not_repeated() -> None:
    errors = (FieldError("a", "Too long."), FieldError("b", "Too short."))
    problem = Problem(ProblemType.INVALID_REQUEST, "It cannot be taken: a: Too long.", errors)
    assert problem.whole_detail == "It cannot be taken: a: Too long. b: Too short."
    unknown = Problem(ProblemType.UNKNOWN_OFFER, "There is no such offer.", (FieldError("offerId", "unknown"),))
    assert unknown.whole_detail == "There is no such offer."


@pytest.mark.parametrize("command", ["publishers", "serve", "doctor"])
def test_a_key_file_that_cannot_be_read_is_named(call: Call, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    assert call("db", "upgrade").code == 0
    monkeypatch.setenv("LEADKEEPER_SECRET_KEY_FILE", "keys/secret.key")
    said = "Wrong setting LEADKEEPER_SECRET_KEY_FILE: keys/secret.key cannot be used: No such file or directory"
    if command == "doctor":
        found = [each for each in call("doctor", "--json").json["findings"] if each["state"] == "wrong"]
        assert [(each["name"], each["detail"]) for each in found] == [("settings", said)]
        return
    assert call(*(("publishers", "list") if command == "publishers" else (command,))).line == said


def test_the_doctor_calls_a_wrong_setting_one(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    assert call("db", "upgrade").code == 0
    Path("none.pem").write_text("root:x:0:0\n")
    monkeypatch.setenv("LEADKEEPER_CA_FILE", "none.pem")
    for language in ("en", "pt"):
        message = call("--language", language, "doctor", "--json")
        (found,) = [each for each in message.json["findings"] if each["state"] == "wrong"]
        assert (found["name"], "LEADKEEPER_CA_FILE: none.pem" in found["detail"]) == ("settings", True)


def test_the_folder_of_the_sandbox_is_named(call: Call) -> None:
    Path("file").touch()
    refused = call("sandbox", "--folder", "file/sb").line
    assert refused.endswith("file/sb/authority: Not a directory.")


@pytest.mark.parametrize("command", ["serve", "api"])
def test_style_sheets_that_were_not_made_are_told_with_what_makes_them(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setattr(pages, "STATIC", tmp_path / "none")
    refused = call(command)
    assert (refused.code, "make setup" in refused.line) == (1, True)
