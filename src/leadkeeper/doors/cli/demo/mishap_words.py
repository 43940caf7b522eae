"""What goes wrong in the demo, and what helps: the sandbox has it in English, here it is marked for others."""

from __future__ import annotations

from typing import Final

from leadkeeper.texts import _

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
