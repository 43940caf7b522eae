"""What went wrong on the network, as a diagnosis. Decided by exception class and code, never by English text."""

from __future__ import annotations

import contextlib
import errno
import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

import aiohttp

from leadkeeper.catalogue import diagnose
from leadkeeper.diagnosis import AnyKind, Diagnosis, Evidence, Kind, Outcome
from leadkeeper.network.addresses import AddressInvalid, AddressRefused, OwnAddress
from leadkeeper.texts import lazy_gettext

NETWORK_ERRORS: Final = (aiohttp.ClientError, OSError, TimeoutError)
"""What a request over the session raises for what the other side or the network did."""


class _RefusedInSession(AddressRefused, aiohttp.ClientError):
    pass


class _InvalidInSession(AddressInvalid, aiohttp.ClientError):
    pass


class _OwnInSession(OwnAddress, aiohttp.ClientError):
    pass


_IN_SESSION: Final[Mapping[type[AddressRefused], type[AddressRefused]]] = {
    AddressRefused: _RefusedInSession,
    AddressInvalid: _InvalidInSession,
    OwnAddress: _OwnInSession,
}


@contextlib.contextmanager
def refused_as_ours() -> Iterator[None]:
    """Raise a refused address as an error of aiohttp, too: it hides every other ``OSError`` behind one of its own."""
    try:
        yield
    except AddressRefused as error:
        raise _IN_SESSION.get(type(error), type(error))(*error.args) from None


class AnswerTooLarge(aiohttp.ClientPayloadError):
    """The answer is larger than ``answer_limit``; its connection was dropped."""


class AnswerNotHttp(aiohttp.ClientError):
    """What came back cannot be read as an answer of HTTP; its connection was dropped."""


class RedirectRefused(aiohttp.ClientError):
    """A caller asked for redirects to be followed, and the answer was one."""


class NoFreeConnection(aiohttp.ClientError):
    """All that the publisher may have at once was in use for as long as a request may wait. Nothing was sent."""


_NO_SUCH_NAME: Final = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})
_RESOLVER: Final = "EAI"
"""How the codes of the resolver's errors begin, and no other."""
_NOTHING_SENT: Final = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
_CERTIFICATE: Final = {
    9: lazy_gettext("The certificate is not valid yet."),
    10: lazy_gettext("The certificate has expired."),
    18: lazy_gettext("The certificate is signed by itself."),
    19: lazy_gettext("The certificate chain ends in an authority that is not trusted here."),
    20: lazy_gettext("The certificate's issuer is not known here; often an intermediate certificate is not sent."),
    21: lazy_gettext("The certificate's issuer is not known here; often an intermediate certificate is not sent."),
    23: lazy_gettext("The certificate was revoked."),
    62: lazy_gettext("The certificate is for another host name."),
    64: lazy_gettext("The certificate is for another address."),
}
_NOT_VERIFIED: Final = lazy_gettext("The certificate could not be verified.")


def diagnose_network(error: BaseException, *, sent: bool = True) -> Diagnosis:
    """Why a request over the guarded session ended without an answer.

    ``sent`` says whether the request may have gone out; errors that can only happen before override it. Where nothing
    was sent the outcome is ``failed`` or ``broken``, else ``ambiguous``. Errors that wrap ours, as those of the Azure
    SDK do, are looked through by ``__cause__``. The evidence holds a code and words of ours, nothing of the request.
    """
    chain = tuple(_chain(error))
    sent = sent and not any(isinstance(link, _NOTHING_SENT) for link in chain)
    for link in chain:
        found = _guarded(link) or _certain(link, sent)
        if found is not None:
            return found
    if any(isinstance(link, AnswerNotHttp | aiohttp.ClientResponseError) for link in chain):
        return diagnose(Kind.ANSWER_NOT_UNDERSTOOD, outcome=Outcome.AMBIGUOUS if sent else None)
    evidence = Evidence(code=_code(chain))
    if any(isinstance(link, TimeoutError) for link in chain):
        return diagnose(Kind.NO_ANSWER if sent else Kind.CONNECTION_FAILED, evidence)
    if any(isinstance(link, NETWORK_ERRORS) for link in chain):
        return diagnose(Kind.CONNECTION_LOST if sent else Kind.CONNECTION_FAILED, evidence)
    return diagnose(Kind.INTERNAL_ERROR, Evidence(code=type(error).__name__))


