"""Bodies of queues, work items and operators."""

from typing import Any

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from customers.masking import masked
from customers.models import Profile
from cxcenter.accounts.scopes import Scope
from cxcenter.core.api.serializers import Ref, Strict, VisibleKey
from interactions.models import Topic
from routing.choices import Mode
from routing.models import Assignment, Callback, PauseReason, Presence, Queue, WorkItem


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


class CallbackRow(serializers.ModelSerializer[Callback]):
    """A customer who is to be called back."""

    phone = serializers.SerializerMethodField()
    queue = Ref()
    state = serializers.SerializerMethodField()
    interaction = serializers.PrimaryKeyRelatedField[Any](
        source="session",
        read_only=True,
        allow_null=True,
        help_text="The session of the attempt that goes on, or of the last one.",
    )

    class Meta:
        model = Callback
        fields = (
            "id",
            "phone",
            "profile",
            "queue",
            "state",
            "result",
            "at",
            "due_at",
            "waits_since",
            "attempts",
            "interaction",
            "asked_at",
            "ended_at",
        )

    @extend_schema_field(serializers.ChoiceField(["planned", "queued", "calling", "ended"]))
    def get_state(self, callback: Any) -> str:
        """Where it stands: planned (it enters its queue at `due_at`), queued, calling, ended."""
        return "calling" if callback.calling else callback.state

    def get_phone(self, callback: Callback) -> str:
        """The phone to call, masked for readers without customers:contacts."""
        sees = self.context["request"].user.passes(Scope.CUSTOMERS_CONTACTS)
        return callback.phone if sees else masked(callback.thread.identity.kind, callback.phone)


class CallbackForm(Strict):
    """Whom to call back, from which queue, and when."""

    phone = serializers.CharField(max_length=40)
    queue = VisibleKey(queryset=Queue.objects.filter(active=True))
    at = serializers.DateTimeField(
        required=False, allow_null=True, help_text="Within two weeks; without it as soon as his turn comes."
    )
    profile = VisibleKey(
        queryset=Profile.objects.all(), required=False, help_text="On whose card; without it, whom the phone leads to."
    )
    topic = serializers.PrimaryKeyRelatedField(queryset=Topic.objects.filter(active=True), required=False)
    language = serializers.ChoiceField(settings.LANGUAGES, default="en")
    zone = serializers.CharField(max_length=40, required=False, help_text="His time zone, like Asia/Omsk.")
    name = serializers.CharField(max_length=120, required=False)
    text = serializers.CharField(max_length=8000, required=False, help_text="What it is about.")


class OperatorRow(serializers.ModelSerializer[Presence]):
    """An operator and what he is doing."""

    id = serializers.IntegerField(source="user_id")
    name = serializers.CharField(source="user.name")
    team = Ref(source="user.team", allow_null=True)
    reason = Ref(allow_null=True)

    class Meta:
        model = Presence
        fields = ("id", "name", "team", "mode", "state", "reason", "since", "capacity", "load", "pause_after")


class ModeForm(Strict):
    """The state an operator shall be in."""

    mode = serializers.ChoiceField([choice for choice in Mode.choices if choice[0] != Mode.NOT_RESPONDING])
    reason = serializers.PrimaryKeyRelatedField(
        queryset=PauseReason.objects.filter(active=True), required=False, help_text="Why he pauses."
    )
    after = serializers.BooleanField(required=False, help_text="Pause when nothing is left in work.")
