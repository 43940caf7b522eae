"""Who and what the stand-in for Microsoft Entra ID knows: tenants, their applications, users and resources."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Final

TENANT: Final = "3f8c1a52-6d0b-4e7f-9a41-5c2e7b90d614"
DOMAIN: Final = "contoso.onmicrosoft.com"
APPLICATION: Final = "8b1d2c7e-90a4-4f36-b5e8-1d7a6c3f2e05"
SECRET: Final = "Qx7~sandbox.secret-value_0123456789abcdEF"
PUBLIC_APPLICATION: Final = "c4e9a0f3-27b1-4d58-8e6a-f0b3d9172c46"
USER: Final = f"leads@{DOMAIN}"
PASSWORD: Final = "correct horse battery staple"
"""What every sandbox knows from the start; none of it opens anything elsewhere."""


@dataclass(slots=True)
class Secret:
    """A client secret; ``expires_at`` in seconds since 1970, None for never."""

    value: str
    expires_at: float | None = None


@dataclass(slots=True)
class Application:
    """An app registration. ``public``: "Allow public client flows" is on, so that passwords need no secret."""

    secrets: list[Secret] = field(default_factory=list)
    public: bool = False


@dataclass(slots=True)
class User:
    """A user account. ``trouble`` is the AADSTS code that every sign-in meets, such as 50055; None for none."""

    password: str
    trouble: int | None = None
    object_id: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass(slots=True)
class Tenant:
    """A directory. Applications by client id, users by name, both in lower case; resources as URLs without a path."""

    id: str
    domains: set[str] = field(default_factory=set)
    applications: dict[str, Application] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)
    resources: set[str] = field(default_factory=set)


class Directory:
    """All tenants; a new one holds the tenant of the constants above."""

    def __init__(self) -> None:
        self.tenants: dict[str, Tenant] = {}
        self.add(
            Tenant(
                TENANT,
                {DOMAIN},
                {APPLICATION: Application([Secret(SECRET)]), PUBLIC_APPLICATION: Application(public=True)},
                {USER: User(PASSWORD)},
            )
        )

    def add(self, tenant: Tenant) -> Tenant:
        """Know the tenant too."""
        self.tenants[tenant.id] = tenant
        return tenant

    def find(self, identifier: str) -> Tenant | None:
        """The tenant of an id or one of its domains."""
        wanted = identifier.lower()
        found = (each for each in self.tenants.values() if wanted == each.id or wanted in each.domains)
        return next(found, None)
