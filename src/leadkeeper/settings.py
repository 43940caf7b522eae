"""Every setting, once: its type, its default and one line of help. Read from ``LEADKEEPER_*`` and ``.env``."""

from __future__ import annotations

import functools
import ssl
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from limits import parse as parse_limit
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from leadkeeper.access.provider.settings import ProviderFields
from leadkeeper.access.quota_settings import QuotaFields
from leadkeeper.destinations.packages import with_packages
from leadkeeper.destinations.registry import Destinations
from leadkeeper.doors.listener.limits import Limits
from leadkeeper.doors.logo import LogoFields
from leadkeeper.languages import installed
from leadkeeper.mail.address import parse_address
from leadkeeper.mail.mailer import MailServer, parse_mail_server
from leadkeeper.mail.settings import MailFields
from leadkeeper.model_errors import model_error
from leadkeeper.network.addresses import NetworkPolicy, own_addresses, parse_hosts, parse_ranges
from leadkeeper.network.listening import with_port
from leadkeeper.network.site import parse_listening_host, parse_site
from leadkeeper.network.trust import read_authorities
from leadkeeper.notices.settings import TellingFields
from leadkeeper.privacy.settings import RetentionFields
from leadkeeper.privacy.withholding import Withholding
from leadkeeper.publishing.steps import Unconfirmed
from leadkeeper.reconciliation.settings import ReconciliationFields
from leadkeeper.storage.engine import DEFAULT_DATABASE, has_peers, parsed_address
from leadkeeper.texts import join_lazily
from leadkeeper.texts import lazy_gettext as _


class WrongSetting(Exception):
    """A setting cannot be used; the message is one line that names it and says what it should be, in any language."""


