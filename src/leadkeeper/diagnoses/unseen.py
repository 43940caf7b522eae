"""What a check that passes did not look at, for each way to a destination. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from leadkeeper.texts import Language, _


@dataclass(frozen=True, slots=True)
class Unseen:
    """One plain sentence: what the check cannot see, and what alone can show it."""

    text: str

    def summary(self, language: Language) -> str:
        """The sentence in that language."""
        return language.gettext(self.text)


AZURE_TABLE: Final = Unseen(
    _("The check wrote nothing: it did not look at whether a row can be added, nor at who reads the table.")
)
AZURE_BLOB: Final = Unseen(
    _(
        "The check wrote nothing: it did not look at whether a blob can be made, nor at rules "
        "that lock, move or delete blobs."
    )
)
DYNAMICS: Final = Unseen(
    _(
        "The check wrote nothing: it did not look at plug-ins, workflows, flows, duplicate rules "
        "and business rules, which may refuse or change a lead, nor at who may see it there."
    )
)
EMAIL: Final = Unseen(
    _(
        "The check sent no mail: it did not look at whether the mailboxes exist, and it never sees "
        "whether a mail is sorted out as unwanted."
    )
)
HTTPS_ENDPOINT: Final = Unseen(
    _(
        "The check sent no request: it did not look at the path, the key or signature in the "
        "address, nor at what the endpoint does with a lead."
    )
)
MARKETO_FORM: Final = Unseen(
    _(
        "The check posted nothing: it did not look at whether Marketo keeps what the form is "
        "sent (a CAPTCHA, a rule or a smart campaign may drop it), and Marketo never tells."
    )
)
MARKETO_REST: Final = Unseen(
    _(
        "The check wrote nothing: it did not look at whether the form takes each field, nor at "
        "partitions, smart campaigns and rules that a lead meets."
    )
)
SALESFORCE_REST: Final = Unseen(
    _(
        "The check wrote nothing: it did not look at validation rules, duplicate rules, "
        "flows and triggers, which may refuse a lead."
    )
)
WEB_TO_LEAD: Final = Unseen(
    _(
        "The check saw the host only: it did not look at the organization, the object identifier "
        "(oid) or any field, and Web-to-Lead never tells whether Salesforce keeps a lead."
    )
)
