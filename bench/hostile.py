"""What one hostile publisher, with strangers beside it, does to another publisher: leads, pages, publishing, memory."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bench.attacks import RELAY_HOST, bomb, trap
from bench.children import Child, ChildFailed
from bench.figures import Column, Row, Say, Section, Target, percentile
from bench.installation import Installation, https, installation
from bench.payload import PUBLISHER
from bench.place import Kind, Place
from bench.plan import Plan
from bench.visitor import Api, Visitor
from bench.wire import stream

RATE: Final = 50
"""Leads a second of the other publisher."""
HOSTILE: Final = "mallory"
RATIO: Final = Target("of calm", "≤", 3)
MADE: Final = Target("of the pace", "≥", 0.9)
"""How many attacks of each kind must be made at least, of those that were due: fewer would prove less."""
HEALED: Final = Target("healed, seconds", "≤", 10)
_CONNECTIONS: Final = 600
_OFFERS: Final = 60
_HELD_EACH: Final = 8
_HEAL_SECONDS: Final = 60.0
_COLUMNS: Final = (
    Column("database", "Database"),
    Column("what", "What"),
    Column("calm_p50", "Calm p50 ms", 1),
    Column("calm_p99", "Calm p99 ms", 1),
    Column("p50", "Attacked p50 ms", 1),
    Column("p99", "Attacked p99 ms", 1),
    Column("ratio", "p99 of calm", 2),
    Column("verdict", "Target"),
)
_PAGES: Final = ("/portal", "/portal/leads", "/store", "/healthz")


@dataclass(slots=True)
class Times:
    """Milliseconds, ascending, of one stretch of time."""

    leads: list[float]
    pages: list[float]
    publishing: list[float]
    failures: list[str]


def measure(place: Place, plan: Plan, say: Say) -> Section:
    """The same publisher on a calm day, then while another and strangers do their worst, then right after."""
    seconds = f"{plan.hostile_seconds:g} s"
    section = Section(f"A publisher beside a hostile one and strangers, {RATE} leads a second, {seconds}", _COLUMNS)
    attackers = place.start("bench.attacks", str(place.folder))
    relay_port = int(attackers.summary()["port"])
    for kind in plan.databases:
        _measure(place, plan, kind, attackers, relay_port, section, say)
    attackers.stop()
    return section


def _measure(
    place: Place, plan: Plan, kind: Kind, attackers: Child, relay_port: int, section: Section, say: Say
) -> None:
    with installation(place, kind, crm=https()) as made:
        made.settings = made.settings.model_copy(update={"hosts": f"{place.hosts},{RELAY_HOST}=127.0.0.1:{relay_port}"})
        children = [made.start(word) for word in (("serve",) if kind == "sqlite" else ("api", "worker"))]
        operator = Api(made.port, made.make_key("operator"))
        own = made.make_key(f"publisher:{PUBLISHER}")
        offers = _publishable(operator)
        say(f"hostile: {kind}, calm, {plan.calm_seconds:g} s")
        _times(place, made, own, offers, 2.0)
        calm = _times(place, made, own, offers, plan.calm_seconds)
        before = sum(child.usage().peak_bytes for child in children)
        say(f"hostile: {kind}, the hostile publisher prepares")
        order = _prepared(made, operator)
        attackers.ask({"order": "begin", "port": made.port, "publisher": HOSTILE, **order})
        say(f"hostile: {kind}, attacked, {plan.hostile_seconds:g} s")
        attacked = _times(place, made, own, offers, plan.hostile_seconds)
        done = attackers.ask({"order": "end"})
        healed = _healed(place, made, calm)
        peak = sum(child.usage().peak_bytes for child in children)
        made.stop()
    section.rows += [
        _row(kind, "leads", calm.leads, attacked.leads, int(RATE * plan.hostile_seconds)),
        _row(kind, "pages", calm.pages, attacked.pages),
        _row(kind, "publishing", calm.publishing, attacked.publishing),
        {"database": kind, "what": "healed after, s", "p50": healed, "verdict": HEALED.verdict(healed)},
        _fewest(kind, done["made"]),
        {"database": kind, "what": "peak memory, MiB", "calm_p50": before / 2**20, "p50": peak / 2**20},
    ]
    section.notes += [f"{kind}, did not work for the publisher: {each}" for each in _counted(attacked.failures)]
    answers = ", ".join(f"{name} × {count}" for name, count in done["answers"].items())
    section.notes.append(f"{kind}, how the attacks were answered: {answers}; relayed {done['relayed']}.")


def _publishable(operator: Api) -> list[str]:
    """Offers of the publisher that can be published over and over, each with a connection."""
    offers = [f"/v1/publishers/{PUBLISHER}/offers/pub-{number}" for number in range(3)]
    body = {
        "title": "Planner",
        "offerType": "saas",
        "live": False,
        "summary": "Plans.",
        "description": "A planner.",
        "callsToAction": ["contactMe"],
    }
    for offer in offers:
        operator.ask("PUT", offer, body)
        operator.ask("PUT", f"{offer}/connections/primary", https())
    return offers


def _times(place: Place, made: Installation, key: str, offers: Sequence[str], seconds: float) -> Times:
    """Leads, pages and publishing of the publisher for so long."""
    with Visitor(made.port, key, _PAGES, offers) as visitor:
        leads = stream(place, made.port, made.token, RATE, seconds, ["crm"], wait_for=int(RATE * seconds))
    return Times(leads, sorted(visitor.pages_took), sorted(visitor.publishing_took), visitor.failures)


def _prepared(made: Installation, operator: Api) -> dict[str, Any]:
    """What the hostile publisher has before it begins, as far as it is let: its key, offers and hooks."""
    operator.ask("PUT", f"/v1/publishers/{HOSTILE}", {"displayName": "Mallory"})
    key = made.make_key(f"publisher:{HOSTILE}")
    api = Api(made.port, key)
    offers, hooks, connections = [], [], 0
    for number in range(_OFFERS):
        offer, path = f"trap-{number}", f"/v1/publishers/{HOSTILE}/offers/trap-{number}"
        body = {"title": "Trap", "offerType": "saas", "live": True, "summary": "T", "description": "T"}
        if api.call("PUT", path, body | {"callsToAction": ["contactMe"]})[0] not in (200, 201):
            break
        offers.append(offer)
        for line in range(_CONNECTIONS // _OFFERS):
            connections += api.call("PUT", f"{path}/connections/trap-{line}", trap(connections))[0] in (200, 201)
        api.call("PUT", f"{path}/connections/loop", _loop())
        api.call("PUT", f"{path}/connections/bomb", bomb())
        status, hook = api.call("POST", f"{path}/hooks")
        if status == 201:
            hooks.append("/hooks/" + hook["token"])
    if not hooks or not connections:
        raise ChildFailed("the hostile publisher could not prepare anything")
    for number in range(_HELD_EACH * len(hooks)):
        lead = {"UserDetails": {"Email": f"held{number}@mallory.example"}, "LeadSource": "AzureMarketplace"}
        Api(made.port, "-").call("POST", hooks[number % len(hooks)], lead)
    return {"key": key, "offers": offers, "hooks": hooks}


def _loop() -> dict[str, Any]:
    settings = {"httpsEndpointUrl": f"https://{RELAY_HOST}/"}
    return {"leadDestination": "httpsEndpoint", "httpsEndpointLeadConfiguration": settings}


def _healed(place: Place, made: Installation, calm: Times) -> float | None:
    """After how many seconds leads arrive as on a calm day (p99 of a second's leads within the target), if ever."""
    begun = time.monotonic()
    while time.monotonic() - begun < _HEAL_SECONDS:
        at = time.monotonic() - begun
        leads = stream(place, made.port, made.token, RATE, 1.0, ["crm"], wait_for=RATE)
        if len(leads) == RATE and percentile(leads, 99) <= RATIO.limit * percentile(calm.leads, 99):
            return at
    return None


def _fewest(kind: Kind, made: Mapping[str, float]) -> Row:
    """The kind of attack of which the fewest were made, of those that were due."""
    name = min(made, key=lambda each: made[each])
    return {"database": kind, "what": f"attacks made: {name}", "ratio": made[name], "verdict": MADE.verdict(made[name])}


def _row(kind: Kind, what: str, calm: list[float], attacked: list[float], due: int = 0) -> Row:
    if not calm or not attacked:
        return {"database": kind, "what": what, "verdict": "MISS (nothing was done)"}
    ratio = percentile(attacked, 99) / percentile(calm, 99)
    lost = f"; {due - len(attacked)} of {due} did not arrive" if len(attacked) < due else ""
    return {
        "database": kind,
        "what": f"{what} ({len(attacked)})",
        "calm_p50": percentile(calm, 50),
        "calm_p99": percentile(calm, 99),
        "p50": percentile(attacked, 50),
        "p99": percentile(attacked, 99),
        "ratio": ratio,
        "verdict": f"{RATIO.verdict(ratio)}{lost}",
    }


def _counted(failures: Sequence[str]) -> list[str]:
    return [f"{failure} × {failures.count(failure)}" for failure in dict.fromkeys(failures)][:10]
