"""A private certificate authority, so that the stand-ins speak real TLS."""

from __future__ import annotations

import functools
import os
import ssl
from pathlib import Path

import trustme


class Authority:
    """An authority kept in ``folder`` (made when missing): ``ca.pem``, and ``ca-key.pem`` readable by its owner only.

    A second authority on the same folder is the same one, so that certificates of several processes are trusted
    together.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.ca_file = folder / "ca.pem"
        key_file = folder / "ca-key.pem"
        if self.ca_file.exists() and key_file.exists():
            self._certificate, self._key = self.ca_file.read_bytes(), key_file.read_bytes()
            return
        made = trustme.CA(organization_name="Leadkeeper sandbox")
        self._certificate, self._key = made.cert_pem.bytes(), made.private_key_pem.bytes()
        with os.fdopen(os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(self._key)
        self.ca_file.write_bytes(self._certificate)

    def server_context(self, *names: str) -> ssl.SSLContext:
        """The TLS side of a server with a certificate for ``names``: host names, ``*.suffix`` or addresses."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["http/1.1"])
        _issued(self._certificate, self._key, names).configure_cert(context)
        return context


@functools.lru_cache(maxsize=256)
def _issued(certificate: bytes, key: bytes, names: tuple[str, ...]) -> trustme.LeafCert:
    """One certificate for the same names: to make one takes longer than most that is asked of a stand-in."""
    return trustme.CA.from_pem(certificate, key).issue_cert(*names)
