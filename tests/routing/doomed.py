"""Processes that work like the product's own until each comes to its point, and dies there: `python -m tests.routing.doomed S`.

Each is killed from within by SIGKILL: nothing is caught, closed or rolled back. What does not come to its point within S
seconds ends by itself. Said at the end: "POINT STATUS" for each, as of `os.waitstatus_to_exitcode`.
"""

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import django

# The passes through its point that a process survives.
SURVIVED = 1


def main(seconds: float) -> None:
    """Start a process for each point, made ready once for all of them, and wait for their ends."""
    django.setup()
    from tests.routing import test_races as race

    children = {}
    for seed, (point, arm) in enumerate(POINTS.items()):
        child = os.fork()
        if child == 0:
            arm()
            # Who is to die where offers have run out answers none: served all too soon, none would.
            work(race, seed, seconds, serves=point != "swept")
            os._exit(0)
        children[child] = point
    while children:
        child, status = os.wait()
        print(children.pop(child), os.waitstatus_to_exitcode(status), flush=True)


def work(race: Any, seed: int, seconds: float, *, serves: bool) -> None:
    """Serve contacts, change states and do what is due by time, until the end comes."""
    hall, chance = _hall(), random.Random(seed)
    # The last two never answer what is offered to them.
    answering = SimpleNamespace(**{**vars(hall), "people": hall.people[:-2]})
    over, next_sweep = time.monotonic() + seconds, time.monotonic() + 0.3
    while time.monotonic() < over:
        act = chance.choices([race.serve, race.change_state, race.switch], [90, 6, 4])[0]
        if serves or act is not race.serve:
            _do(lambda act=act: act(answering if act is race.serve else hall, chance))
        if time.monotonic() > next_sweep:
            _do(lambda: _sweep(race.PARTS))
            next_sweep = time.monotonic() + 0.3
        time.sleep(0.005)


def _do(act: Callable[[], Any]) -> None:
    from cxcenter.core.errors import CxError

    # Somebody was faster: the act is refused in words.
    with suppress(CxError):
        act()


def _sweep(parts: set[str]) -> None:
    from cxcenter.core import events
    from routing import sweeps

    failed = parts - sweeps.sweep().keys() - sweeps.decide().keys()
    if failed:
        print(f"parts of the sweep failed: {sorted(failed)}", flush=True)
    events.sweep()


def _hall() -> SimpleNamespace:
    """Who and what there is, as tests.routing.test_races wants it."""
    from cxcenter.accounts.models import User
    from routing.models import Queue, Skill

    return SimpleNamespace(
        people=list(User.objects.filter(role="operator").order_by("pk")),
        queues=list(Queue.objects.order_by("pk")),
        skills=list(Skill.objects.order_by("pk")),
        boss=User.objects.get(role="supervisor"),
    )


# --- Points: each replaces one function by one that ends the process ---


def _decided() -> None:
    """An offer is decided and written, and not committed."""
    from routing import rows

    _dies_after(rows, "claim", when=lambda made, *_args: bool(made))


def _committed() -> None:
    """An offer is committed, and its operator's pages have not heard of it."""
    from cxcenter.core import realtime

    _dies_before(realtime, "publish", when=lambda *pushes: any(told["kind"] == "offer" for _group, told in pushes))


def _accepted() -> None:
    """An offer is accepted and committed, and nobody is told."""
    from cxcenter.core import events

    _dies_before(events, "_dispatch", when=lambda _row, payload, *_tries: payload.topic == "leg.accepted")


def _wrapping() -> None:
    """A wrap-up has ended and freed its place, and is not committed."""
    from routing.actions import legs

    _dies_after(
        legs.states, "settle", when=lambda _none, *_args, **_options: sys._getframe(2).f_code.co_name == "wrap_up"
    )


def _wrapped() -> None:
    """A wrap-up has ended and is committed, and the room that it made is known to nobody."""
    from cxcenter.core import events

    _dies_before(events, "_dispatch", when=lambda _row, payload, *_tries: payload.topic == "room.made")


def _swept() -> None:
    """A part of the sweep has taken back one of several offers that ran out, and is about to commit the next."""
    from routing.actions import offers

    # One who goes away gives back all that he was offered at once: nothing of that would be committed.
    _dies_after(
        offers, "_give_back", when=lambda *_args, **_options: sys._getframe(2).f_code.co_name == "expire_offers"
    )


POINTS = {
    "decided": _decided,
    "committed": _committed,
    "accepted": _accepted,
    "wrapping": _wrapping,
    "wrapped": _wrapped,
    "swept": _swept,
}


def _dies_after(place: Any, name: str, when: Callable[..., bool]) -> None:
    """Die behind a function whose result and arguments are those."""
    whole, passes = getattr(place, name), iter(range(SURVIVED, -1, -1))

    def last(*args: Any, **options: Any) -> Any:
        result = whole(*args, **options)
        if when(result, *args, **options) and next(passes) == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(place, name, last)


def _dies_before(place: Any, name: str, when: Callable[..., bool]) -> None:
    """Die in front of a function whose arguments are those."""
    whole, passes = getattr(place, name), iter(range(SURVIVED, -1, -1))

    def last(*args: Any, **options: Any) -> Any:
        if when(*args, **options) and next(passes) == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return whole(*args, **options)

    setattr(place, name, last)


if __name__ == "__main__":
    main(float(sys.argv[1]))
