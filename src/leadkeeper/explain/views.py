"""What a pasted error text means, as JSON writes it (camelCase)."""

from __future__ import annotations

from pydantic import Field

from leadkeeper.views import View


class Explanation(View):
    """One entry of the catalogue that a pasted text means."""

    kind: str = Field(description="Cause, from a closed list.")
    recognized_by: str = Field(description="What in the text told it, such as AADSTS700016.")
    systems: tuple[str, ...] = Field(description="The systems in which that means this; empty when it is general.")
    outcome: str
    who: str = Field(description="Who must act: nobody, publisher, destinationAdmin, operator, leadkeeper.")
    summary: str
    steps: tuple[str, ...]
    docs: str = Field(description="Where the documentation treats it: a page of this installation, as a path.")


class Explained(View):
    """What a pasted error means, the surest entry first."""

    explanations: tuple[Explanation, ...]
