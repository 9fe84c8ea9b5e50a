"""Skills of the demo: who has which level, and what work asks for."""

from typing import NamedTuple

from django.utils import timezone

from cxcenter.accounts.models import User
from cxcenter.management.demo.queues import HISTORY
from interactions.models import Topic
from routing.models import OperatorSkill, Queue, Requirement, RequirementStep, Skill

# Levels of operator1 … operator12, then of senior1 and supervisor. Each speaks enough of both languages to be offered
# any contact at once.
SKILLS = (
    ("English", "Английский", (5, 3, 5, 3, 5, 2, 5, 3, 5, 2, 4, 3, 4, 5)),
    ("Russian", "Русский", (4, 5, 3, 5, 5, 5, 4, 5, 3, 5, 5, 5, 5, 5)),
    ("Warranty law", "Гарантийное право", (3, 4, 2, 5, 0, 0, 1, 2, 0, 0, 0, 0, 5, 4)),
    ("Electrics", "Электрика", (2, 0, 4, 0, 5, 3, 0, 1, 0, 2, 0, 0, 4, 0)),
    ("Body and paint", "Кузов и краска", (0, 3, 0, 0, 2, 5, 3, 0, 0, 0, 0, 1, 3, 0)),
    ("Parts catalogue", "Каталог запчастей", (3, 2, 0, 0, 0, 0, 0, 1, 5, 4, 4, 5, 0, 0)),
)


class Asked(NamedTuple):
    """What work with a topic or in a language asks for: a level, and later a lower one."""

    skill: str
    level: int
    steps: tuple[tuple[int, int], ...]
    topic: str = ""
    language: str = ""
    queue: str = ""


ASKED = (
    Asked("English", 2, ((60, 0),), language="en", queue="Warranty"),
    Asked("Russian", 3, ((60, 0),), language="ru", queue="Warranty"),
    Asked("Warranty law", 3, ((20, 2), (45, 0)), topic="Warranty claim"),
    Asked("Electrics", 2, ((30, 0),), topic="Diagnostics"),
    Asked("Body and paint", 3, ((20, 2), (45, 0)), topic="Body and paint"),
    Asked("Parts catalogue", 3, ((30, 0),), topic="Choice of a part"),
)


def plant(staff: dict[str, User], topics: dict[str, Topic]) -> None:
    """Make the skills with their levels and what work asks for, unless there are any."""
    if Skill.objects.exists():
        return
    names = [*(f"operator{number}" for number in range(1, 13)), "senior1", "supervisor"]
    queues = {queue.name: queue for queue in Queue.objects.all()}
    skills = {}
    for name, name_ru, levels in SKILLS:
        skills[name] = skill = Skill.objects.create(name=name, name_ru=name_ru)
        OperatorSkill.objects.bulk_create(
            OperatorSkill(user=staff[who], skill=skill, level=level, started_at=timezone.now() - HISTORY)
            for who, level in zip(names, levels, strict=True)
            if level
        )
    for asked in ASKED:
        rule = Requirement.objects.create(
            skill=skills[asked.skill],
            level=asked.level,
            queue=queues.get(asked.queue),
            topic=topics.get(asked.topic),
            language=asked.language,
        )
        RequirementStep.objects.bulk_create(
            RequirementStep(requirement=rule, after_s=after, level=level) for after, level in asked.steps
        )