def _chain(error: BaseException) -> Iterator[BaseException]:
    """``error`` and what caused it, outermost first."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or getattr(link, "os_error", None)


def _guarded(error: BaseException) -> Diagnosis | None:
    """The diagnosis of what our own guards raise."""
    match error:
        case AddressInvalid():
            return diagnose(Kind.SETTINGS_INVALID, Evidence(text=error.args[0]))
        case aiohttp.InvalidURL():
            return diagnose(Kind.SETTINGS_INVALID, Evidence(text=lazy_gettext("The address is not a valid URL.")))
        case OwnAddress():
            return diagnose(Kind.OWN_ADDRESS, Evidence(text=error.args[0]))
        case AddressRefused():
            return diagnose(Kind.ADDRESS_REFUSED, Evidence(text=error.args[0]))
        case RedirectRefused():
            return diagnose(Kind.REDIRECTED)
        case AnswerTooLarge():
            return diagnose(Kind.ANSWER_TOO_LARGE)
        case NoFreeConnection():
            return diagnose(Kind.CONNECTION_FAILED, Evidence(text=error.args[0]), outcome=Outcome.OURS)
        case _:
            return None


def _certain(error: BaseException, sent: bool) -> Diagnosis | None:
    """The diagnosis of name resolution and TLS; they are over before anything is sent. Wrappers are passed over."""
    if isinstance(error, aiohttp.ClientConnectorError):
        return None
    if isinstance(error, socket.gaierror):
        kind = Kind.ADDRESS_NOT_FOUND if error.errno in _NO_SUCH_NAME else Kind.CONNECTION_FAILED
        return diagnose(kind, Evidence(code=_resolver_code(error)))
    if isinstance(error, ssl.SSLCertVerificationError):
        text = _CERTIFICATE.get(error.verify_code, _NOT_VERIFIED)
        return diagnose(Kind.TLS_FAILED, Evidence(code=_reason(error), text=text))
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError | ssl.SSLSyscallError):
        return None
    if isinstance(error, ssl.SSLError) and not sent:
        return diagnose(Kind.TLS_FAILED, Evidence(code=_reason(error)))
    return None


def _reason(error: ssl.SSLError) -> str | None:
    """OpenSSL's name of the error; errors that OpenSSL did not raise have none."""
    return getattr(error, "reason", None)


def _resolver_code(error: socket.gaierror) -> str:
    names = (name for name in dir(socket) if name.startswith(f"{_RESOLVER}_") and getattr(socket, name) == error.errno)
    return next(names, _RESOLVER)


def _code(chain: tuple[BaseException, ...]) -> str:
    """The system's name of the innermost error (``ECONNREFUSED``), or the class name of the outermost."""
    for link in reversed(chain):
        name = errno.errorcode.get(link.errno or 0) if isinstance(link, OSError) else None
        if name is not None:
            return name
    return type(chain[0]).__name__


def about_chosen_host(diagnosis: Diagnosis, missing: AnyKind) -> Diagnosis:
    """The same; where a host that the publisher's settings name does not exist, ``missing``: that setting is wrong."""
    return diagnosis if diagnosis.kind is not Kind.ADDRESS_NOT_FOUND else diagnose(missing, diagnosis.evidence)


def about_fixed_host(diagnosis: Diagnosis, host: str) -> Diagnosis:
    """The same; where ``host`` was not found, ``hostNotResolved``: no setting of the publisher's names it.

    It exists, so whatever the resolver says is trouble of this installation.
    """
    if not (diagnosis.evidence.code or "").startswith(_RESOLVER):
        return diagnosis
    text = lazy_gettext("No address could be found for %(host)s.", host=host)
    return diagnose(Kind.HOST_NOT_RESOLVED, replace(diagnosis.evidence, text=text))


def not_sent() -> Diagnosis:
    """Our own database could not be asked before anything was sent: the lead waits a little, and nothing counts."""
    evidence = Evidence(text=lazy_gettext("Nothing was sent: our own database could not be asked before."))
    return diagnose(Kind.CONNECTION_FAILED, evidence, outcome=Outcome.OURS)
