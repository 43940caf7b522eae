"""What the sandbox says in the demo: it has it in English, here it is marked for other languages.

What goes wrong and what helps, what its places are called, and what they show of a lead that arrived.
"""

from __future__ import annotations

from typing import Final

from leadkeeper.texts import LazyText, _, lazy_gettext

MISHAPS: Final = frozenset(
    {
        _("its shared access signature has expired"),
        _("the connection string is renewed"),
        _("its account key was rotated"),
        _("the new connection string is entered"),
        _("its client secret has expired"),
        _("a new client secret is entered"),
        _("the mailbox was closed"),
        _("the mailbox is open again"),
        _("its signing secret is another"),
        _("the right secret is entered"),
        _("its token lost a scope"),
        _("the scope is given back"),
        _("its form is a draft again"),
        _("a form that is approved is chosen"),
        _("its API user lost the right"),
        _("the right is given back"),
        _("its organization id has a typing error"),
        _("the right id is entered"),
        _("its API is switched off"),
        _("the API is switched on"),
    }
)
"""Every text of a mishap."""
TITLES: Final = frozenset({_("E-mail notice"), _("HTTPS endpoint"), _("Marketo, form")})
"""Every name of a place that is no name of a product alone."""
RECEIPTS: Final = {
    "file": _("file %(id)s"),
    "lead": _("lead %(id)s"),
    "mail": _("mail %(id)s"),
    "person": _("person %(id)s"),
    "row": _("row %(id)s"),
}
"""What a place shows of a lead, by the word that its receipt begins with."""
TAKEN: Final = _("taken, signature valid")
"""What an endpoint shows, which gives no id."""


def receipt_text(receipt: str) -> str:
    """What a place shows of a lead, as a text that can be told in a language."""
    kind, _space, remote_id = receipt.partition(" ")
    if receipt == TAKEN:
        return lazy_gettext(TAKEN)
    return lazy_gettext(RECEIPTS[kind], id=remote_id) if kind in RECEIPTS else receipt


def title_text(title: str) -> LazyText:
    """What a place is called, so told; the name of a product is the same in every language."""
    return lazy_gettext(title)
