"""Whose data are not passed on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadkeeper.privacy.withholding import NOTHING_WITHHELD, Withholding

EDU = Withholding.parse(".edu, contoso.org, .münchen.de")


@pytest.mark.parametrize(
    "email",
    [
        "a@mit.edu",
        "a@cs.mit.edu",
        "A@MIT.EDU",
        "a@mit.edu.",
        "a@mit.edu\u3002",
        "a@mit\uff0eedu",
        "a\uff20mit.edu",
        "a@mit.edu]",
        "a@mit.edu:",
        "a@mit.edu/x",
        "Ada <a@mit.edu>",
        "b@x.com, a@mit.edu",
        "a@mit.edu|b@x.com",
        "a@\uff45\uff44\uff55.\uff45\uff44\uff55",
        "a@contoso.org",
        "a@sub.münchen.de",
        "a@sub.xn--mnchen-3ya.de",
    ],
)
def test_withheld(email: str) -> None:
    assert EDU.withholds(email)


@pytest.mark.parametrize(
    "email", ["", "a", "a@edu", "a@edu.example", "a@mit.edu.cn", "a@myedu", "a@x.com", "a@sub.contoso.org", "edu@x.org"]
)
def test_passed_on(email: str) -> None:
    assert not EDU.withholds(email)


@given(st.text(alphabet=st.characters(codec="utf-8")))
def test_any_text_has_an_answer(text: str) -> None:
    assert EDU.withholds(text) in (True, False)
    assert not NOTHING_WITHHELD.withholds(text)


@given(st.from_regex(r"[a-z0-9]{1,12}(\.[a-z0-9]{1,12}){0,3}", fullmatch=True), st.text(max_size=20))
def test_everything_below_a_suffix_is_withheld(name: str, before: str) -> None:
    assert EDU.withholds(f"{before}@{name}.edu")


@pytest.mark.parametrize("text", [".", "a b", "@mit.edu", ".edu,,a@b"])
def test_what_is_no_domain_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="no mail domain"):
        Withholding.parse(text)
