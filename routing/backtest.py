"""Which estimator would have foretold the waits of a queue best: its past is replayed, and each is asked at each arrival.

Nothing of what came after an arrival is known to an estimator then. Compared are those who had to wait and were answered:
how long others would have waited nobody knows.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from statistics import fmean

from routing.estimators import DEFAULT, ESTIMATORS, Line, patience

# How far back each measure looks, in seconds: as in routing/waits.py.
HANDLING_S, PATIENCE_S, LAST_S, RECENT_S = 86_400.0, 7 * 86_400.0, 3600.0, 900.0
# Fewer visits tell nothing; nor does an estimator that had no answer for many of those that others foretold.
ENOUGH = 30
COVERS = 0.8
AT_ONCE_S = 1.0


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit that is over: when it came and left (seconds of any one clock), when it was first offered to somebody.

    `end` is answered, abandoned or anything else. `had` is when its operator had it in hand (None: nobody had).
    """

    came: float
    left: float
    end: str
    offered: float | None = None
    had: tuple[float, float] | None = None

    @property
    def has_waited(self) -> bool:
        """Whether it was answered, and not offered at once."""
        offered = self.left if self.offered is None else self.offered
        return self.end == "answered" and offered - self.came > AT_ONCE_S


class _Window:
    """Values of the last so many seconds, with their sum."""

    def __init__(self, length_s: float) -> None:
        self._length_s = length_s
        self._values: deque[tuple[float, float]] = deque()
        self.total = 0.0

    def add(self, at: float, value: float) -> None:
        self._values.append((at, value))
        self.total += value

    def count(self, now: float) -> int:
        """Return how many there are now; what is too old is dropped."""
        while self._values and self._values[0][0] <= now - self._length_s:
            self.total -= self._values.popleft()[1]
        return len(self._values)

    def mean(self, now: float) -> float | None:
        return self.total / count if (count := self.count(now)) else None


class _Past:
    """A queue as it stood at a moment of its past."""

    def __init__(self) -> None:
        self._waiting: dict[int, float] = {}
        self._in_hand = 0
        self._handled, self._waits, self._lost = _Window(HANDLING_S), _Window(PATIENCE_S), _Window(PATIENCE_S)
        self._answered = _Window(RECENT_S)
        self._last: tuple[float, float] | None = None

    def line(self, now: float) -> Line:
        """Return what was known to one who came at that moment."""
        self._waits.count(now)
        last = self._last
        return Line(
            ahead=len(self._waiting),
            slots=self._in_hand or None,
            handling_s=self._handled.mean(now),
            patience_s=patience(self._waits.total, self._lost.count(now)),
            last_s=last[1] if last is not None and last[0] > now - LAST_S else None,
            # Who came first stands first: of one dict by arrival.
            head_s=now - next(iter(self._waiting.values())) if self._waiting else None,
            recent_s=self._answered.mean(now),
        )

    def come(self, number: int, now: float) -> None:
        self._waiting[number] = now

    def leave(self, number: int, visit: Visit) -> None:
        del self._waiting[number]
        if visit.end not in {"answered", "abandoned"}:
            return
        wait_s = visit.left - visit.came
        self._waits.add(visit.left, wait_s)
        if visit.end == "abandoned":
            self._lost.add(visit.left, 1)
            return
        self._last = (visit.left, wait_s)
        self._answered.add(visit.left, wait_s)

    def take(self) -> None:
        self._in_hand += 1

    def give(self, now: float, had_s: float) -> None:
        self._in_hand -= 1
        self._handled.add(now, had_s)


# At one moment: places become free, visits leave, are taken, and only then somebody comes.
GAVE, LEFT, TOOK, CAME = range(4)


def replay(visits: Sequence[Visit], since: float = -inf) -> Iterator[tuple[Line, float]]:
    """Yield what was known at each arrival from `since` on that had to wait and was answered, and how long it waited, in seconds."""
    happenings: list[tuple[float, int, int]] = []
    for number, visit in enumerate(visits):
        # Who leaves as he comes was never in anybody's way.
        if visit.left > visit.came:
            happenings += [(visit.came, CAME, number), (visit.left, LEFT, number)]
        if visit.had is not None:
            happenings += [(visit.had[0], TOOK, number), (visit.had[1], GAVE, number)]
    past = _Past()
    for at, what, number in sorted(happenings):
        visit = visits[number]
        if what == CAME:
            if visit.has_waited and at >= since:
                yield past.line(at), visit.left - visit.came
            past.come(number, at)
        elif what == LEFT:
            past.leave(number, visit)
        elif what == TOOK:
            past.take()
        elif visit.had is not None:
            past.give(at, visit.had[1] - visit.had[0])


@dataclass(frozen=True, slots=True)
class Score:
    """How far an estimator erred, in seconds: on average (the bias: told less what it was), and in size. Over how many visits."""

    visits: int
    bias_s: float
    mae_s: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Scores of the estimators that had an answer, over the same visits; the best of them, None of too few visits."""

    scores: Mapping[str, Score]
    best: str | None
    visits: int


def compare(known: Iterable[tuple[Line, float]]) -> Comparison:
    """Return how the estimators would have done. Compared are those that answer for most visits, where all of them do."""
    rows = [(fact, {code: estimate(line) for code, estimate in ESTIMATORS.items()}) for line, fact in known]
    answers = {code: sum(told[code] is not None for _fact, told in rows) for code in ESTIMATORS}
    most = max(answers.values())
    able = [code for code, count in answers.items() if count and count >= COVERS * most]
    common = [(fact, told) for fact, told in rows if all(told[code] is not None for code in able)] if able else []
    scores = {code: _score([(told[code] or 0.0) - fact for fact, told in common]) for code in able if common}
    # Of equals the one that is used anyway.
    order = sorted(scores, key=lambda code: (scores[code].mae_s, code != DEFAULT))
    return Comparison(scores, order[0] if len(common) >= ENOUGH else None, len(common))


def _score(errors: list[float]) -> Score:
    return Score(len(errors), fmean(errors), fmean(abs(error) for error in errors))
