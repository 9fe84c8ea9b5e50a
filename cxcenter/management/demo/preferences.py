"""Whom the demo prefers: segments by the level of the loyalty card, their priority, personal operators, frequent customers."""

from customers.actions.records import project_many
from customers.models import CustomField, Segment, SegmentCondition, SourceRecord
from cxcenter.management.demo.customers import LOYALTY
from routing.models import FrequentRule, PriorityStep, Queue

LEVELS = ("Platinum", "Gold", "Silver", "Silver", "Gold", "Silver")
# Code, names, conditions, steps of priority.
SEGMENTS = (
    ("vip", "VIP", "Важные", (("custom.level", "is", "Platinum"),), 2),
    ("gold", "Gold card", "Золотая карта", (("custom.level", "is", "Gold"),), 1),
    ("fleet", "Companies", "Компании", (("company", "known", ""),), 0),
)
OPERATOR = "operator3"


def plant() -> None:
    """Give cards their levels and make what follows from them, unless there are segments."""
    if Segment.objects.exists():
        return
    CustomField.objects.get_or_create(
        code="level",
        defaults={
            "label": "Card level",
            "label_ru": "Уровень карты",
            "kind": "choice",
            "options": ["Silver", "Gold", "Platinum"],
            "place": 3,
        },
    )
    _give_levels()
    for place, (code, name, name_ru, conditions, steps) in enumerate(SEGMENTS, start=1):
        segment = Segment.objects.create(code=code, name=name, name_ru=name_ru, place=place)
        for field, comparison, value in conditions:
            SegmentCondition.objects.create(segment=segment, field=field, comparison=comparison, value=value)
        if steps:
            PriorityStep.objects.create(segment=segment, steps=steps)
    first, second = (Queue.objects.get(name=name) for name in ("Warranty", "Second line"))
    FrequentRule.objects.get_or_create(queue=first, defaults={"contacts": 3, "days": 7, "to": second})


def _give_levels() -> None:
    """Let the loyalty programme say the level of each of its cards; who has the highest has a personal operator."""
    records = list(SourceRecord.objects.filter(source=LOYALTY).order_by("pk").select_related("profile"))
    for number, record in enumerate(records):
        level = LEVELS[number % len(LEVELS)]
        own = {"personal_operator": OPERATOR} if level == LEVELS[0] else {}
        record.fields = {**record.fields, "custom.level": level, **own}
    SourceRecord.objects.bulk_update(records, ["fields"])
    project_many([record.profile.customer_id for record in records])
