"""Who comes: contacts of streams, drawn by a seed or read from a log.

Each contact has a lot of its own, made of the seed, its stream and its number in it: so it has the same patience and the
same service whatever the rules, and two sets of rules are compared on the same people.
"""

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from random import Random

from routing.simulation.center import ANYONE, Contact
from routing.simulation.chance import AT_ONCE, NEVER, Chance
from routing.strategies import Steps


@dataclass(frozen=True, slots=True)
class Arrival:
    """A contact of a log. What is None is the stream's, or drawn as the stream says."""

    at: float
    priority: float | None = None
    steps: Steps | None = None
    credit_s: float | None = None
    patience_s: float | None = None
    service_s: float | None = None


@dataclass(frozen=True, slots=True)
class Stream:
    """Contacts of one sort.

    Those of a log come when they came. Others come at random (Poisson): `expected[n]` of them from `edges[n]` to
    `edges[n + 1]`, in the mean.
    """

    name: str
    queue: int
    kind: str
    service: Chance
    patience: Chance = NEVER
    wrapup: Chance = AT_ONCE
    priority: float = 0
    credit_s: float = 0
    steps: Steps = ANYONE
    edges: Sequence[float] = ()
    expected: Sequence[float] = ()
    log: Sequence[Arrival] = ()


def draw(streams: Sequence[Stream], *, seed: int, until: float = math.inf) -> list[Contact]:
    """Return the contacts of a day before `until`, in the order of arrival; the same for the same seed."""
    contacts = [
        _contact(stream, arrival, Random(f"{seed}/{stream.name}/{number}"))  # noqa: S311 — to be drawn again
        for stream in streams
        for number, arrival in enumerate(_arrivals(stream, seed))
        if arrival.at < until
    ]
    return sorted(contacts, key=lambda contact: contact.at)


def _contact(stream: Stream, arrival: Arrival, lot: Random) -> Contact:
    service_s, patience_s = stream.service.quantile(lot.random()), stream.patience.quantile(lot.random())
    return Contact(
        at=arrival.at,
        queue=stream.queue,
        kind=stream.kind,
        service_s=service_s if arrival.service_s is None else arrival.service_s,
        wrapup_s=stream.wrapup.quantile(lot.random()),
        patience_s=patience_s if arrival.patience_s is None else arrival.patience_s,
        priority=stream.priority if arrival.priority is None else arrival.priority,
        steps=stream.steps if arrival.steps is None else arrival.steps,
        credit_s=stream.credit_s if arrival.credit_s is None else arrival.credit_s,
    )


def _arrivals(stream: Stream, seed: int) -> Iterator[Arrival]:
    yield from stream.log
    for at in _poisson(stream.edges, stream.expected, Random(f"{seed}/{stream.name}")):  # noqa: S311 — to be drawn again
        yield Arrival(at)


def _poisson(edges: Sequence[float], expected: Sequence[float], lot: Random) -> Iterator[float]:
    """Yield moments of a process with these means: one of rate 1, stretched to the sums of what is expected."""
    sums = list(accumulate(expected, initial=0.0))
    reached = lot.expovariate(1)
    while reached < sums[-1]:
        place = bisect_right(sums, reached) - 1
        yield edges[place] + (reached - sums[place]) / expected[place] * (edges[place + 1] - edges[place])
        reached += lot.expovariate(1)
