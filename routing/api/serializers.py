"""Bodies of queues, work items and operators."""

from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from customers.masking import masked
from customers.models import Profile
from cxcenter.accounts.scopes import Scope
from cxcenter.core.api.serializers import LARGEST_ID, Ref, Strict, VisibleKey
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


class AskedLevel(Strict):
    """A level of a skill."""

    skill = serializers.IntegerField(min_value=1, max_value=LARGEST_ID)
    level = serializers.IntegerField(min_value=1, max_value=5)


class AskForm(Strict):
    """What a contact asks for besides the rules, instead of what was said before; an empty list takes it back."""

    skills = serializers.ListField(child=AskedLevel(), max_length=20)

    def validate_skills(self, said: list[dict[str, int]]) -> dict[int, int]:
        """Return level by skill. Raises ValidationError for a skill that is named twice."""
        levels = {one["skill"]: one["level"] for one in said}
        if len(levels) < len(said):
            raise serializers.ValidationError(_("Name each skill once."))
        return levels


class FrequentRow(serializers.Serializer[Any]):
    """Why a frequent customer came straight to the second line."""

    contacts = serializers.IntegerField(help_text="How often he has come about the topic, this contact with it.")
    days = serializers.IntegerField(help_text="Within so many days.")
    topic = serializers.IntegerField()
    queue = serializers.IntegerField(help_text="The queue whose rule it is.")
    sent = serializers.BooleanField(help_text="False: the second line took nobody then.")


class WorkItemRow(serializers.ModelSerializer[WorkItem]):
    """One visit of a session to a queue."""

    queue = Ref()
    legs = LegRow(many=True)
    segments = serializers.ListField(
        child=serializers.CharField(), help_text="Codes of the segments that the customer belonged to when he came."
    )
    asked = serializers.SerializerMethodField()
    frequent = FrequentRow(allow_null=True)

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
            "segments",
            "asked",
            "frequent",
            "legs",
        )

    @extend_schema_field(AskedLevel(many=True))
    def get_asked(self, item: WorkItem) -> list[dict[str, int]]:
        """The levels of skills that a program or an answer in a menu asks for, besides the rules."""
        return [{"skill": int(skill), "level": level} for skill, level in sorted(item.interaction.asked.items())]


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
        fields = (
            "id",
            "name",
            "team",
            "mode",
            "state",
            "reason",
            "since",
            "calls",
            "capacity",
            "callbacks",
            "load",
            "call_load",
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