class Settings(
    LogoFields, MailFields, ProviderFields, QuotaFields, ReconciliationFields, RetentionFields, TellingFields
):
    """Where the program stands and what it may reach."""

    model_config = SettingsConfigDict(
        env_prefix="LEADKEEPER_", env_file=".env", extra="ignore", hide_input_in_errors=True
    )

    database_url: str = Field(
        DEFAULT_DATABASE,
        description=_(
            "Where leads are kept: sqlite+aiosqlite:///file or postgresql+asyncpg://user:password@host/name."
        ),
    )
    host: str = Field(
        "127.0.0.1",
        description=_("Address that the API listens on; 0.0.0.0 for all of IPv4, :: for those of IPv6 too."),
    )
    port: int = Field(8700, ge=1, le=65535, description=_("Port that the API listens on."))
    processes: int | None = Field(
        None,
        ge=1,
        le=64,
        description=_(
            "How many processes serve runs on this machine; unset, 1 on SQLite, and on PostgreSQL one for "
            "each core, at most 4."
        ),
    )
    public_url: str | None = Field(
        None, description=_("Address under which the outside reaches the API, for hook addresses and links.")
    )
    secret_key: SecretStr | None = Field(
        None,
        description=_("Key for connection secrets: 32 bytes in URL-safe base64; several with commas, newest first."),
    )
    secret_key_file: Path = Field(
        Path("leadkeeper.key"), description=_("File with that key, used when SECRET_KEY is unset; made on first start.")
    )
    allow_addresses: str = Field(
        "", description=_("Private address ranges (CIDR, commas) that destinations may stand in.")
    )
    hosts: str = Field(
        "", description=_("Fixed addresses for host names: name=address[:port], commas; *.name for all below it.")
    )
    ca_file: Path | None = Field(None, description=_("PEM file with further certificate authorities to trust."))
    spare_megabytes: int = Field(
        1000,
        ge=0,
        description=_("Below so many free megabytes on the disk of a SQLite database operators are told; 0 for never."),
    )
    lease_seconds: float = Field(
        15, ge=1, le=600, description=_("How long the leads of a worker that died wait before another takes them.")
    )
    shutdown_seconds: float = Field(
        20, ge=0, le=600, description=_("How long leads in flight may take to end on shutdown.")
    )
    allow_own_addresses: bool = Field(
        False,
        description=_("Whether leads may be sent to this installation itself: its PUBLIC_URL and what it listens on."),
    )
    withheld_domains: str = Field(
        ".edu",
        description=_("Mail domains whose customers' data are not passed on: suffixes such as .edu, exact domains."),
    )
    destination_packages: str = Field(
        "",
        description=_(
            "Installed Python packages, separated by commas, whose destinations are offered beside ours. "
            "Their code runs with all rights of this program."
        ),
    )
    certification: Literal["automatic", "operator"] = Field(
        "automatic", description=_("Who certifies an offer that is being published: automatic, or an operator by hand.")
    )
    unconfirmed_test_leads: Unconfirmed = Field(
        Unconfirmed.WARN,
        description=_(
            "What publishing does where a destination does not confirm its test lead: wait until somebody says "
            "that it was found, warn and pass, or pass."
        ),
    )
    marketplace_name: str = Field(
        "Marketplace",
        description=_("The name that customers read in the storefront; unset, the one entered in the portal."),
    )
    support_contact: str = Field(
        "",
        description=_(
            "E-mail address, or address of a page (https://...), at which publishers get help from whoever "
            "runs this installation; shown on the portal's pages."
        ),
    )
    form_origins: str = Field(
        "", description=_("Sites (https://..., commas) that may show an offer's form by the storefront's snippet.")
    )
    frame_ancestors: str = Field(
        "",
        description=_("Sites (https://..., commas) whose pages may show a publisher's pages of the portal in a frame."),
    )
    form_limit: str = Field("20/minute", description=_("How often one address may send a storefront form: 20/minute."))
    trusted_proxies: str = Field(
        "",
        description=_("Address ranges (CIDR, commas) of proxies whose X-Forwarded-For names the customer's address."),
    )
    sign_in_limit: str = Field(
        "10/minute", description=_("How many wrong keys one address, and one key's id, may send before 429: 10/minute.")
    )
    password_length: int = Field(
        12, ge=8, le=64, description=_("Fewest characters of a person's password; 8 where all use a second factor.")
    )
    session_hours: float = Field(8, gt=0, le=720, description=_("How long one stays signed in to the portal at most."))
    session_idle_minutes: float = Field(
        60, ge=2, le=43200, description=_("How long one stays signed in to the portal without asking for a page.")
    )
    captcha: Literal["none", "turnstile", "hcaptcha", "recaptcha"] = Field(
        "none", description=_("Captcha service asked before a storefront form is taken.")
    )
    captcha_site_key: str = Field("", description=_("That service's public key, shown to browsers."))
    captcha_secret: SecretStr | None = Field(None, description=_("That service's secret key."))
    head_limit: int = Field(
        16_384, ge=1_024, le=1_048_576, description=_("Most bytes of a request's first line and headers together.")
    )
    head_seconds: float = Field(
        10, gt=0, le=3_600, description=_("How long a client may take to send a request's headers.")
    )
    body_seconds: float = Field(
        30,
        gt=0,
        le=3_600,
        description=_(
            "How long a client may take to send a body (a second more for each 4 KiB), or to read an answer."
        ),
    )
    most_connections: int = Field(
        4_096, ge=1, description=_("Most connections to the API at once; fewer if the process may open fewer files.")
    )
    connections_per_address: int = Field(
        512,
        ge=1,
        description=_("Most connections of one client's address at once; trusted proxies have no such limit."),
    )
    metrics_open: bool = Field(
        False, description=_("Answer /metrics without a key; unset, it takes one of role operator.")
    )
    language: str = Field(
        "",
        description=_(
            "Language of commands and of what publishing says: en or pt. Unset, commands speak that of LC_ALL, "
            "LC_MESSAGES or LANG, and publishing English. Pages and REST go by each request."
        ),
    )
    log_level: str = Field("info", description=_("debug, info, warning or error."))
    log_json: bool = Field(False, description=_("Write the log as one JSON object a line."))

    @model_validator(mode="before")
    @classmethod
    def _empty_is_unset(cls, values: dict[str, object]) -> dict[str, object]:
        """An empty value stands for the default, but for the one setting whose default withholds something."""
        return {name: value for name, value in values.items() if value != "" or name == "withheld_domains"}

    @field_validator("host")
    @classmethod
    def _host(cls, value: str) -> str:
        return parse_listening_host(value)

    @field_validator("public_url")
    @classmethod
    def _public_url(cls, value: str | None) -> str | None:
        return None if value is None else parse_site(value, below=True)

    @field_validator("language")
    @classmethod
    def _language(cls, value: str) -> str:
        if value and installed().find(value) is None:
            codes = " or ".join(repr(each.code) for each in installed())
            raise ValueError(_("Input should be %(expected)s", expected=codes))
        return value

    @field_validator("database_url")
    @classmethod
    def _database_url(cls, value: str) -> str:
        parsed_address(value)  # nothing is opened: a storage that nobody closes keeps a thread
        return value

    @field_validator("allow_addresses")
    @classmethod
    def _allow_addresses(cls, value: str) -> str:
        parse_ranges(value)
        return value

    @field_validator("withheld_domains")
    @classmethod
    def _withheld_domains(cls, value: str) -> str:
        Withholding.parse(value)
        return value

    @field_validator("form_limit", "sign_in_limit")
    @classmethod
    def _form_limit(cls, value: str) -> str:
        try:
            parse_limit(value)
        except ValueError:
            raise ValueError(_("use a number and a time, such as 20/minute")) from None
        return value

    @field_validator("form_origins", "frame_ancestors")
    @classmethod
    def _form_origins(cls, value: str) -> str:
        return ",".join(map(_site, _listed(value)))

    @field_validator("support_contact")
    @classmethod
    def _support_contact(cls, value: str) -> str:
        try:
            is_page = value.startswith("https://") and parse_site("https://" + urlsplit(value).netloc)
            if value and not is_page:
                parse_address(value)
        except ValueError:
            raise ValueError(_("use an e-mail address or one that begins with https://")) from None
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _trusted_proxies(cls, value: str) -> str:
        parse_ranges(value)
        return value

    @model_validator(mode="after")
    def _captcha(self) -> Self:
        if self.captcha != "none" and not (self.captcha_site_key and self.captcha_secret):
            raise ValueError(_("CAPTCHA needs CAPTCHA_SITE_KEY and CAPTCHA_SECRET"))
        return self

    @field_validator("hosts")
    @classmethod
    def _hosts(cls, value: str) -> str:
        parse_hosts(value)
        return value

    @field_validator("ca_file")
    @classmethod
    def _ca_file(cls, value: Path | None) -> Path | None:
        if value is not None:
            try:
                read_authorities(value, ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
            except OSError as error:
                raise ValueError(unusable_file(value, error)) from None
        return value

    @field_validator("log_level")
    @classmethod
    def _log_level(cls, value: str) -> str:
        if value.lower() not in {"debug", "info", "warning", "error"}:
            raise ValueError(_("use debug, info, warning or error"))
        return value.lower()

    @property
    def takes_peers(self) -> bool:
        """Whether the database takes several processes alike."""
        return has_peers(self.database_url)

    @property
    def named(self) -> str | None:
        """The marketplace's name, if a setting gives it."""
        return self.marketplace_name if "marketplace_name" in self.model_fields_set else None

    @functools.cached_property
    def destinations(self) -> Destinations:
        """What connections can be made to. Raises :class:`WrongSetting` for a package that cannot be used."""
        try:
            return with_packages(_listed(self.destination_packages))
        except ValueError as error:
            raise WrongSetting(join_lazily(("LEADKEEPER_DESTINATION_PACKAGES", *error.args), ": ")) from None

    @property
    def origins(self) -> list[str]:
        """Sites that may show an offer's form."""
        return _listed(self.form_origins)

    @property
    def ancestors(self) -> tuple[str, ...]:
        """Sites whose pages may show a publisher's pages."""
        return tuple(_listed(self.frame_ancestors))

    @property
    def proxies(self) -> list[str]:
        """Address ranges whose word on the customer's address is taken."""
        return [str(network) for network in parse_ranges(self.trusted_proxies)]

    @property
    def listener_limits(self) -> Limits:
        """What strangers may take of the API."""
        return Limits(
            head_bytes=self.head_limit,
            head_seconds=self.head_seconds,
            body_seconds=self.body_seconds,
            connections=self.most_connections,
            per_address=self.connections_per_address,
        )

    @property
    def network_policy(self) -> NetworkPolicy:
        """What adapters may reach."""
        return NetworkPolicy(
            allow_addresses=parse_ranges(self.allow_addresses),
            hosts=parse_hosts(self.hosts),
            ca_file=self.ca_file,
            own=None if self.allow_own_addresses else own_addresses(self.base_url, self.port),
        )

    @property
    def mail_server(self) -> MailServer | None:
        """Where mails are handed in, if anywhere."""
        if self.smtp_url is None:
            return None
        return parse_mail_server(self.smtp_url.get_secret_value(), self.mail_from, self.ca_file, self.mail_hostname)

    @property
    def base_url(self) -> str:
        """The address that hook URLs and links start with, without a slash at the end."""
        return self.public_url or f"http://{with_port(self.host, self.port)}"


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def unusable_file(path: Path, error: OSError) -> str:
    """Why a file that a setting names cannot be used."""
    return _("%(path)s cannot be used: %(why)s", path=path, why=_(error.strerror or type(error).__name__))


def _site(origin: str) -> str:
    try:
        if origin.endswith("/") or set(origin) & set(";'\""):
            raise ValueError
        return parse_site(origin)
    except ValueError:
        raise ValueError(
            _("%(origin)s is no site; use https://shop.example, without a path", origin=repr(origin))
        ) from None


def load_settings() -> Settings:
    """The settings of this process. Raises :class:`WrongSetting` for the first one that cannot be used."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = f"LEADKEEPER_{'_'.join(str(part) for part in first['loc'] or ('captcha',)).upper()}"
        raise WrongSetting(join_lazily((name, model_error(first)), ": ")) from None
