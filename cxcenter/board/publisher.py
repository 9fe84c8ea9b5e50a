"""Who is told what, once a second: boards the numbers of their teams, desks their queues, visitors their place.

Of several workers one tells, the others stand by: what was told last is the state of a process, and numbers that two
tell in turn would go back and forth. A push that was lost is repaired by the next full one, ten seconds later at the
most; pages also ask when they come back.
"""

import json
import time
import uuid
from typing import Any

import structlog
from django.core.cache import cache
from django.utils import timezone

from cxcenter.accounts.models import Team
from cxcenter.board import snapshot
from cxcenter.board.counted import Counted, Row
from cxcenter.board.reached import Reached
from cxcenter.core import realtime
from cxcenter.core.pace import Paced
from routing import queries, waits

log = structlog.get_logger(__name__)
Push = tuple[str, dict[str, Any]]
FULL_EVERY_S = 10
# What estimates rest on changes slowly.
KNOWN_EVERY_S = 5
# Only the first of a queue are told their place: those behind see that they wait.
PLACES = 50
KEY = "cx:board"
# A page that opens takes numbers that are no older than this.
FRESH_S = 2
# Who tells, and for how long after he was heard last nobody else does.
TELLER = "cx:board:teller"
STANDS_S = 3
SECTIONS = ("queues", "operators", "alerts", "charts", "usual")
ALL = "all"


def current() -> dict[int, Row]:
    """Return the numbers of every team: those published last if they are fresh, else computed now."""
    try:
        kept: dict[int, Row] | None = cache.get(KEY)
    except Exception:
        log.warning("board: no kept numbers")
        kept = None
    oldest = timezone.now().timestamp() - FRESH_S
    # A team that was made since then is not in it.
    if kept and all(team["at"] >= oldest for team in kept.values()) and kept.keys() >= _team_ids():
        return kept
    return snapshot.compute()


def _team_ids() -> set[int]:
    return set(Team.objects.values_list("pk", flat=True))


class Publisher:
    """Tells what has changed since it told last."""

    def __init__(self) -> None:
        """Begin with everything to tell."""
        self._name = uuid.uuid4().hex
        self._counted = Counted()
        self._reached = Reached()
        self._known = Paced(lambda queues: waits.known(timezone.now(), queues), every_s=KNOWN_EVERY_S)
        self._know_nothing()

    def _know_nothing(self) -> None:
        self._told: dict[tuple[str, int | str], Any] = {}
        self._places: dict[int, tuple[int, int | None]] = {}
        self._full_at = float("-inf")

    def run(self) -> int:
        """Compute and tell. Returns the number of pushes; 0 if another worker tells."""
        if not self._tells():
            return 0
        pushes = self._pushes()
        # Who took so long that another stands in his place leaves it to him.
        if not pushes or cache.get(TELLER) != self._name:
            return 0
        realtime.publish(*pushes)
        return len(pushes)

    def _tells(self) -> bool:
        """Tell whether it is ours to tell. Who takes the place of another does not know what that one told: he tells all."""
        if cache.add(TELLER, self._name, STANDS_S):
            self._know_nothing()
            return True
        return cache.get(TELLER) == self._name and cache.touch(TELLER, STANDS_S)

    def _pushes(self) -> list[Push]:
        teams = snapshot.compute(counted=self._counted)
        self._reached.keep(teams)
        cache.set(KEY, teams, timeout=FULL_EVERY_S)
        full = time.monotonic() - self._full_at >= FULL_EVERY_S
        if full:
            self._full_at = time.monotonic()
        return self._to_boards(teams, full=full) + self._to_desks(teams, full=full) + self._to_visitors()

    def _changed(self, about: str, ident: int | str, value: Any) -> bool:
        """Tell whether a value differs from what was told last, and keep it."""
        before, self._told[about, ident] = self._told.get((about, ident)), value
        return bool(before != value)

    def _to_boards(self, teams: dict[int, Row], *, full: bool) -> list[Push]:
        pushes = []
        for pk, team in teams.items():
            changed = [name for name in SECTIONS if self._changed(name, pk, team[name])]
            if not changed and not full:
                continue
            sections = SECTIONS if full else changed
            message = {"kind": "board", **{name: team[name] for name in ("team", "name", "at", "day", *sections)}}
            # Written once for all who look; consumers pass it on as it is.
            text = {"text": json.dumps(message, ensure_ascii=False)}
            pushes += [(realtime.team_group(pk), text), (realtime.team_group(ALL), text)]
        return pushes

    def _to_desks(self, teams: dict[int, Row], *, full: bool) -> list[Push]:
        pushes: list[Push] = []
        for pk, team in teams.items():
            lines = {str(queue["id"]): _wait(queue) for queue in team["queues"]}
            if self._changed("waits", pk, lines) or full:
                pushes.append((realtime.queues_group(pk), {"kind": "queues", "queues": lines}))
        return pushes

    def _to_visitors(self) -> list[Push]:
        order = queries.waiting_order(PLACES)
        queues, now = tuple(sorted({queue for queue, *_rest in order})), timezone.now()
        known = self._known(queues) if queues else {}
        pushes, told = [], {}
        for queue, thread, position, since in order:
            waited_s = (now - since).total_seconds()
            estimate_s = known.get(queue, waits.NOTHING).estimate_s(ahead=position - 1, waited_s=waited_s)
            # An estimate that moves by seconds would only flicker.
            told[thread] = (position, None if estimate_s is None else round(estimate_s / 15))
            if self._places.get(thread) != told[thread]:
                message = {"kind": "queue", "position": position, "estimate_s": estimate_s}
                pushes.append((realtime.customer_group(thread), message))
        self._places = told
        return pushes


def _wait(queue: Row) -> dict[str, Any]:
    """Return how many wait in a queue and since when the first of them does."""
    numbers = queue["numbers"].values()
    since = [n["since"] for n in numbers if n["since"]]
    return {"waiting": sum(n["waiting"] for n in numbers), "longest_since": min(since, default=None)}
