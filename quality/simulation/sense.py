"""What the schema cannot see in a scenario: whether its parts go together."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

from quality.simulation.faults import fault, unknown
from quality.simulation.parts import Document, clock, closes, edges, policy, seconds, shift
from routing.doors import LENGTH, QUEUE, WAITED

# Conditions of overflow that count something.
COUNTED = {WAITED, LENGTH}


def of_sense(document: Document) -> Iterator[str]:
    """Yield what is wrong with a document whose form is right: names that lead nowhere, times out of order, circles."""
    operators = document["operators"]
    yield from _of_levels(document.get("levels", ()))
    yield from _of_queues(document["queues"])
    yield from _of_operators(operators, document["queues"])
    skills = {skill for one in operators.values() for skill in one.get("skills", ())}
    for place, needs in _all_needs(document):
        yield from (
            fault(place, unknown(skill, skills, "skill of an operator")) for skill in needs if skill not in skills
        )
    until = closes(document)
    if not until:
        yield fault(["operators"], "nobody has a shift, so the center never opens: write shifts, or “closes”")
        return
    kinds = {kind for one in operators.values() for kind in one["limits"]}
    for name, one in document["streams"].items():
        yield from _of_stream(["streams", name], one, document["queues"], kinds, until)


def _of_levels(levels: Iterable[Document]) -> Iterator[str]:
    for number, one in enumerate(levels):
        try:
            policy(one)
        except ValueError as error:
            yield fault(["levels", number], str(error))


def _of_operators(operators: Mapping[str, Document], queues: Mapping[str, Document]) -> Iterator[str]:
    for name, one in operators.items():
        for number, queue in enumerate(one["queues"]):
            if queue not in queues:
                yield fault(["operators", name, "queues", number], unknown(queue, queues, "queue"))
        yield from _of_shifts(["operators", name, "shifts"], one["shifts"])


def _of_queues(queues: Mapping[str, Document]) -> Iterator[str]:
    for name, one in queues.items():
        yield from _of_steps(["queues", name], one)
        for number, rule in enumerate(one.get("overflow", ())):
            yield from _of_overflow(["queues", name, "overflow", number], name, rule, queues)


def _of_overflow(place: list[str | int], name: str, rule: Document, queues: Mapping[str, Document]) -> Iterator[str]:
    if (rule["when"] in COUNTED) != ("limit" in rule):
        counted = f"“{rule['when']}” needs a number: write “limit”"
        yield fault(place, counted if rule["when"] in COUNTED else f"“{rule['when']}” needs no “limit”: take it out")
    if (rule["then"] == QUEUE) != ("to" in rule):
        led = "to which queue? Write “to”"
        yield fault(place, led if rule["then"] == QUEUE else "only “queue” needs “to”: take it out")
    elif "to" in rule:
        if rule["to"] not in queues:
            yield fault([*place, "to"], unknown(rule["to"], queues, "queue"))
        elif circle := _circle(name, rule["to"], queues):
            yield fault([*place, "to"], f"contacts would go in a circle ({' → '.join(circle)}): end it")


def _circle(name: str, target: str, queues: Mapping[str, Document]) -> list[str]:
    """Return the shortest way from a queue over its target back to it, by whatever rules; nothing if there is none."""
    ways, ahead = {target: [name, target]}, [target]
    for here in ahead:
        if here == name:
            return ways[here]
        for rule in queues[here].get("overflow", ()) if here in queues else ():
            if "to" in rule and rule["to"] not in ways:
                ways[rule["to"]] = [*ways[here], rule["to"]]
                ahead.append(rule["to"])
    return []


def _of_steps(place: list[str | int], one: Document) -> Iterator[str]:
    times = [step["after_s"] for step in one.get("steps", ())]
    if times and times[0] != 0:
        yield fault([*place, "steps", 0, "after_s"], "the first step begins at 0")
    for number, (earlier, later) in enumerate(pairwise(times)):
        if later <= earlier:
            yield fault([*place, "steps", number + 1, "after_s"], "a step begins later than the one before it")


def _of_shifts(place: list[str | int], shifts: list[Document]) -> Iterator[str]:
    for number, one in enumerate(shifts):
        try:
            begins = shift(one).begins
        except ValueError as error:
            yield fault([*place, number], str(error))
            continue
        if number and begins < seconds(shifts[number - 1]["ends"]):
            yield fault([*place, number], "a shift begins after the one before it has ended")


def _all_needs(document: Document) -> Iterator[tuple[list[str | int], Mapping[str, int]]]:
    for part in ("queues", "streams"):
        for name, one in document[part].items():
            for number, step in enumerate(one.get("steps", ())):
                yield [part, name, "steps", number, "needs"], step["needs"]
            yield [part, name, "needs"], one.get("needs", {})
            for number, row in enumerate(one.get("log", ())):
                yield [part, name, "log", number, "needs"], row.get("needs", {})


def _of_stream(
    place: list[str | int], one: Document, queues: Mapping[str, Document], kinds: set[str], until: float
) -> Iterator[str]:
    if one["queue"] not in queues:
        yield fault([*place, "queue"], unknown(one["queue"], queues, "queue"))
    if one["kind"] not in kinds:
        yield fault([*place, "kind"], unknown(one["kind"], kinds, "limit of an operator for"))
    if ("arrivals" in one) == ("log" in one):
        yield fault(place, "write either “arrivals” or “log”")
    if "needs" in one and "steps" in one:
        yield fault(place, "write either “needs” or “steps”")
    yield from _of_steps(place, one)
    for part in ("service", "wrapup", "patience"):
        yield from _of_chance([*place, part], one.get(part, {}))
    if "arrivals" in one:
        ends = edges(one["arrivals"])[-1]
        if ends > until:
            words = (
                f"they end at {clock(ends)}, but the center closes at {clock(until)}: shorten them, or “closes” later"
            )
            yield fault([*place, "arrivals"], words)
    for number, row in enumerate(one.get("log", ())):
        if seconds(row["at"]) >= until:
            yield fault([*place, "log", number, "at"], f"it comes when the center has closed ({clock(until)})")


def _of_chance(place: list[str | int], one: Document) -> Iterator[str]:
    seen = one.get("empirical", {})
    if "weights" in seen and len(seen["weights"]) != len(seen["values_s"]):
        yield fault([*place, "empirical", "weights"], "write one weight for each value")
    if place[-1] != "patience" and None in seen.get("values_s", ()):
        yield fault([*place, "empirical", "values_s"], "null is for patience: work ends")
