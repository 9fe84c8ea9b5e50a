"""Scenarios of the simulator: read from JSON (schema.json), checked as a whole, turned into what is played."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quality.service_level import FORMULAS, Policy
from quality.simulation.faults import BadScenario, of_form
from quality.simulation.parts import Document, closes, edges, policy, seconds, shift
from quality.simulation.sense import of_sense
from routing.simulation.center import ANYONE, Center, Operator, Overflow, Queue
from routing.simulation.chance import AT_ONCE, NEVER, Chance, Empirical, Exponential, Fixed, Lognormal
from routing.simulation.demand import Arrival, Stream
from routing.strategies import Needs, Rules, Steps

BASE = "base"
POLICIES = tuple(Policy(formula, within_s=20, short_s=5) for formula in FORMULAS)


@dataclass(frozen=True)
class Scenario:
    """A center, who comes to it, and the names of its skills."""

    center: Center
    streams: tuple[Stream, ...]
    skills: tuple[str, ...]


@dataclass(frozen=True)
class Study:
    """Scenarios to compare, by the name of their rules, `base` first; the service levels to tell."""

    title: str
    scenarios: Mapping[str, Scenario]
    policies: tuple[Policy, ...]


def read(path: Path) -> Study:
    """Read a file. Raises BadScenario with all that is wrong, each with its place."""
    try:
        return parse(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise BadScenario([f"{path} cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise BadScenario([f"{path} is not UTF-8: save it as UTF-8"]) from None


def parse(text: str) -> Study:
    """Return the study that a text describes. Raises BadScenario with all that is wrong, each with its place."""
    try:
        document = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except RecursionError:
        raise BadScenario(["it is nested too deeply: write a scenario"]) from None
    except json.JSONDecodeError as error:
        raise BadScenario([f"line {error.lineno}, column {error.colno}: not JSON: {error.msg}"]) from None
    return understand(document)


def _once(pairs: list[tuple[str, Any]]) -> Document:
    for place, (name, _value) in enumerate(pairs):
        if any(name == other for other, _other in pairs[:place]):
            raise BadScenario([f"“{name}” stands twice in one object: give the second another name"])
    return dict(pairs)


def _no_number(text: str) -> None:
    raise BadScenario([f"{text} is not a number of JSON: write a number"])


def understand(document: Any) -> Study:
    """Return the study that a document describes. Raises BadScenario."""
    if faults := of_form(document):
        raise BadScenario(faults)
    base = {name: value for name, value in document.items() if name != "rules"}
    patched = {BASE: base, **{name: merged(base, patch) for name, patch in document.get("rules", {}).items()}}
    for name, one in patched.items():
        faults = of_form(one) or list(of_sense(one))
        if faults:
            raise BadScenario(faults if name == BASE else [f"rules › {name}: {line}" for line in faults])
    levels = tuple(policy(one) for one in document.get("levels", ())) or POLICIES
    return Study(document.get("title", ""), {name: _scenario(one) for name, one in patched.items()}, levels)


def merged(target: Any, patch: Any) -> Any:
    """Return a document with a merge patch applied (RFC 7396): null takes out, objects are merged, all else replaces."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def _scenario(document: Document) -> Scenario:
    skills = tuple(sorted({skill for one in document["operators"].values() for skill in one.get("skills", ())}))
    numbers = {name: number for number, name in enumerate(document["queues"])}
    queues = [
        Queue(
            name=name,
            rules=Rules(**{part: one[part] for part in ("choice", "priority_weight", "wait_weight") if part in one}),
            full_at=one.get("full_at"),
            overflow=tuple(
                Overflow(rule["when"], rule["then"], rule.get("limit"), numbers[rule["to"]] if "to" in rule else None)
                for rule in one.get("overflow", ())
            ),
        )
        for name, one in document["queues"].items()
    ]
    operators = [
        Operator(
            name=name if one.get("count", 1) == 1 else f"{name} {number + 1}",
            queues=frozenset(numbers[queue] for queue in one["queues"]),
            limits=one["limits"],
            shifts=tuple(shift(part) for part in one["shifts"]),
            skills={skills.index(skill): level for skill, level in one.get("skills", {}).items()},
        )
        for name, one in document["operators"].items()
        for number in range(one.get("count", 1))
    ]
    streams = tuple(_stream(name, one, document["queues"], skills) for name, one in document["streams"].items())
    return Scenario(Center(queues, operators, closes(document)), streams, skills)


def _stream(name: str, one: Document, queues: Mapping[str, Document], skills: tuple[str, ...]) -> Stream:
    arrivals = one.get("arrivals")
    return Stream(
        name=name,
        queue=list(queues).index(one["queue"]),
        kind=one["kind"],
        service=_chance(one["service"]),
        patience=_chance(one["patience"]) if "patience" in one else NEVER,
        wrapup=_chance(one["wrapup"]) if "wrapup" in one else AT_ONCE,
        priority=one.get("priority", 0),
        credit_s=one.get("credit_s", 0),
        steps=_steps(one, skills) or _steps(queues[one["queue"]], skills) or ANYONE,
        edges=edges(arrivals) if arrivals else (),
        expected=arrivals["expected"] if arrivals else (),
        log=[_arrival(row, skills) for row in one.get("log", ())],
    )


def _arrival(row: Document, skills: tuple[str, ...]) -> Arrival:
    said = {part: row.get(part) for part in ("priority", "credit_s", "patience_s", "service_s")}
    return Arrival(at=seconds(row["at"]), steps=_steps(row, skills), **said)


def _steps(one: Document, skills: tuple[str, ...]) -> Steps | None:
    steps = one.get("steps") or ([{"after_s": 0, "needs": one["needs"]}] if "needs" in one else [])
    if not steps:
        return None
    return Steps(tuple(step["after_s"] for step in steps), tuple(_needs(step["needs"], skills) for step in steps))


def _needs(needs: Mapping[str, int], skills: tuple[str, ...]) -> Needs:
    return tuple(sorted((skills.index(skill), level) for skill, level in needs.items()))


def _chance(one: Document) -> Chance:
    [(name, values)] = one.items()
    if name == "fixed":
        return Fixed(values["value_s"])
    if name == "exponential":
        return Exponential(values["mean_s"])
    if name == "lognormal":
        return Lognormal(values["mean_s"], values["sd_s"])
    return Empirical(
        [math.inf if value is None else value for value in values["values_s"]],
        values.get("weights"),
    )
