"""Who may send a form, and how often: origins, the rate by address, and an optional captcha."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from limits import parse
from pydantic_core import from_json
from starlette.requests import Request

from leadkeeper.access.people.guesses import Guesses
from leadkeeper.access.tries import Tries
from leadkeeper.clock import Clock, now_ms
from leadkeeper.doors.client_address import ClientAddresses
from leadkeeper.doors.origins import Origins
from leadkeeper.network.client import NETWORK_ERRORS, Network
from leadkeeper.storage.engine import Storage, StorageAway
from leadkeeper.storage.presence import Peers
from leadkeeper.texts import _


@dataclass(frozen=True, slots=True)
class CaptchaService:
    """One of the services that tell people from programs; they all answer ``siteverify`` alike."""

    script: str
    verify: str
    field: str
    css_class: str
    hosts: tuple[str, ...]


CAPTCHA_FAILED: Final = _("Show that you are a person, then send again. What you entered is still here.")
CAPTCHA_AWAY: Final = _("The check that you are a person cannot be made just now. Please send again in a moment.")
SERVICES: Final = {
    "turnstile": CaptchaService(
        "https://challenges.cloudflare.com/turnstile/v0/api.js",
        "https://challenges.cloudflare.com/turnstile/v0/siteverify",
        "cf-turnstile-response",
        "cf-turnstile",
        ("https://challenges.cloudflare.com",),
    ),
    "hcaptcha": CaptchaService(
        "https://js.hcaptcha.com/1/api.js",
        "https://api.hcaptcha.com/siteverify",
        "h-captcha-response",
        "h-captcha",
        ("https://hcaptcha.com", "https://*.hcaptcha.com"),
    ),
    "recaptcha": CaptchaService(
        "https://www.google.com/recaptcha/api.js",
        "https://www.google.com/recaptcha/api/siteverify",
        "g-recaptcha-response",
        "g-recaptcha",
        ("https://www.google.com", "https://www.gstatic.com"),
    ),
}


class Captcha:
    """Asks a service whether a person sent the form. The customer's address is not told to it."""

    def __init__(self, service: CaptchaService, site_key: str, secret: str, network: Network) -> None:
        self.service = service
        self.site_key = site_key
        self._secret = secret
        self._network = network

    async def refusal(self, sent: Mapping[str, str]) -> str | None:
        """The text that says why the form is not taken, or ``None``."""
        token = sent.get(self.service.field, "")
        if not token:
            return CAPTCHA_FAILED
        body = urlencode({"secret": self._secret, "response": token}).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        try:
            answer = await self._network.post(self._network.check_url(self.service.verify), data=body, headers=headers)
            message = from_json(answer.body) if answer.status == 200 and answer.fault is None else None
        except (*NETWORK_ERRORS, ValueError):
            message = None
        if not isinstance(message, dict) or "success" not in message:
            return CAPTCHA_AWAY
        return None if message["success"] is True else CAPTCHA_FAILED


class FormGuard:
    """Decides before a form is read. ``limit`` is such as ``20/minute``; ``origins`` knows who may send our form.

    Where several processes answer (``peers``), what one of them lets pass is counted in the database besides.
    """

    def __init__(
        self,
        limit: str,
        origins: Origins,
        addresses: ClientAddresses,
        storage: Storage,
        clock: Clock = now_ms,
        peers: Peers | None = None,
    ) -> None:
        self.origins = origins.also
        self._sent_from = origins
        self._addresses = addresses
        self._limit = parse(limit)
        self._clock = clock
        self._here = Tries(self._limit.amount, self._limit.get_expiry() * 1_000)
        self._peers = peers or Peers()
        self._everywhere = Guesses(storage, "form", self._limit.amount, self._limit.get_expiry() * 1_000, clock)

    def from_elsewhere(self, request: Request) -> bool:
        """Whether a page of a site that may not do so sent it."""
        return self._sent_from.from_elsewhere(request.scope)

    async def too_often(self, request: Request) -> bool:
        """Whether the address has sent its share; this one counts. A database that is away refuses the form later."""
        address = self._addresses.of(request.scope)
        if self._here.count(address, self._clock()):
            return True
        if self._peers.answering == 1:
            return False
        try:
            return bool(await self._everywhere.count(address))
        except StorageAway:
            return False

    def address_of(self, request: Request) -> str:
        """From where a request comes."""
        return self._addresses.of(request.scope)

    @property
    def seconds(self) -> int:
        """After how long it may send again at the latest."""
        return int(self._limit.get_expiry())
