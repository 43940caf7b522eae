"""Puts the doors that speak HTTP before an installation; only processes that listen need it."""

from __future__ import annotations

import functools
import socket
from typing import Final

import structlog
from starlette.types import ASGIApp

from leadkeeper.doors.api.app import create_api
from leadkeeper.doors.client_address import ClientAddresses
from leadkeeper.doors.cloud_partner.app import create_cloud_partner, document_of
from leadkeeper.doors.cloud_partner.sign_in import sign_in_door
from leadkeeper.doors.contacts.app import ContactDoor
from leadkeeper.doors.docs.app import DocsDoor
from leadkeeper.doors.entrance import Entrance
from leadkeeper.doors.first_page import ICON, FirstPage
from leadkeeper.doors.hooks.route import hook_route
from leadkeeper.doors.listener.limits import files_for
from leadkeeper.doors.listener.server import Server, listen
from leadkeeper.doors.origins import Origins, Secure
from leadkeeper.doors.portal.app import Portal
from leadkeeper.doors.readable import readable
from leadkeeper.doors.storefront.app import Storefront
from leadkeeper.doors.storefront.guard import SERVICES, Captcha, FormGuard
from leadkeeper.installation import Installation
from leadkeeper.network.listening import listening_socket
from leadkeeper.settings import Settings

log: Final = structlog.get_logger(__name__)


def open_doors(settings: Settings, installation: Installation) -> ASGIApp:
    """Every way in that speaks HTTP, over the services of ``installation``."""
    services = installation.services
    hook = hook_route(services.access.hooks, services.intake, installation.metrics.counted)
    addresses = ClientAddresses(settings.proxies)
    secure = Secure(addresses, settings.base_url)
    cloud_partner = create_cloud_partner(services, addresses)
    api = create_api(
        services,
        installation.metrics,
        hook,
        documents=[functools.partial(document_of, cloud_partner)],
        addresses=addresses,
        metrics_open=settings.metrics_open,
    )
    name, branding = services.marketplace, services.branding
    first_page = FirstPage(services.offers.showcase, api)
    doors: dict[str, ASGIApp] = {
        "": first_page,
        ICON.removeprefix("/"): first_page,
        "api": cloud_partner,
        "v1.0": cloud_partner,
    }
    pages: dict[str, ASGIApp] = {
        "contacts": readable(
            ContactDoor(services.notices.answers, addresses, services.languages, name=name, branding=branding).app(),
            services.languages,
        ),
        "docs": readable(DocsDoor(services.languages, name=name, branding=branding).app(), services.languages),
        "store": readable(_storefront(settings, installation, addresses, secure).app(), services.languages),
        "portal": readable(_portal(settings, installation, secure).app(), services.languages),
    }
    sign_in = readable(sign_in_door(services.access.sign_ins, addresses), services.languages)
    return Entrance(api, doors, pages, sign_in, secure, installation.turns)


def _portal(settings: Settings, installation: Installation, secure: Secure) -> Portal:
    name, base_url, support = installation.services.marketplace, settings.base_url, settings.support_contact
    origins, end = Origins(secure), installation.ending
    return Portal(
        installation.services,
        name=name,
        base_url=base_url,
        origins=origins,
        ending=end,
        support=support,
    )


def _storefront(
    settings: Settings, installation: Installation, addresses: ClientAddresses, secure: Secure
) -> Storefront:
    services, captcha = installation.services, None
    if settings.captcha != "none":
        secret = "" if settings.captcha_secret is None else settings.captcha_secret.get_secret_value()
        captcha = Captcha(SERVICES[settings.captcha], settings.captcha_site_key, secret, installation.network)
    guard = FormGuard(
        settings.form_limit,
        Origins(secure, settings.origins),
        addresses,
        services.storage,
        services.clock,
        services.peers,
    )
    name, base_url = services.marketplace, settings.base_url
    return Storefront(
        services.offers.showcase,
        services.offers.logos,
        services.intake,
        services.notices.confirmations,
        guard,
        captcha,
        services.languages,
        name=name,
        base_url=base_url,
        branding=services.branding,
    )


async def start_api(
    settings: Settings, installation: Installation, *, worker: bool, bound: socket.socket | None = None
) -> Server:
    """Listen on ``bound``, else as the settings say.

    Raises ``OSError`` when the port is taken, and ``StaticMissing``.
    """
    doors = open_doors(settings, installation)  # first: a port that is open is a promise to answer
    if bound is None:
        bound = listening_socket(settings.host, settings.port, backlog=2048)
    policy = settings.network_policy
    outbound = policy.connections + policy.idle_connections if worker else 0
    limits = settings.listener_limits.fitted(files_for(settings.most_connections, outbound))
    if limits.connections < settings.most_connections:
        log.warning(
            "fewer connections than wanted: this process may open too few files", connections=limits.connections
        )
    return await listen(doors, bound, limits, ClientAddresses(settings.proxies))
