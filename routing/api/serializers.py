"""Bodies of queues, work items and operators."""

from typing import Any

from django.utils import timezone
from rest_framework import serializers

from cxcenter.core.api.serializers import Ref, Strict
from routing.choices import Mode
from routing.models import Assignment, PauseReason, Presence, Queue, WorkItem


class QueueRow(serializers.ModelSerializer[Queue]):
    """A queue with its numbers of this moment."""

    team = Ref()
    members = serializers.SerializerMethodField()
    waiting = serializers.IntegerField(help_text="Contacts that nobody has accepted yet.")
    longest_wait_s = serializers.SerializerMethodField()
    in_work = serializers.IntegerField(help_text="Contacts in operators' hands.")

    class Meta:
        model = Queue
        fields = (
            "id",
            "name",
            "name_ru",
            "team",
            "active",
            "priority",
            "target_s",
            "reply_s",
            "offer_s",
            "wrapup_s",
            "max_waiting",
            "closed_until",
            "paused_until",
            "message",
            "members",
            "waiting",
            "longest_wait_s",
            "in_work",
        )

    def get_members(self, queue: Queue) -> list[int]:
        """Ids of the operators who serve it, lent ones included."""
        return sorted(member.user_id for member in queue.memberships.all())

    def get_longest_wait_s(self, queue: Any) -> float | None:
        """How long the one who waits longest has waited, in seconds; null if nobody waits."""
        return (timezone.now() - queue.oldest_wait).total_seconds() if queue.oldest_wait else None


class LegRow(serializers.ModelSerializer[Assignment]):
    """One leg of a visit with one operator."""

    operator = Ref()

    class Meta:
        model = Assignment
        fields = ("id", "operator", "leg", "end", "offered_at", "accepted_at", "ended_at", "wrapped_at", "holds")


class WorkItemRow(serializers.ModelSerializer[WorkItem]):
    """One visit of a session to a queue."""

    queue = Ref()
    legs = LegRow(many=True)

    class Meta:
        model = WorkItem
        fields = (
            "id",
            "queue",
            "interaction",
            "visit",
            "priority",
            "entered_at",
            "waits_since",
            "escalated_at",
            "left_at",
            "outcome",
            "legs",
        )


class OperatorRow(serializers.ModelSerializer[Presence]):
    """An operator and what he is doing."""

    id = serializers.IntegerField(source="user_id")
    name = serializers.CharField(source="user.name")
    team = Ref(source="user.team", allow_null=True)
    reason = Ref(allow_null=True)

    class Meta:
        model = Presence
        fields = (
            "id",
            "name",
            "team",
            "mode",
            "state",
            "reason",
            "since",
            "capacity",
            "callbacks",
            "load",
            "callback_load",
            "off",
            "pause_after",
        )


class ModeForm(Strict):
    """The state an operator shall be in."""

    mode = serializers.ChoiceField([(mode.value, mode.label) for mode in (Mode.AVAILABLE, Mode.PAUSE, Mode.OFFLINE)])
    reason = serializers.PrimaryKeyRelatedField(
        queryset=PauseReason.objects.filter(active=True), required=False, help_text="Why he pauses."
    )
    after = serializers.BooleanField(required=False, help_text="Pause when nothing is left in work.")
