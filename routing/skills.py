"""What work asks for: rules become a path, a path becomes the steps of a decision."""

import hashlib
import json
from collections.abc import Iterable, Mapping

import structlog
from django.db.models import Q

from cxcenter.core.planned import Given, Planned
from interactions.models import Topic
from routing.models import ANYONE, Queue, Requirement, SkillPath
from routing.strategies import Needs, Steps

log = structlog.get_logger(__name__)

# How a requirement loosens: (after so many seconds, at least this level), beginning with 0; level 0 asks for nothing.
Levels = list[tuple[int, int]]
# Asked of everybody who comes.
RULES = Planned(
    "requirements",
    lambda: Requirement.objects.filter(
        Q(queue=None) | Q(queue_id=Given("queue", "bigint")),
        Q(topic=None) | Q(topic__pk__among=Given("topics", "bigint[]")),
        Q(segment=None) | Q(segment__code__among=Given("segments", "text[]")),
        Q(language="") | Q(language=Given("language", "text")),
    ).prefetch_related("steps"),
)


def path_for(
    *,
    queue: Queue,
    topic: Topic | None = None,
    language: str = "",
    segments: Iterable[str] = (),
    asked: Mapping[int, int] | None = None,
) -> int:
    """Return the id of the path of work with these properties; `asked` are levels by skill id that never loosen."""
    rules = rules_for(queue=queue, topic=topic, language=language, segments=segments)
    levels = [(rule.skill_id, _levels(rule)) for rule in rules]
    levels += [(skill, [(0, level)]) for skill, level in (asked or {}).items()]
    return path_of(combine(levels)) if levels else ANYONE


def rules_for(*, queue: Queue, topic: Topic | None, language: str, segments: Iterable[str] = ()) -> list[Requirement]:
    """Return the rules that work with these properties meets, with their steps; segments by their codes."""
    return RULES.rows(queue=queue.pk, topics=with_parents(topic), segments=list(segments), language=language)


def least_of(rules: Iterable[Requirement]) -> dict[int, int]:
    """Return what rules ask for in the end, when all their steps are past, by skill."""
    asked: dict[int, int] = {}
    for rule in rules:
        asked[rule.skill_id] = max(asked.get(rule.skill_id, 0), _levels(rule)[-1][1])
    return asked


def with_parents(topic: Topic | None) -> list[int]:
    """Return a topic and those above it."""
    found = []
    while topic is not None:
        found.append(topic.pk)
        topic = topic.parent
    return found


def _levels(rule: Requirement) -> Levels:
    return [(0, rule.level), *((step.after_s, step.level) for step in rule.steps.all())]


def combine(levels: Iterable[tuple[int, Levels]]) -> Steps:
    """Join requirements into steps: at each moment the strictest of those on a skill holds."""
    levels = list(levels)
    times = sorted({after for _skill, steps in levels for after, _level in steps} | {0})
    needs = [_needs_at(levels, time) for time in times]
    # A moment that changes nothing is no step.
    kept = [place for place in range(len(times)) if place == 0 or needs[place] != needs[place - 1]]
    return Steps(tuple(float(times[place]) for place in kept), tuple(needs[place] for place in kept))


def _needs_at(levels: list[tuple[int, Levels]], time: int) -> Needs:
    asked: dict[int, int] = {}
    for skill, steps in levels:
        level = max((after, level) for after, level in steps if after <= time)[1]
        asked[skill] = max(asked.get(skill, 0), level)
    return tuple(sorted((skill, level) for skill, level in asked.items() if level > 0))


def path_of(steps: Steps) -> int:
    """Return the id of the path of these steps, made if it is the first of its kind."""
    if steps.needs == ((),):
        return ANYONE
    rows = [
        [int(after), [list(need) for need in needs]] for after, needs in zip(steps.after_s, steps.needs, strict=True)
    ]
    digest = hashlib.sha256(json.dumps(rows).encode()).hexdigest()
    return SkillPath.objects.get_or_create(digest=digest, defaults={"steps": rows})[0].pk


def steps_of(path_ids: Iterable[int]) -> dict[int, Steps]:
    """Return the steps of paths by id. Paths never change: each is read once in a process."""
    wanted = set(path_ids)
    missing = [path for path in wanted if path not in _known]
    for path in SkillPath.objects.filter(pk__in=missing) if missing else []:
        _known[path.pk] = Steps(
            tuple(float(after) for after, _needs in path.steps),
            tuple(tuple((skill, level) for skill, level in needs) for _after, needs in path.steps),
        )
    lost = wanted - _known.keys()
    if lost:
        # Should not happen; who waits is served all the same.
        log.error("paths of requirements are lost", paths=sorted(lost))
    return {path: _known.get(path, _known[ANYONE]) for path in wanted}


_known: dict[int, Steps] = {ANYONE: Steps()}
