"""The control API of the sandbox: JSON under ``/__sandbox__/``, and the page at ``/``, on this machine's names only.

========================================= ==============================================================
``GET /__sandbox__/states``               each stand-in's state and the states it can be in
``PUT /__sandbox__/states/{stand-in}``    ``{"state": "..."}``: choose one
``GET|POST|DELETE /__sandbox__/faults``   list them; plan one (:func:`.mishaps.from_json`); let all be
``DELETE /__sandbox__/faults/{id}``       let one be
``POST /__sandbox__/clock``               ``{"advance": seconds}``: let time pass for all stand-ins
``POST /__sandbox__/by-hand/{stand-in}``  what a person does in the service's own pages, where the stand-in knows it
``POST /__sandbox__/reset``               everything behaves again, nothing was received
``GET /__sandbox__/received[?stand-in=]`` what each stand-in took
========================================= ==============================================================

Refusals are ``{"error": "..."}``. What changes something wants ``Content-Type: application/json`` where it has a body
and no ``Origin`` header, so that no web page elsewhere can do it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from leadkeeper.sandbox import mishaps
from leadkeeper.sandbox.mishaps import MishapInvalid, Plan
from leadkeeper.sandbox.page import page
from leadkeeper.sandbox.stand_in import Answer, Clock, HasPeople, Request, StandIn

CONTROL_HOSTS: Final = ("localhost", "127.0.0.1", "::1")
PREFIX: Final = "/__sandbox__/"


class ControlRefused(Exception):
    """The call cannot be done; the text says why."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Control:
    """Answers the calls. ``reset`` is what a reset does."""

    def __init__(self, stand_ins: Mapping[str, StandIn], plan: Plan, clock: Clock, reset: Callable[[], None]) -> None:
        self._stand_ins = stand_ins
        self._plan = plan
        self._clock = clock
        self._reset = reset

    def handle(self, request: Request) -> Answer:
        """Do what is asked for."""
        try:
            return self._answer(request)
        except ControlRefused as error:
            return Answer.json(error.status, {"error": str(error)})

    def _answer(self, request: Request) -> Answer:
        reads = request.method in {"GET", "HEAD"}
        if request.path == "/" and reads:
            return page(list(self._stand_ins.values()), self._plan)
        room, _, name = request.path.removeprefix(PREFIX).partition("/")
        calls = self._reading if reads else self._changing
        call = calls.get((room if reads else f"{request.method} {room}", bool(name)))
        if not request.path.startswith(PREFIX) or call is None:
            raise ControlRefused(404, "there is no such call")
        if not reads and "origin" in request.headers:
            raise ControlRefused(403, "not from a web page")
        return call(self, request, name)

    def _states(self, request: Request, name: str) -> Answer:
        there = {each.name: {"state": each.state, "states": dict(each.states)} for each in self._stand_ins.values()}
        return Answer.json(200, there)

    def _choose(self, request: Request, name: str) -> Answer:
        there = self._named(name)
        state = _body(request).get("state")
        if not isinstance(state, str) or state not in there.states:
            raise ControlRefused(400, f"state is one of {', '.join(there.states)}")
        there.choose(state)
        return Answer.json(200, {"state": state})

    def _faults(self, request: Request, name: str) -> Answer:
        planned = [
            {
                "id": number,
                "kind": each.label,
                "match": {"host": each.match.host, "method": each.match.method, "path": each.match.path},
                "after_n": each.after_n,
                "times": each.times,
            }
            for number, each in self._plan
        ]
        return Answer.json(200, {"faults": planned})

    def _plan_fault(self, request: Request, name: str) -> Answer:
        try:
            return Answer.json(201, {"id": self._plan.add(mishaps.from_json(_body(request)))})
        except MishapInvalid as error:
            raise ControlRefused(400, str(error)) from None

    def _clear_faults(self, request: Request, name: str) -> Answer:
        self._plan.clear()
        return Answer(204)

    def _remove_fault(self, request: Request, name: str) -> Answer:
        if not name.isdecimal() or not self._plan.remove(int(name)):
            raise ControlRefused(404, "there is no such fault")
        return Answer(204)

    def _advance(self, request: Request, name: str) -> Answer:
        seconds = _body(request).get("advance")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            raise ControlRefused(400, "advance is a number of seconds")
        self._clock.advance(seconds)
        return Answer.json(200, {"now": self._clock.moment().isoformat()})

    def _by_hand(self, request: Request, name: str) -> Answer:
        there = self._named(name)
        if not isinstance(there, HasPeople):
            raise ControlRefused(404, f"nothing is done by hand in {name}")
        try:
            return Answer.json(200, there.by_hand(_body(request)))
        except ValueError as error:
            raise ControlRefused(400, str(error)) from None

    def _reset_all(self, request: Request, name: str) -> Answer:
        self._reset()
        return Answer(204)

    def _received(self, request: Request, name: str) -> Answer:
        wanted = request.query.get("stand-in")
        chosen = self._stand_ins.values() if wanted is None else [self._named(wanted)]
        return Answer.json(200, {each.name: list(each.received()) for each in chosen})

    def _named(self, name: str) -> StandIn:
        if name not in self._stand_ins:
            raise ControlRefused(404, f"the stand-ins are {', '.join(self._stand_ins)}")
        return self._stand_ins[name]

    _Calls = Mapping[tuple[str, bool], Callable[["Control", Request, str], Answer]]
    # By what is called and whether a name follows it.
    _reading: Final[_Calls] = {("states", False): _states, ("faults", False): _faults, ("received", False): _received}
    _changing: Final[_Calls] = {
        ("PUT states", True): _choose,
        ("POST faults", False): _plan_fault,
        ("DELETE faults", False): _clear_faults,
        ("DELETE faults", True): _remove_fault,
        ("POST clock", False): _advance,
        ("POST by-hand", True): _by_hand,
        ("POST reset", False): _reset_all,
    }


def _body(request: Request) -> Mapping[str, object]:
    if request.content_type != "application/json":
        raise ControlRefused(415, "the body must be application/json")
    try:
        found = request.json()
    except ValueError:
        raise ControlRefused(400, "the body is not JSON") from None
    if not isinstance(found, dict):
        raise ControlRefused(400, "the body is not a JSON object")
    return found
