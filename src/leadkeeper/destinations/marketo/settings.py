"""The settings of a Marketo connection: Microsoft's three, and what the REST API needs besides."""

from __future__ import annotations

import re
from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator

from leadkeeper.destinations.interface import DatedConfig
from leadkeeper.destinations.mapping import FieldMapping, FieldNames
from leadkeeper.texts import join_lazily, lazy_gettext

_WHERE: Final = lazy_gettext(
    "The form's embed code has it (Design Studio, the form, 'Form Actions', 'Embed Code'): "
    'MktoForms2.loadForm("//app-<server id>.marketo.com", "<Munchkin id>", <form id>). Where it names a landing page '
    "domain of your own instead, the address in the browser while you are signed in to Marketo has the server id "
    "(app-<server id>.marketo.com), and Admin, 'Munchkin', the Munchkin id."
)
_LANDING_PAGE: Final = lazy_gettext(
    "That is the domain of a landing page, which newer embed codes name. The server id stands in the address in the "
    "browser while you are signed in to Marketo: app-<server id>.marketo.com, such as ys12; the Munchkin id under "
    "Admin, 'Munchkin' (under Admin, 'Landing Pages', stands the domain you entered)."
)
_SERVER: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_HOST: Final = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")
_MUNCHKIN: Final = re.compile(r"[A-Z0-9]{3}-[A-Z0-9]{3}-[A-Z0-9]{3}")
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,7}")
_RESERVED: Final = frozenset({"munchkinid", "formid", "formvid", "checksum", "checksumfields"})


class MarketoConfig(DatedConfig):
    """Microsoft's ``marketoLeadConfiguration``, and the REST API's credentials where confirmed leads are wanted."""

    server_id: str = Field(
        title=lazy_gettext("Server id"),
        description=join_lazily((lazy_gettext("The part between app- and .marketo.com."), _WHERE)),
    )
    munchkin_id: str = Field(
        title=lazy_gettext("Munchkin id"), description=join_lazily((lazy_gettext("Such as 123-PQR-789."), _WHERE))
    )
    form_id: str = Field(title=lazy_gettext("Form id"), description=join_lazily((lazy_gettext("A number."), _WHERE)))
    fields: Annotated[
        FieldMapping,
        AfterValidator(FieldNames(r"[A-Za-z]\w{0,254}", lazy_gettext("letters, digits and _ as Marketo has it."))),
    ] = Field(
        default_factory=dict,
        title=lazy_gettext("Fields"),
        description=lazy_gettext(
            "Changes to what is sent: a field of the form (Forms names such as FirstName; with REST "
            "credentials REST names such as firstName) and its template."
        ),
    )
    client_id: str | None = Field(
        default=None,
        min_length=1,
        max_length=512,
        title=lazy_gettext("Client id"),
        description=lazy_gettext(
            "Of the custom service in Admin, LaunchPoint, 'View Details'. Leads then go over the REST API."
        ),
    )
    client_secret: SecretStr | None = Field(
        default=None,
        title=lazy_gettext("Client secret"),
        description=lazy_gettext("The client secret of the same custom service."),
    )
    program_id: str | None = Field(
        default=None,
        title=lazy_gettext("Program id"),
        description=lazy_gettext("With REST credentials: the program that the form fill-out counts for. A number."),
    )

    @property
    def rest(self) -> bool:
        """Whether leads go over the REST API rather than the web form."""
        return self.client_id is not None

    @property
    def repeatable(self) -> bool:
        """Twice makes one over the REST API only."""
        return self.rest

    @property
    def form_host(self) -> str:
        """The host of the forms."""
        return f"app-{self.server_id}.marketo.com"

    @property
    def rest_host(self) -> str:
        """The host of the REST API."""
        return f"{self.munchkin_id.lower()}.mktorest.com"

    @property
    def host(self) -> str:
        """The host that leads go to."""
        return self.rest_host if self.rest else self.form_host

    @field_validator("server_id")
    @classmethod
    def _server(cls, value: str) -> str:
        text = value.strip().lower().removeprefix("https:").strip("/").partition("/")[0]
        text = text.removesuffix(".marketo.com").removeprefix("app-")
        if text.isdecimal():
            raise ValueError(
                lazy_gettext(
                    "A number alone is the form id; the server id is one such as ys12. %(where)s", where=_WHERE
                )
            )
        if _HOST.fullmatch(text):
            raise ValueError(_LANDING_PAGE)
        if not _SERVER.fullmatch(text):
            raise ValueError(
                lazy_gettext("The server id has letters and digits, such as ys12. %(where)s", where=_WHERE)
            )
        return text

    @field_validator("munchkin_id")
    @classmethod
    def _munchkin(cls, value: str) -> str:
        text = value.strip().upper()
        if not _MUNCHKIN.fullmatch(text):
            raise ValueError(
                lazy_gettext("The Munchkin id is three groups of three letters and digits. %(where)s", where=_WHERE)
            )
        return text

    @field_validator("form_id", "program_id", mode="before")
    @classmethod
    def _number(cls, value: object) -> str | None:
        if value is None:
            return None
        text = str(value).strip() if isinstance(value, str | int) else ""
        if not _NUMBER.fullmatch(text):
            raise ValueError(
                lazy_gettext("The id is a number of at most 8 digits, such as 1179. %(where)s", where=_WHERE)
            )
        return text

    @model_validator(mode="after")
    def _whole(self) -> Self:
        secret = self.client_secret is not None and bool(self.client_secret.get_secret_value())
        if self.rest != secret:
            raise ValueError(lazy_gettext("The REST API needs both clientId and clientSecret."))
        if self.program_id is not None and not self.rest:
            raise ValueError(lazy_gettext("A programId needs clientId and clientSecret beside it."))
        for name in self.fields:
            if name.lower() in _RESERVED:
                raise ValueError(
                    lazy_gettext("fields: %(name)s is filled in by Leadkeeper and cannot be changed.", name=name)
                )
        return self
