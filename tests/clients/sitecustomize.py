"""Leads the production host names of the vendors to the sandbox at port SANDBOX_PORT, in a client's own process."""

import os
import socket

_real = socket.getaddrinfo
_port = int(os.environ["SANDBOX_PORT"])
_names = (".dynamics.com", ".hubapi.com", ".microsoftonline.com", ".mktorest.com", ".salesforce.com")


def _mapped(host, port, *rest, **options):  # type: ignore[no-untyped-def]
    name = host.decode() if isinstance(host, bytes) else str(host)
    if name.endswith(_names):
        return _real("127.0.0.1", _port, *rest, **options)
    return _real(host, port, *rest, **options)


socket.getaddrinfo = _mapped
