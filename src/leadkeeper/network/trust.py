"""What TLS trusts, read once for all of a process: reading the system's authorities takes 30 ms."""

from __future__ import annotations

import errno
import functools
import os
import ssl
from pathlib import Path
from typing import Final

from leadkeeper.texts import _

_NO_CERTIFICATE: Final = _("it holds no certificate in PEM")


def trusting(ca_file: Path | None, *protocols: str) -> ssl.SSLContext:
    """A context for calls out that trusts the system's authorities and those of ``ca_file``; nobody may change it.

    It offers ``protocols`` by ALPN. The file is read anew once it has changed. Raises ``OSError`` when it cannot be
    read.
    """
    return _trusting(ca_file, None if ca_file is None else os.stat(ca_file).st_mtime_ns, protocols)


@functools.lru_cache(maxsize=8)
def _trusting(ca_file: Path | None, _changed: int | None, protocols: tuple[str, ...]) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca_file is not None:
        read_authorities(ca_file, context)
    if protocols:
        context.set_alpn_protocols([*protocols])
    return context


def read_authorities(ca_file: Path, context: ssl.SSLContext) -> None:
    """Let ``context`` trust the authorities in ``ca_file`` too. Raises ``OSError``, whose ``strerror`` says why."""
    try:
        context.load_verify_locations(cafile=ca_file)
    except ssl.SSLError:  # whose text is OpenSSL's own
        raise OSError(errno.EINVAL, _NO_CERTIFICATE) from None
