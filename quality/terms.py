"""On what terms contacts of a day would wait under other rules: what they ask for, and how much sooner they are served."""

from collections.abc import Mapping
from functools import cached_property

from customers.models import Segment
from quality.yesterday import Visit
from routing import preferences, skills
from routing.models import PriorityStep
from routing.rules.document import ALL, KINDS, PRIORITIES, QUEUES, REQUIREMENTS, Document, Settings
from routing.strategies import Steps

# What tells contacts that ask for the same from others.
Key = tuple[int, int | None, str, tuple[str, ...], tuple[tuple[int, int], ...]]


def asked_in(rules: Document, queue: int) -> list[Settings]:
    """Return the requirements that work of a queue may meet: those of all queues and its own."""
    found = rules[REQUIREMENTS]
    return [*found[ALL]["asked"], *found.get(str(queue), {"asked": []})["asked"]]


def order_in(rules: Document, queue: int) -> Settings:
    """Return the order that a queue goes by: its own, or that for all queues."""
    own = rules[PRIORITIES].get(str(queue))
    return own if own and own["own"] else rules[PRIORITIES][ALL]


def differ(before: Document, after: Document, queue: int) -> bool:
    """Tell whether contacts of a queue come on other terms."""
    return asked_in(before, queue) != asked_in(after, queue) or order_in(before, queue) != order_in(after, queue)


class Terms:
    """The terms of `rules`. Where two sets do not differ in what work asks for, or in its order, a contact keeps those it had.

    So a day is played as it was but for what is tried; and what is tried is compared with the present rules, not with older
    ones under which the day began.
    """

    def __init__(self, rules: Document, before: Document, after: Document, paths: Mapping[int, Steps]) -> None:
        """Take the rules, the two sets that are compared, and what the paths of the day's contacts stand for."""
        self._rules, self._before, self._paths = rules, before, paths
        queues = [int(ident) for ident in before[QUEUES]]
        self._asks_anew = {queue for queue in queues if asked_in(before, queue) != asked_in(after, queue)}
        self._ordered_anew = {queue for queue in queues if order_in(before, queue) != order_in(after, queue)}
        self._known: dict[Key, Steps] = {}
        self._orders: dict[int, preferences.Order] = {}

    @cached_property
    def _segments(self) -> dict[int, Segment]:
        return {segment.pk: segment for segment in Segment.objects.all()}

    @cached_property
    def _topics(self) -> preferences.Topics:
        return preferences.topics()

    def steps(self, visit: Visit) -> Steps:
        """Return what a contact asks for while it waits."""
        if visit.queue not in self._asks_anew:
            return self._paths[visit.path]
        about = visit.about
        key = (visit.queue, about.topic, about.language, about.segments, about.asked)
        if key not in self._known:
            levels: list[tuple[int, skills.Levels]] = [(skill, [(0, level)]) for skill, level in about.asked]
            levels += [
                (rule["skill"], _levels(rule))
                for rule in asked_in(self._rules, visit.queue)
                if self._is_met(rule, visit)
            ]
            self._known[key] = skills.combine(levels)
        return self._known[key]

    def _is_met(self, rule: Settings, visit: Visit) -> bool:
        about = visit.about
        segment = self._segments.get(rule["segment"] or 0)
        return (
            rule["topic"] in {None, *skills.with_parents(self._topics.get(about.topic or 0))}
            and rule["language"] in {"", about.language}
            and (rule["segment"] is None or (segment is not None and segment.code in about.segments))
        )

    def priority(self, visit: Visit) -> int:
        """Return the priority of a contact: by the order as it would be, and what its queue gives more or less."""
        now, then = (rules[QUEUES][str(visit.queue)]["priority"] for rules in (self._rules, self._before))
        about = visit.about
        if visit.queue not in self._ordered_anew or not about.is_ordered:
            return int(visit.priority + now - then)
        topic = self._topics.get(about.topic or 0)
        steps = self._order(visit.queue).steps(channel=about.channel, topic=topic, segments=about.segments)
        return int(visit.priority + now - then + steps - about.steps)

    def _order(self, queue: int) -> preferences.Order:
        if queue not in self._orders:
            said = order_in(self._rules, queue)
            rows = [(column, pk, steps) for kind, column in KINDS.items() for pk, steps in said[kind]]
            self._orders[queue] = preferences.Order(
                PriorityStep(segment=self._segments[pk], steps=steps)
                if column == "segment_id"
                else PriorityStep(steps=steps, **{column: pk})
                for column, pk, steps in rows
                if column != "segment_id" or pk in self._segments
            )
        return self._orders[queue]


def _levels(rule: Settings) -> skills.Levels:
    return [(0, rule["level"]), *((after, level) for after, level in rule["steps"])]
