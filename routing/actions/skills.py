"""Skills of operators, and what work asks for. Every act is audited."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cxcenter.accounts.roles import Right
from cxcenter.core import audit
from cxcenter.core.errors import Conflict, Forbidden, Invalid
from cxcenter.core.events import announce
from interactions.models import Topic
from routing import locks, queries
from routing.actions.control import refuse_foreign
from routing.events import RoomMade
from routing.models import OperatorSkill, Queue, QueueMember, Requirement, RequirementStep, Skill

if TYPE_CHECKING:
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
    skill = Skill.objects.create(name=name.strip(), name_ru=name_ru.strip())
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
    _refuse_unservable(skill, steps[-1][1] if steps else level, queue)
    rule = requirement or Requirement()
    rule.skill, rule.level, rule.queue, rule.topic, rule.language = skill, level, queue, topic, language
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
    times, levels = [0, *(after for after, _level in steps)], [level, *(lower for _after, lower in steps)]
    if times != sorted(set(times)):
        raise Invalid(_("Each step comes later than the one before."), field="after_1")
    if levels != sorted(set(levels), reverse=True):
        raise Invalid(_("Each step asks for less than the one before."), field="level_1")


def _refuse_unservable(skill: Skill, least: int, queue: Queue | None) -> None:
    """Raise Invalid if a queue would get work that none of its members could ever be offered."""
    if least == 0:
        return
    able = OperatorSkill.objects.filter(skill=skill, level__gte=least, ended_at=None, user__is_active=True)
    users = set(able.values_list("user_id", flat=True))
    for one in [queue] if queue else Queue.objects.filter(active=True):
        if not users & set(queries.members_of(one).values_list("user_id", flat=True)):
            raise Invalid(
                _(
                    "In %(queue)s nobody has %(skill)s at level %(level)s: such work would wait for ever."
                    " Give somebody the level, or add a step that asks for less."
                )
                % {"queue": one, "skill": skill, "level": least},
                field="level",
                code="unservable",
            )
