"""Overflow: where who comes to a queue goes now.

Which rule acts is told by `doors`. Without one that holds it is as `queries.door_of` says.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from cxcenter.core.errors import Invalid
from cxcenter.core.planned import Given, Planned
from routing import doors, queries
from routing.choices import Blocked, Then, When
from routing.models import Overflow, Queue

# Why a door is shut by a rule, in the words of `queries.Door`.
WHY = {When.LENGTH: "full", When.NOBODY: "nobody", When.HOURS: "hours"}
# These leave a request instead: at the door in place of the chat, to who waits beside it.
OFFERS = (Then.CALLBACK, Then.FORM)
# A full queue and the limit of waiting are one kind of refusal, a rule of closing another (docs: metrics, "Blocked").
KINDS = {
    When.WAITED: Blocked.FULL,
    When.LENGTH: Blocked.FULL,
    When.NOBODY: Blocked.RULE,
    When.HOURS: Blocked.RULE,
}
# Asked of everybody who comes.
AT_ENTRANCE = Planned(
    "overflows_at_entrance",
    lambda: (
        Overflow.objects.filter(queue_id=Given("queue", "bigint"))
        .exclude(when=When.WAITED)
        .select_related("to__hours", "to__team")
    ),
)


class Present:
    """How a queue stands at a moment; asked of the database only if a rule needs it. `but` is an item that is not counted."""

    def __init__(self, queue: Queue, now: datetime, but: int | None = None) -> None:
        """Keep what is asked about."""
        self._queue, self._now, self._but = queue, now, but

    @cached_property
    def waiting(self) -> int:
        """How many wait in it."""
        waiting = self._queue.items.filter(visit="waiting")
        return waiting.exclude(pk=self._but).count() if self._but else waiting.count()

    @cached_property
    def nobody(self) -> bool:
        """Whether none of its operators is signed in."""
        return not queries.is_staffed(self._queue, self._now)

    @cached_property
    def is_shut(self) -> bool:
        """Whether it is out of hours."""
        hours = queries.hours_of(self._queue)
        return hours is not None and not hours.is_open(self._now)


@dataclass(frozen=True)
class Way:
    """Where who comes to a queue goes: the queue that takes him, or the first one and its shut door.

    `moves` are the rules that led on to it, `told` the messages that he gets, `by` the rule that shut the door (None: the
    queue itself).
    """

    queue: Queue
    door: queries.Door
    moves: tuple[Overflow, ...] = ()
    told: tuple[Overflow, ...] = ()
    by: Overflow | None = None

    @property
    def kind(self) -> Blocked:
        """Which kind of blocked visit one is who is refused at this door."""
        return Blocked.FULL if self.door.why == WHY[When.LENGTH] else Blocked.RULE


def at_entrance(queue: Queue) -> list[Overflow]:
    """Return the rules that hold for who comes to a queue, in their order."""
    return AT_ENTRANCE.rows(queue=queue.pk)


def way_in(queue: Queue, now: datetime | None = None, *, but: int | None = None) -> Way:
    """Return where who comes to a queue goes now. Words are in the language that is active. `but`: an item not counted."""
    return _way(queue, now or timezone.now(), but, frozenset())


def _way(queue: Queue, now: datetime, but: int | None, passed: frozenset[int]) -> Way:
    rules = at_entrance(queue)
    door = queries.door_of(queue, now)
    if not rules or door.why == "closed":
        # Closed by a supervisor: he has said what is told.
        return Way(queue, door)
    turn = doors.turn(rules, Present(queue, now, but), lambda rule: _onward(rule, now, passed | {queue.pk}))
    if turn.by and turn.way:
        return replace(turn.way, moves=(turn.by, *turn.way.moves), told=(*turn.told, *turn.way.told))
    if turn.by:
        return Way(queue, _shut(turn.by, door, turn.told), told=turn.told, by=turn.by)
    if door.open or not turn.told:
        return Way(queue, door, told=turn.told)
    return Way(queue, replace(door, message=_words(turn.told[:1])), told=turn.told)


def _onward(rule: Overflow, now: datetime, passed: frozenset[int]) -> Way | None:
    """Return the way through another queue if it lets somebody in now."""
    if rule.to is None or not rule.to.active or rule.to_id in passed:
        return None
    way = _way(rule.to, now, None, passed)
    return way if way.door.open else None


def opens_through(rule: Overflow, now: datetime) -> Way | None:
    """Return the way through the other queue of a rule for who waits in its own, None if nobody is let in there now."""
    return _onward(rule, now, frozenset({rule.queue_id}))


def _shut(rule: Overflow, door: queries.Door, told: tuple[Overflow, ...]) -> queries.Door:
    return queries.Door(
        open=False,
        why=WHY[When(rule.when)],
        opens_at=door.opens_at if door.why == "hours" else None,
        message=_words((rule, *told)),
        form=rule.then in OFFERS,
        letters=rule.then != Then.CALLBACK,
    )


def _words(rules: tuple[Overflow, ...]) -> str:
    """Return the first words that the rules have, in the active language."""
    said = (rule.said((get_language() or "en")[:2]) for rule in rules)
    return next((words for words in said if words), "")


def never_asked(rules: Iterable[tuple[str, str, int]]) -> list[int]:
    """Return the places of those rules (when, then, limit) that are never asked: one before each always acts first."""
    final: list[tuple[str, int]] = []
    found = []
    for number, (when, then, limit) in enumerate(rules):
        if any(when == other and limit >= least for other, least in final):
            found.append(number)
        elif then == Then.CLOSE or (then in OFFERS and when == When.LENGTH):
            final.append((when, limit))
    return found


def refuse_loop(queue: Queue, targets: Iterable[Queue]) -> None:
    """Raise Invalid if a contact that overflows from a queue to one of these could come back to it, by whatever rules."""
    onward: dict[int, set[int]] = {}
    for source, to in Overflow.objects.exclude(queue=queue.pk).filter(to__isnull=False).values_list("queue", "to"):
        onward.setdefault(source, set()).add(to)
    for target in targets:
        seen, ahead = set(), [target.pk]
        while ahead:
            here = ahead.pop()
            if here == queue.pk:
                words = _("Contacts would come back: %(queue)s leads here again. Choose another queue.")
                raise Invalid(words % {"queue": target}, field="to")
            if here not in seen:
                seen.add(here)
                ahead += onward.get(here, ())
