"""What work asks for and its order, as rules become rows. Called by the act that changes rules, which has their lock."""

from collections.abc import Mapping
from typing import Any

from customers.models import Segment
from interactions.models import Channel, Topic
from routing.models import PriorityStep, Requirement, RequirementStep
from routing.rules.document import ALL, CONDITIONS, KINDS, Settings, asked_settings, key_of, row_columns

# What stands in an order, by the column of its step.
MODELS: Mapping[str, Any] = {"channel_id": Channel, "topic_id": Topic, "segment_id": Segment}


def write_asked(ident: str, wanted: Settings) -> None:
    """Write the requirements of a queue, or of all. One whose conditions stay is the same row."""
    queue = None if ident == ALL else int(ident)
    kept = {
        key_of(asked_settings(row)): row for row in Requirement.objects.filter(queue=queue).prefetch_related("steps")
    }
    for asked in wanted["asked"]:
        row = kept.pop(key_of(asked), None)
        if row is None or asked_settings(row) != asked:
            _write_one(
                row or Requirement(queue_id=queue, **row_columns({name: asked[name] for name in CONDITIONS})), asked
            )
    Requirement.objects.filter(pk__in=[row.pk for row in kept.values()]).delete()


def _write_one(row: Requirement, asked: Settings) -> None:
    row.level = asked["level"]
    row.save()
    row.steps.all().delete()
    RequirementStep.objects.bulk_create(
        RequirementStep(requirement=row, after_s=after, level=level) for after, level in asked["steps"]
    )


def write_order(ident: str, wanted: Settings) -> None:
    """Write an order. A queue's own says of everything that it has steps, or none; that for all, of what has some."""
    queue = None if ident == ALL else int(ident)
    PriorityStep.objects.filter(queue=queue).delete()
    if not wanted["own"]:
        return
    ahead = {(column, pk): steps for kind, column in KINDS.items() for pk, steps in wanted[kind]}
    everything = [
        (column, pk) for column, model in MODELS.items() for pk in model._default_manager.values_list("pk", flat=True)
    ]
    PriorityStep.objects.bulk_create(
        PriorityStep(queue_id=queue, steps=ahead.get((column, pk), 0), **{column: pk})
        for column, pk in everything
        if queue is not None or (column, pk) in ahead
    )
