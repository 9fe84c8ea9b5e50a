"""Bodies of threads, sessions, messages, cases and tasks."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from customers.masking import masked_contact
from customers.models import Profile
from cxcenter.accounts.models import Team, User
from cxcenter.accounts.roles import RIGHTS, Right
from cxcenter.accounts.scopes import Scope
from cxcenter.core.api.serializers import Ref, Strict, VisibleKey
from interactions.actions.talk import MESSAGE_LIMIT
from interactions.choices import Audience, CaseKind, CaseStatus, Priority, TaskKind
from interactions.models import Attachment, Case, Interaction, Message, Task, Thread, Topic

CASE_ROLES = [role for role, rights in RIGHTS.items() if Right.CASES in rights]


class MarksRow(serializers.Serializer[Any]):
    """Up to which place of the thread each side has got and read."""

    customer_got = serializers.IntegerField(source="customer_got_seq")
    customer_read = serializers.IntegerField(source="customer_read_seq")
    staff_read = serializers.IntegerField(source="staff_read_seq")


class ThreadRow(serializers.ModelSerializer[Thread]):
    """Everything with one identity in one channel."""

    channel = Ref()
    marks = MarksRow(source="*")

    class Meta:
        model = Thread
        fields = ("id", "channel", "identity", "profile", "created_at", "last_seq", "marks")


class SaysRow(serializers.Serializer[Any]):
    """What a visitor typed before the chat: unverified."""

    name = serializers.CharField()
    contact = serializers.CharField(help_text="Masked for readers without customers:contacts.")


class InteractionRow(serializers.ModelSerializer[Interaction]):
    """A session: one contact in one channel."""

    number = serializers.CharField(source="__str__")
    state = serializers.SerializerMethodField()
    channel = Ref(source="thread.channel")
    topic = Ref(allow_null=True)
    disposition = Ref(allow_null=True)
    says = serializers.SerializerMethodField()

    class Meta:
        model = Interaction
        fields = (
            "id",
            "number",
            "state",
            "thread",
            "profile",
            "kind",
            "channel",
            "topic",
            "subject",
            "language",
            "opened_at",
            "closed_at",
            "close_reason",
            "waiting_since",
            "first_reply_at",
            "last_message_at",
            "unread",
            "says",
            "disposition",
            "solved",
            "wrap_note",
        )

    @extend_schema_field({"type": "string", "enum": ["open", "closed"]})
    def get_state(self, interaction: Interaction) -> str:
        """Whether it goes on."""
        return "open" if interaction.is_open else "closed"

    @extend_schema_field(SaysRow)
    def get_says(self, interaction: Interaction) -> dict[str, str]:
        """What the visitor typed before the chat, unverified."""
        contact = interaction.says.get("contact", "")
        return {
            "name": interaction.says.get("name", ""),
            "contact": contact if _sees_contacts(self) else masked_contact(contact),
        }


class AttachmentRow(serializers.ModelSerializer[Attachment]):
    """A file of a message."""

    class Meta:
        model = Attachment
        fields = ("id", "name", "kind", "content_type", "size", "width", "height")


class MessageRow(serializers.ModelSerializer[Message]):
    """One utterance. System lines have a code and arguments instead of a text."""

    user = Ref(allow_null=True)
    text = serializers.SerializerMethodField()
    args = serializers.DictField()
    withdrawn = serializers.SerializerMethodField()
    attachments = serializers.SerializerMethodField()

    class Meta:
        model = Message
        fields = (
            "id",
            "thread",
            "interaction",
            "seq",
            "author",
            "audience",
            "user",
            "text",
            "code",
            "args",
            "at",
            "client_key",
            "withdrawn",
            "attachments",
        )

    def get_text(self, message: Message) -> str:
        """The text; empty when it was taken back."""
        return "" if message.withdrawn_at else message.text

    def get_withdrawn(self, message: Message) -> bool:
        """Whether its author took it back."""
        return message.withdrawn_at is not None

    @extend_schema_field(AttachmentRow(many=True))
    def get_attachments(self, message: Message) -> Any:
        """Files; none when it was taken back."""
        return [] if message.withdrawn_at else AttachmentRow(message.attachments.all(), many=True).data


class MessageForm(Strict):
    """A message to the customer, or a note to colleagues."""

    text = serializers.CharField(max_length=MESSAGE_LIMIT, trim_whitespace=False)
    audience = serializers.ChoiceField(Audience.choices, default=Audience.ALL, help_text="staff: a note.")
    client_key = serializers.UUIDField(required=False, help_text="The same key stores one message.")
    unless_after = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=2**31 - 1,
        help_text="409 (code crossed) if a colleague has answered behind this place.",
    )


class CaseRow(serializers.ModelSerializer[Case]):
    """A question or complaint to be solved."""

    number = serializers.CharField()
    topic = Ref(allow_null=True)
    owner = Ref(allow_null=True)
    opened_by = Ref(allow_null=True)
    overdue = serializers.BooleanField(source="is_overdue")
    interactions = serializers.SerializerMethodField()

    class Meta:
        model = Case
        fields = (
            "id",
            "number",
            "profile",
            "kind",
            "topic",
            "subject",
            "text",
            "priority",
            "status",
            "owner",
            "due_at",
            "overdue",
            "opened_at",
            "opened_by",
            "resolved_at",
            "version",
            "interactions",
        )

    def get_interactions(self, case: Case) -> list[int]:
        """Ids of the sessions that belong to it."""
        return sorted(link.interaction_id for link in case.links.all())


class CaseFields(Strict):
    """What people write into a case."""

    subject = serializers.CharField(max_length=200, required=False)
    text = serializers.CharField(max_length=20_000, required=False, allow_blank=True)
    kind = serializers.ChoiceField(CaseKind.choices, required=False)
    priority = serializers.ChoiceField(Priority.choices, required=False)
    status = serializers.ChoiceField(CaseStatus.choices, required=False)
    topic = serializers.PrimaryKeyRelatedField(
        queryset=Topic.objects.filter(active=True), required=False, allow_null=True
    )
    owner = serializers.PrimaryKeyRelatedField(
        queryset=User.objects.filter(is_active=True, role__in=CASE_ROLES), required=False, allow_null=True
    )
    due_at = serializers.DateTimeField(required=False, allow_null=True)


class CaseEdit(CaseFields):
    """Fields of a case to change, and the version it was read at."""

    version = serializers.IntegerField(min_value=0, max_value=2**31 - 1)
    profile = VisibleKey(
        queryset=Profile.objects.all(),
        required=False,
        allow_null=True,
        help_text="On whose card it stands. Needs customers:write.",
    )


class CaseForm(CaseFields):
    """A case to register."""

    subject = serializers.CharField(max_length=200)
    profile = VisibleKey(queryset=Profile.objects.all(), required=False, allow_null=True)
    interaction = VisibleKey(
        queryset=Interaction.objects.all(),
        required=False,
        help_text="The session it came from. Needs interactions:read.",
    )


class CaseLinkForm(Strict):
    """A session to attach."""

    interaction = VisibleKey(queryset=Interaction.objects.all(), help_text="Needs interactions:read.")


class TaskRow(serializers.ModelSerializer[Task]):
    """Something a person, or somebody of a team, must do."""

    title = serializers.SerializerMethodField()
    contact = serializers.SerializerMethodField()
    assignee = Ref(allow_null=True)
    team = Ref(allow_null=True)
    created_by = Ref(allow_null=True)
    done_by = Ref(allow_null=True)
    overdue = serializers.BooleanField(source="is_overdue")

    class Meta:
        model = Task
        fields = (
            "id",
            "kind",
            "title",
            "text",
            "contact",
            "profile",
            "case",
            "interaction",
            "assignee",
            "team",
            "due_at",
            "overdue",
            "created_at",
            "created_by",
            "done_at",
            "done_by",
        )

    def get_contact(self, task: Task) -> str:
        """Whom to reach, masked for readers without customers:contacts."""
        return task.contact if _sees_contacts(self) else masked_contact(task.contact)

    def get_title(self, task: Task) -> str:
        """What to do. A callback of somebody unnamed is titled by his contact: masked alike."""
        return self.get_contact(task) if task.contact and task.title == task.contact else task.title


class TaskForm(Strict):
    """A task for a person or a team."""

    title = serializers.CharField(max_length=200)
    kind = serializers.ChoiceField(TaskKind.choices, default=TaskKind.TODO)
    text = serializers.CharField(max_length=20_000, required=False, allow_blank=True)
    contact = serializers.CharField(max_length=120, required=False, allow_blank=True)
    assignee = serializers.PrimaryKeyRelatedField(
        queryset=User.objects.filter(is_active=True, role__in=CASE_ROLES), required=False
    )
    team = serializers.PrimaryKeyRelatedField(queryset=Team.objects.all(), required=False)
    profile = VisibleKey(queryset=Profile.objects.all(), required=False)
    case = VisibleKey(queryset=Case.objects.all(), required=False)
    interaction = VisibleKey(queryset=Interaction.objects.all(), required=False, help_text="Needs interactions:read.")
    due_at = serializers.DateTimeField(required=False, allow_null=True)


def _sees_contacts(row: serializers.BaseSerializer[Any]) -> bool:
    return bool(row.context["request"].user.passes(Scope.CUSTOMERS_CONTACTS))
