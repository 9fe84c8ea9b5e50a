"""Skills of operators, and what work asks for. Every act is audited."""

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from customers.models import Segment
from cxcenter.accounts.roles import Right
from cxcenter.core import audit
from cxcenter.core.errors import Conflict, Forbidden, Invalid
from cxcenter.core.events import announce
from interactions.models import Topic
from routing import locks, queries, skills
from routing.actions.control import refuse_foreign
from routing.events import RoomMade
from routing.models import OperatorSkill, Queue, QueueMember, Requirement, RequirementStep, Skill

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from cxcenter.accounts.models import User

# How a requirement loosens: (after so many seconds, at least this level; 0: anyone).
Loosening = Sequence[tuple[int, int]]


@transaction.atomic
def set_level(*, user: "User", skill: Skill, level: int, actor: "User") -> None:
    """Give an operator a level of a skill, 0 to take it away; what waits for it is offered to him at once.

    The level until now stays on record. Raises Invalid for a level that is none.
    """
    if not 0 <= level <= 5:
        raise Invalid(_("Choose a level from 1 to 5, or none."), field="level")
    # One change after the other: the row that ends is the one that the last change began.
    locks.lock_presence(user.pk)
    held = OperatorSkill.objects.filter(user=user, skill=skill, ended_at=None).first()
    if (held.level if held else 0) == level:
        return
    now = timezone.now()
    if held is not None:
        held.ended_at = now
        held.save(update_fields=["ended_at"])
    if level:
        OperatorSkill.objects.create(user=user, skill=skill, level=level, started_at=now)
    audit.record(actor, "skill.level", f"user:{user.pk}", skill=skill.pk, level=level)
    queues = list(QueueMember.objects.filter(user=user).values_list("queue_id", flat=True))
    if queues:
        announce(RoomMade(queues=queues))


@transaction.atomic
def add_skill(*, name: str, name_ru: str = "", actor: "User") -> Skill:
    """Make a skill. Raises Conflict if there is one of that name."""
    if not name.strip():
        raise Invalid(_("Give the skill a name."), field="name")
    if Skill.objects.filter(name__iexact=name.strip()).exists():
        raise Conflict(_("There is a skill of this name."), code="exists")
    try:
        with transaction.atomic():
            skill = Skill.objects.create(name=name.strip(), name_ru=name_ru.strip())
    except IntegrityError:
        raise Conflict(_("There is a skill of this name."), code="exists") from None
    audit.record(actor, "skill.add", f"skill:{skill.pk}")
    return skill


@transaction.atomic
def save_requirement(
    *,
    skill: Skill,
    level: int,
    queue: Queue | None,
    topic: Topic | None = None,
    language: str = "",
    segment: Segment | None = None,
    steps: Loosening = (),
    requirement: Requirement | None = None,
    actor: "User",
) -> Requirement:
    """Make or change what work asks for; it holds for work that comes from now on.

    Raises Invalid for steps that do not loosen, for work that nobody could ever serve, and for a rule that stands
    already; Forbidden for another team's queue.
    """
    _refuse(queue, actor)
    if requirement is not None:
        _refuse(requirement.queue, actor)
    _refuse_steps(level, steps)
    rule = requirement or Requirement()
    rule.skill, rule.level, rule.queue, rule.topic, rule.language = skill, level, queue, topic, language
    rule.segment = segment
    _refuse_unservable(rule, steps)
    try:
        with transaction.atomic():
            rule.save()
    except IntegrityError:
        raise Invalid(_("This is asked for already: change that line."), field="skill", code="exists") from None
    rule.steps.all().delete()
    RequirementStep.objects.bulk_create(
        RequirementStep(requirement=rule, after_s=after, level=lower) for after, lower in steps
    )
    audit.record(actor, "requirement.save", f"requirement:{rule.pk}", skill=skill.pk, level=level, steps=list(steps))
    return rule


@transaction.atomic
def drop_requirement(*, requirement: Requirement, actor: "User") -> None:
    """Ask for it no longer. Who waits keeps what was asked for when he came."""
    _refuse(requirement.queue, actor)
    audit.record(actor, "requirement.drop", f"requirement:{requirement.pk}", skill=requirement.skill_id)
    requirement.delete()


def _refuse(queue: Queue | None, actor: "User") -> None:
    """Raise Forbidden unless the actor may say what work of this queue asks for; of all queues, who has every team."""
    if queue is not None:
        refuse_foreign(queue, actor)
    elif not actor.may(Right.EVERY_TEAM):
        raise Forbidden(_("Choose a queue: what all queues ask for is set by an administrator."), field="queue")


def _refuse_steps(level: int, steps: Loosening) -> None:
    if not 1 <= level <= 5:
        raise Invalid(_("Choose a level from 1 to 5."), field="level")
    for number, (before, step) in enumerate(itertools.pairwise([(0, level), *steps]), start=1):
        if step[0] <= before[0]:
            raise Invalid(_("Each step comes later than the one before."), field=f"after_{number}")
        if step[1] >= before[1]:
            raise Invalid(_("Each step asks for less than the one before."), field=f"level_{number}")


def _refuse_unservable(rule: Requirement, steps: Loosening) -> None:
    """Raise Invalid if a queue would get work that none of its members could ever be offered, other rules counted in."""
    wanted = {rule.skill_id: steps[-1][1] if steps else rule.level}
    for queue in _queues_of(rule):
        others = _rules_beside(rule, queue).exclude(pk=rule.pk)
        if not queries.could_serve(queue, skills.least_of(others), wanted):
            raise Invalid(
                _(
                    "In %(queue)s nobody has %(skill)s at level %(level)s with all else that is asked for: such work would"
                    " wait for ever. Give somebody the level, or add a step that asks for less."
                )
                % {"queue": queue, "skill": rule.skill, "level": wanted[rule.skill_id]},
                field="level",
                code="unservable",
            )


def _rules_beside(rule: Requirement, queue: Queue) -> "QuerySet[Requirement]":
    """Return the rules that work of a queue meets which meets the conditions of one rule, itself with them."""
    segments = [rule.segment.code] if rule.segment else []
    return skills.rules_for(queue=queue, topic=rule.topic, language=rule.language, segments=segments)


def _queues_of(rule: Requirement) -> list[Queue]:
    """Return the queues that get such work: its own, those to which its topic leads, or all."""
    if rule.queue is not None:
        return [rule.queue]
    active = Queue.objects.filter(active=True)
    return list(active.filter(entrances__topic__in=skills.with_parents(rule.topic)) if rule.topic else active)


def stranded_by(skill: Skill) -> list[Queue]:
    """Return the queues that get work which asks for the skill without end, and that nobody there can serve now."""
    found = []
    for rule in (
        Requirement.objects.filter(skill=skill).select_related("queue", "topic", "segment").prefetch_related("steps")
    ):
        for queue in _queues_of(rule):
            asked = skills.least_of(_rules_beside(rule, queue))
            if queue not in found and not queries.could_serve(queue, asked):
                found.append(queue)
    return found
