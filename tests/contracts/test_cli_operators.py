"""Commands of an operator's day: publishers suspended and released, their contact, keys by publisher and role."""

from __future__ import annotations

from tests.contracts.commands import Call, call

__all__ = ["call"]


def test_a_publisher_is_suspended_and_released(call: Call) -> None:
    assert call("publishers", "put", "contoso", "--contact", "Carl, +44 20 7946 0958").code == 0
    done = call("publishers", "suspend", "contoso", "--reason", "Its contract ended.")
    assert (done.code, "leadkeeper publishers release contoso" in done.err) == (0, True)
    (one,) = call("publishers", "list", "--json").json["publishers"]
    assert (one["contact"], one["suspendedFor"]) == ("Carl, +44 20 7946 0958", "Its contract ended.")
    assert one["suspendedTime"] is not None
    assert one["suspendedTime"] in call("publishers", "list").out
    released = call("publishers", "release", "contoso", "--json").json
    assert (released["suspendedTime"], released["suspendedFor"], released["contact"]) == (None, "", one["contact"])
    assert "was not suspended" in call("publishers", "release", "contoso").err


def test_what_cannot_be_suspended(call: Call) -> None:
    assert "nobody" in call("publishers", "suspend", "nobody", "--reason", "Why").line
    call("publishers", "put", "contoso")
    assert call("publishers", "suspend", "contoso", "--reason", " ").code == 1
    assert call("publishers", "list", "--json").json["publishers"][0]["suspendedTime"] is None


def test_keys_by_publisher_and_role(call: Call) -> None:
    call("publishers", "put", "contoso")
    for role in ("operator", "reader:contoso", "publisher:contoso"):
        call("keys", "create", "--role", role)

    def roles(*chosen: str) -> list[str]:
        return [each["role"] for each in call("keys", "list", "--json", *chosen).json["keys"]]

    assert roles("--publisher", "contoso") == ["reader:contoso", "publisher:contoso"]
    assert roles("--role", "reader") == ["reader:contoso"]
    assert roles("--role", "operator") == ["operator"]
    assert call("keys", "list", "--json").json["keys"][0]["lastUsedTime"] is None
