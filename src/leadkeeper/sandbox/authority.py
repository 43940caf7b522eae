"""A private certificate authority, so that the stand-ins speak real TLS."""

from __future__ import annotations

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
            self._ca = trustme.CA.from_pem(self.ca_file.read_bytes(), key_file.read_bytes())
            return
        self._ca = trustme.CA(organization_name="Leadkeeper sandbox")
        with os.fdopen(os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(self._ca.private_key_pem.bytes())
        self._ca.cert_pem.write_to_path(str(self.ca_file))

    def server_context(self, *names: str) -> ssl.SSLContext:
        """The TLS side of a server with a certificate for ``names``: host names, ``*.suffix`` or addresses."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["http/1.1"])
        self._ca.issue_cert(*names).configure_cert(context)
        return context
