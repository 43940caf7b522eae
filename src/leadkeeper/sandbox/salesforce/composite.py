"""Up to 25 requests in one (``/composite``), later ones with what earlier ones answered: ``@{referenceId.field}``.

With ``allOrNone`` one that fails takes all back. A request that refers to one that failed is not made.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Final

from leadkeeper.sandbox.salesforce.errors import Refused, body_of, error
from leadkeeper.sandbox.salesforce.org import Flaw, Org
from leadkeeper.sandbox.stand_in import Answer, Request

SUBREQUESTS: Final = 25
_REFERENCE: Final = re.compile(r"@\{([A-Za-z]\w*)((?:\.\w+|\[\d+\])+)\}")
_STEP: Final = re.compile(r"\.(\w+)|\[(\d+)\]")
_ROLLED_BACK: Final = Flaw(
    "PROCESSING_HALTED",
    "The transaction was rolled back since another operation in the same transaction failed.",
)
Inner = Callable[[Request], Awaitable[Answer]]
Results = dict[str, tuple[int, object]]
"""Status and body of what was done so far, by reference id."""


class _NoReference(Exception):
    """What is referred to is not there."""


async def composite(org: Org, request: Request, inner: Inner) -> Answer:
    """Make each request with ``inner``, in order."""
    body = body_of(request)
    steps = body.get("compositeRequest")
    if not isinstance(steps, list) or not steps or not all(isinstance(each, dict) for each in steps):
        raise Refused(400, Flaw("JSON_PARSER_ERROR", "compositeRequest: a list of objects is expected"))
    if len(steps) > SUBREQUESTS:
        raise Refused(400, Flaw("LIMIT_EXCEEDED", f"no more than {SUBREQUESTS} subrequests are taken"))
    names = [each.get("referenceId") for each in steps]
    if not all(isinstance(name, str) and name for name in names) or len(set(map(str, names))) < len(names):
        raise Refused(400, Flaw("INVALID_INPUT", "each subrequest needs a referenceId of its own"))
    undo = org.checkpoint() if body.get("allOrNone") is True else None
    done: Results = {}
    headers: dict[str, Mapping[str, str]] = {}
    for step, name in zip(steps, map(str, names), strict=True):
        status, message, headers[name] = await _made(request, step, done, inner)
        done[name] = (status, message)
    if undo and any(status >= 400 for status, _ in done.values()):
        undo()
        for name, (status, _) in done.items():
            if status < 400:
                done[name] = (400, [error(_ROLLED_BACK, "errorCode")])
    return Answer.json(200, {"compositeResponse": [_shown(name, done[name], headers[name]) for name in done]})


def _shown(name: str, result: tuple[int, object], headers: Mapping[str, str]) -> dict[str, object]:
    status, message = result
    return {"body": message, "httpHeaders": dict(headers), "httpStatusCode": status, "referenceId": name}


async def _made(
    request: Request, step: Mapping[str, object], done: Results, inner: Inner
) -> tuple[int, object, Mapping[str, str]]:
    try:
        made = _request(request, step, done)
        answer = await inner(made)
    except _NoReference as missing:
        return 400, [error(Flaw("PROCESSING_HALTED", str(missing)), "errorCode")], {}
    except Refused as refused:
        answer = refused.answer()
    message = json.loads(answer.body) if answer.body else None
    return answer.status, message, {name: value for name, value in answer.headers.items() if name == "Location"}


def _request(request: Request, step: Mapping[str, object], done: Results) -> Request:
    method, url = step.get("method"), step.get("url")
    if not isinstance(method, str) or not isinstance(url, str) or not url.startswith("/services/data/v"):
        raise Refused(400, Flaw("INVALID_INPUT", "a subrequest needs a method and a url below /services/data/"))
    if "/composite" in url.partition("?")[0]:
        raise Refused(400, Flaw("INVALID_INPUT", "this sandbox takes no composite resource as a subrequest"))
    own = step.get("httpHeaders")
    more = {str(name).lower(): str(value) for name, value in own.items()} if isinstance(own, dict) else {}
    body = json.dumps(_filled(step.get("body"), done)).encode() if step.get("body") is not None else b""
    headers = dict(request.headers) | {"content-type": "application/json"} | more
    return replace(request, method=method.upper(), target=str(_filled(url, done)), headers=headers, body=body)


def _filled(value: object, done: Results) -> object:
    """``value`` with every reference replaced by what it means."""
    if isinstance(value, dict):
        return {name: _filled(each, done) for name, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, done) for each in value]
    if not isinstance(value, str):
        return value
    whole = _REFERENCE.fullmatch(value)
    if whole:
        return _meant(whole, done)
    return _REFERENCE.sub(lambda found: str(_meant(found, done)), value)


def _meant(found: re.Match[str], done: Results) -> object:
    name = found[1]
    missing = _NoReference(f"Invalid reference specified. No value for {name}{found[2]} found in {name}")
    status, value = done.get(name, (404, None))
    if status >= 400:
        raise missing
    for key, place in _STEP.findall(found[2]):
        if key and isinstance(value, dict) and key in value:
            value = value[key]
        elif place and isinstance(value, list) and int(place) < len(value):
            value = value[int(place)]
        else:
            raise missing
    return value
