"""The form that customers fill out: its fields, what they may hold, and what is wrong with what came."""

from __future__ import annotations

import functools
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from leadkeeper.intake.normal import normal_address
from leadkeeper.intake.texts import clean, trimmed
from leadkeeper.lead import Customer
from leadkeeper.mail.address import parse_address
from leadkeeper.normal_forms import without_marks
from leadkeeper.texts import ENGLISH, Language, _

_FORM_ID: Final = re.compile(r"[A-Za-z0-9_-]{16,64}")
_CAMPAIGN: Final = re.compile(r"[A-Za-z0-9_-]{1,16}")
"""What ``mktcmpid`` may be: ``docs/reference/vendors/marketplace.md#rules``."""
TRAP: Final = "website"
"""A field that people do not see; what fills it out is a program."""
CONSENT: Final = "consent"


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its name, its label, what browsers fill in, what is said where it is missing, the most characters."""

    name: str
    label: str
    autocomplete: str
    missing: str = ""
    required: bool = True
    limit: int = 100
    kind: str = "text"


_NO_CONSENT: Final = _("Agree, so that we may pass on what you entered. Without that nothing is sent or kept.")
_NO_COUNTRY: Final = _("Choose your country or region.")
FIELDS: Final = (
    Field("firstName", _("First name"), "given-name", _("Enter your first name.")),
    Field("lastName", _("Last name"), "family-name", _("Enter your last name.")),
    Field("email", _("Work e-mail"), "email", _("Enter your work e-mail address."), limit=254, kind="email"),
    Field("phone", _("Phone"), "tel", required=False, limit=40, kind="tel"),
    Field("country", _("Country or region"), "country", _NO_COUNTRY, kind="country"),
    Field("company", _("Company"), "organization", _("Enter your company."), limit=160),
    Field("title", _("Job title"), "organization-title", required=False),
    Field("notes", _("Notes"), "off", required=False, limit=2000, kind="notes"),
)


@functools.cache
def countries(language: Language) -> tuple[tuple[str, str], ...]:
    """Every country or region as (ISO 3166 code, name in ``language``), by name."""
    names = language.locale.territories
    not_countries = {"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"}
    found = [(code, name) for code, name in names.items() if re.fullmatch("[A-Z]{2}", code)]
    return tuple(sorted(((c, n) for c, n in found if c not in not_countries), key=lambda pair: _sorted_as(pair[1])))


def _sorted_as(name: str) -> str:
    """Accents and case do not matter for the order."""
    return without_marks(name.casefold())


@dataclass(frozen=True, slots=True)
class Filled:
    """A form as it came. ``errors`` are texts (and their parts) by field; ``trapped``: a program sent it."""

    values: Mapping[str, str]
    form_id: str
    consent: bool = False
    trapped: bool = False
    campaign: str = ""
    errors: Mapping[str, tuple[str, Mapping[str, object]]] = field(default_factory=dict)

    @property
    def customer(self) -> Customer:
        """Who sent it."""
        v = self.values
        return Customer(v["firstName"], v["lastName"], v["email"], v["phone"], v["country"], v["company"], v["title"])

    @property
    def notes(self) -> str:
        """What they wrote."""
        return self.values["notes"]


def empty_form(campaign: str = "") -> Filled:
    """A form that nobody has filled out yet."""
    return Filled({each.name: "" for each in FIELDS}, new_form_id(), campaign=_campaign(campaign))


def new_form_id() -> str:
    """Tells one form from all others, so that sending it twice makes one lead."""
    return secrets.token_urlsafe(16)


def read_form(sent: Mapping[str, str]) -> Filled:
    """What came, cleaned, and everything that is wrong with it."""
    values = {each.name: trimmed(clean(sent.get(each.name, ""))) for each in FIELDS}
    errors: dict[str, tuple[str, Mapping[str, object]]] = {}
    for each in FIELDS:
        value = values[each.name]
        if each.required and not value:
            errors[each.name] = (each.missing, {})
        elif len(value) > each.limit:
            errors[each.name] = (_("Enter at most %(limit)s characters."), {"limit": each.limit})
    if "email" not in errors and not _is_address(normal_address(values["email"])):
        errors["email"] = (_("Enter an e-mail address like name@company.com."), {})
    if values["country"] and values["country"] not in dict(countries(ENGLISH)):
        errors["country"] = (_NO_COUNTRY, {})
        values["country"] = ""
    consent = sent.get(CONSENT) == "yes"
    if not consent:
        errors[CONSENT] = (
            _("Agree, so that we may pass on what you entered. Without that nothing is sent or kept."),
            {},
        )
    form_id = sent.get("formId", "")
    return Filled(
        values,
        form_id if _FORM_ID.fullmatch(form_id) else new_form_id(),
        consent=consent,
        trapped=bool(sent.get(TRAP)),
        campaign=_campaign(sent.get("mktcmpid", "")),
        errors=errors,
    )


def _campaign(text: str) -> str:
    return text if _CAMPAIGN.fullmatch(text) else ""


def _is_address(text: str) -> bool:
    try:
        parse_address(text)
    except ValueError:
        return False
    return text.count("@") == 1 and "<" not in text
