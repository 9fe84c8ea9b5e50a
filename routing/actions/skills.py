"""Skills of operators, and what work asks for. Every act is audited."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from customers.models import Segment
from cxcenter.core import audit
from cxcenter.core.errors import Conflict, Invalid
from cxcenter.core.events import announce
from interactions.models import Topic
from routing import locks
from routing.actions.rules import save_rules
from routing.events import RoomMade
from routing.models import OperatorSkill, Queue, QueueMember, Requirement, RuleVersion, Skill
from routing.rules import document as rules
from routing.rules.document import ALL, QUEUES, REQUIREMENTS, Document, Settings, key_of
from routing.rules.faults import World, unserved

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

# How a requirement loosens: (after so many seconds, at least this level; 0: anyone).
Loosening = Sequence[tuple[int, int]]


@dataclass(frozen=True)
class Asked:
    """A level of a skill that work asks for if it meets all conditions that are set here, and how that loosens."""

    skill: Skill
    level: int
    topic: Topic | None = None
    language: str = ""
    segment: Segment | None = None
    steps: Loosening = ()

    def settings(self) -> Settings:
        """Return it as the rules have it."""
        return {
            "skill": self.skill.pk,
            "topic": self.topic.pk if self.topic else None,
            "language": self.language,
            "segment": self.segment.pk if self.segment else None,
            "level": self.level,
            "steps": [list(step) for step in self.steps],
        }


@transaction.atomic
def set_level(*, user: "User", skill: Skill, level: int, actor: "User") -> None:
    """Give an operator a level of a skill, 0 to take it away; what waits for it is offered to him at once.

    The level until now stays on record. Raises Invalid for a level that is none, and for one with which a queue would get
    work that nobody there could ever be offered.
    """
    if not 0 <= level <= 5:
        raise Invalid(_("Choose a level from 1 to 5, or none."), field="level")
    # One change after the other: the row that ends is the one that the last change began, and of two who have a level
    # that work asks for the last one keeps it.
    locks.lock_rules()
    locks.lock_presence(user.pk)
    held = OperatorSkill.objects.filter(user=user, skill=skill, ended_at=None).first()
    before = held.level if held else 0
    if before == level:
        return
    if level < before:
        _refuse_last(user, skill, level)
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


def _refuse_last(user: "User", skill: Skill, level: int) -> None:
    """Raise Invalid if an operator who has less is missed in a queue; what nobody could serve before stands in no way."""
    document, world = rules.current(), World.read()
    known = unserved(document, world)
    world.levels[user.pk] = {**world.levels.get(user.pk, {}), skill.pk: level}
    found = [fault for fault in unserved(document, world) if fault not in known]
    if found:
        names = dict.fromkeys(document[QUEUES][fault.id]["name"] for fault in found)
        words = _(
            "%(operator)s is the last in %(queues)s who has all that its work asks for: it would wait for ever. Give"
            " somebody else the level first, or let it ask for less."
        )
        said = words % {"operator": user.name, "queues": ", ".join(names)}
        raise Invalid(said, field="level", code="last")


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
    *, asked: Asked, queue: Queue | None, requirement: Requirement | None = None, why: str = "", actor: "User"
) -> RuleVersion:
    """Make or change what work of a queue, or of all, asks for; it holds for work that comes from now on.

    Raises as save_rules does: Invalid for steps that do not loosen, for work that nobody could ever serve, and for what is
    asked for already; Forbidden for another team's queue.
    """
    locks.lock_rules()
    edit = edit_of(rules.current(), asked=asked, queue=queue, requirement=requirement)
    return save_rules(edit=edit, why=why, actor=actor, act="requirement.save")


@transaction.atomic
def drop_requirement(*, requirement: Requirement, why: str = "", actor: "User") -> RuleVersion:
    """Ask for it no longer. Who waits keeps what was asked for when he came."""
    locks.lock_rules()
    edit = edit_of(rules.current(), requirement=requirement)
    return save_rules(edit=edit, why=why, actor=actor, act="requirement.drop")


def edit_of(
    present: Document,
    *,
    asked: Asked | None = None,
    queue: Queue | None = None,
    requirement: Requirement | None = None,
) -> Document:
    """Return the change of the rules by which a queue, or all, asks for something more, in the place of a `requirement`."""
    edit: dict[str, Settings] = {}
    if requirement is not None:
        ident, gone = _ident(requirement.queue_id), key_of(rules.asked_settings(requirement))
        edit[ident] = {"asked": [row for row in present[REQUIREMENTS][ident]["asked"] if key_of(row) != gone]}
    if asked is not None:
        ident = _ident(queue.pk if queue else None)
        beside = edit.get(ident, present[REQUIREMENTS][ident])["asked"]
        edit[ident] = {"asked": sorted([*beside, asked.settings()], key=key_of)}
    return {REQUIREMENTS: edit}


def _ident(queue: int | None) -> str:
    return ALL if queue is None else str(queue)
