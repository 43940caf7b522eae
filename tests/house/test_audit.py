"""Every act that is written stands in the list and on the page; whoever shows leads reads them past the audit.

`UPDATE_DOCS=1` writes the page anew.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from pathlib import Path

from leadkeeper.access.acts import ACTS, STEP, is_act, which_offer, whose
from leadkeeper.doors.portal.act_words import act_word
from leadkeeper.publishing.steps import StepId

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src/leadkeeper"
PAGE = ROOT / "docs/reference/audit.md"
ACT_AT = {"note": 3, "record": 1, "later": 1}
"""Which argument of these calls is the act."""

HEAD = """# Audit

The audit says who did what to which thing, when, and what it led to. `leadkeeper audit`, `GET /v1/audit` and the
portal's page *Audit* (with a download as CSV) show it: to operators all of it, to publishers what concerns their own
things. Lines are only ever added. They hold ids, counts and names of settings and filters; never a secret, and nothing
of a customer. A line about a wrong key holds the address it came from as limits count it (IPv6 by /64).

- A change and its line are one transaction: neither is there without the other.
- A line about reading leads is on disk before the leads are answered; a list is one line however long it is. Reading
  waits for that commit, which readers of one moment share.
- Lines about refusals and wrong keys are written within about a second, and on shutdown. One caller or one address
  causes at most 30 a minute, all together 600; the rest is counted in `audit.leftOut`. Should the process be killed, or
  the database stay away until it ends, those of the last moments are lost.
- Each line is sealed into a chain within seconds: it gets a number and a SHA-256 hash over itself and the line before.
  `leadkeeper doctor` goes through the chain and names the lines that were changed, taken out or put in between since,
  and shows its newest hash: note that elsewhere if you must be able to prove that the whole chain was not made anew.
- A list over all publishers, which only an operator can read, has no publisher: no publisher sees that line.
- `who` is `key:<id>`, `person:<id>`, `cli`, `publishing`, `leadkeeper`, or `anyone` for somebody without a right key.

This page is generated from `src/leadkeeper/access/acts.py`. Names of acts are stable.

| act | what was done |
|---|---|
"""


def page() -> str:
    """The page as it should be."""
    rows = [f"| `{name}` | {meaning} |\n" for name, meaning in sorted(ACTS.items())]
    return HEAD + "".join(rows) + "| `offer.step.<step>` | A step of publishing came to its end: how. |\n"


def test_the_page_is_current() -> None:
    if os.environ.get("UPDATE_DOCS"):
        PAGE.write_text(page())
    assert PAGE.read_text() == page(), "run: UPDATE_DOCS=1 make test ARGS=tests/house"


def calls() -> Iterator[tuple[str, ast.Call, str]]:
    """Every call in the source: its file, itself, the name of what is called."""
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                yield str(path.relative_to(SOURCE)), node, name


def test_every_act_that_is_written_is_in_the_list() -> None:
    written = [
        (path, argument.value)
        for path, call, name in calls()
        if name in ACT_AT and len(call.args) > ACT_AT[name]
        for argument in [call.args[ACT_AT[name]]]
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str) and "." in argument.value
    ]
    assert len(written) >= 20
    assert [each for each in written if not is_act(each[1])] == []
    assert is_act("offer.step.live")
    assert not is_act("offer.step.")


def test_doors_show_leads_only_past_the_audit() -> None:
    past = [
        str(path.relative_to(SOURCE))
        for path in (SOURCE / "doors").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in ("inbox", "trace", "_inbox", "_trace")
    ]
    assert past == ["doors/cli/leads/sent.py"], "only for the ids of the deliveries to send again"


def test_which_offer_a_line_is_about() -> None:
    assert which_offer("connection.put", "contoso.crm.pro/primary") == "contoso.crm.pro"
    assert which_offer("offer.step.live", "contoso.crm-pro") == "contoso.crm-pro"
    assert which_offer("publisher.put", "contoso") is None
    assert which_offer("lead.read", "019a") is None


def test_every_act_has_words_on_the_audit_page_and_in_an_offers_history() -> None:
    acts = [*ACTS, *(f"{STEP}{step}" for step in StepId)]
    assert [act for act in acts if act_word(act) == act] == []


def test_whose_a_line_is() -> None:
    assert whose("connection.put", "contoso.crm.pro/primary") == "contoso"
    assert whose("publisher.put", "contoso") == "contoso"
    assert whose("offer.step.live", "contoso.crm-pro") == "contoso"
    assert whose("key.revoke", "019a") is None
