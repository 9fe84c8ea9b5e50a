"""Formulas of waiting lines: Erlang B, C and A, the staff for a target. No Django here.

`load` is offered traffic in Erlang (arrivals per second × handling time in seconds); times are seconds.
"""

import math
from dataclasses import dataclass
from itertools import count


def blocking(load: float, servers: int) -> float:
    """Return Erlang B: the share of arrivals that find all servers taken, where nobody waits."""
    share = 1.0
    for number in range(1, servers + 1):
        share = load * share / (number + load * share)
    return share


def waiting(load: float, servers: int) -> float:
    """Return Erlang C: the share of arrivals that wait, where everybody does; 1 if the line grows without end."""
    if load >= servers:
        return 1.0
    lost = blocking(load, servers)
    return lost / (1 - load / servers * (1 - lost))


def service_level(load: float, servers: int, *, handling_s: float, within_s: float) -> float:
    """Return the share answered within so many seconds, by Erlang C."""
    if load >= servers:
        return 0.0
    return 1 - waiting(load, servers) * math.exp(-(servers - load) * within_s / handling_s)


def speed_of_answer(load: float, servers: int, *, handling_s: float) -> float:
    """Return the mean wait of all in seconds (ASA), by Erlang C; infinite if the line grows without end."""
    return math.inf if load >= servers else waiting(load, servers) * handling_s / (servers - load)


def staff(load: float, *, handling_s: float, within_s: float, target: float) -> int:
    """Return the smallest number of servers that reaches the target share, below 1, by Erlang C."""
    if not 0 <= target < 1:
        raise ValueError("the target is a share below 1")
    return next(
        servers
        for servers in count(math.floor(load) + 1)
        if service_level(load, servers, handling_s=handling_s, within_s=within_s) >= target
    )


@dataclass(frozen=True, slots=True)
class Patient:
    """What Erlang A tells: the share that waits, the share that abandons, the mean wait of all in seconds."""

    waiting: float
    abandonment: float
    wait_s: float


def with_patience(load: float, servers: int, *, handling_s: float, patience_s: float) -> Patient:
    """Return Erlang A: waits end by themselves after an exponential time with the mean `patience_s`."""
    busy = load / servers
    grown = _grown(servers * patience_s / handling_s, load * patience_s / handling_s)
    lost = blocking(load, servers)
    # Beyond all numbers everybody waits.
    share = 1.0 if math.isinf(grown) else grown * lost / (1 + (grown - 1) * lost)
    abandonment = share * (1 / (busy * grown) + 1 - 1 / busy)
    return Patient(share, abandonment, abandonment * patience_s)


def _grown(x: float, y: float) -> float:
    """Return x·exp(y)·y^(−x)·γ(x, y) by its series: 1 + y/(x+1) + y²/((x+1)(x+2)) and so on."""
    total = term = 1.0
    for number in count(1):
        term *= y / (x + number)
        total += term
        if term < total * 1e-17 or math.isinf(total):
            return total
    raise AssertionError
