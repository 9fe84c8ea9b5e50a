"""What a supervisor fills in for his acts."""

from typing import Any

from django import forms
from django.conf import settings
from django.db.models import Q
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from customers.models import Segment
from interactions.models import Channel, Topic
from routing.choices import RESERVED, Mode, Work
from routing.models import PauseReason, Presence, Queue, Requirement, Skill

LASTING = [
    (15, _("15 minutes")),
    (30, _("30 minutes")),
    (60, _("1 hour")),
    (120, _("2 hours")),
    (240, _("4 hours")),
    (480, _("8 hours")),
    (1440, _("a day")),
]


class Ticks(forms.CheckboxSelectMultiple):
    """Several of a list, each with a box in our dress."""

    def create_option(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Give every box its class: that of the list stays with the list."""
        option = super().create_option(*args, **kwargs)
        option["attrs"]["class"] = "form-check-input"
        return option


class ActForm(forms.Form):
    """A form in our dress. `required` words of the browser are left to it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Give every control its class."""
        super().__init__(*args, **kwargs)
        self.dress()

    def dress(self) -> None:
        """Give every control its class."""
        for field in self.fields.values():
            css = "form-select" if isinstance(field.widget, forms.Select) else "form-control"
            field.widget.attrs.setdefault("class", css)


class Why(ActForm):
    """Why rules are changed."""

    why = forms.CharField(
        label=_("Why"), max_length=300, required=False, help_text=_("It stands in the list of versions.")
    )


class Lasting(ActForm):
    """For how long."""

    minutes = forms.TypedChoiceField(label=_("For"), choices=LASTING, coerce=int, initial=30)


class HoldQueue(Lasting):
    """A closing or a pause of a queue."""

    message = forms.CharField(
        label=_("Message to those who wait"),
        max_length=300,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Everybody who waits reads it in the chat. Empty: nothing is said."),
    )


class Thresholds(ActForm):
    """From when on a queue calls its supervisors."""

    waiting = forms.IntegerField(label=_("So many wait"), min_value=1, max_value=10_000, required=False)
    longest_s = forms.IntegerField(label=_("Somebody waits for, s"), min_value=1, max_value=86_400, required=False)
    level = forms.IntegerField(label=_("Service level below, %"), min_value=1, max_value=100, required=False)


class LendOperator(Lasting):
    """An operator for a queue."""

    operator = forms.ModelChoiceField(label=_("Operator"), queryset=Presence.objects.none(), empty_label=_("Choose"))

    field_order = ("operator", "minutes")

    def __init__(self, *args: Any, operators: Any, **kwargs: Any) -> None:
        """Offer these operators."""
        super().__init__(*args, **kwargs)
        self.fields["operator"].queryset = operators  # type: ignore[attr-defined]
        self.fields["operator"].label_from_instance = _person  # type: ignore[attr-defined]


class ServeQueue(Lasting):
    """A queue for an operator."""

    queue = forms.ModelChoiceField(label=_("Queue"), queryset=Queue.objects.none(), empty_label=_("Choose"))

    field_order = ("queue", "minutes")

    def __init__(self, *args: Any, queues: Any, **kwargs: Any) -> None:
        """Offer these queues."""
        super().__init__(*args, **kwargs)
        self.fields["queue"].queryset = queues  # type: ignore[attr-defined]
        self.fields["queue"].label_from_instance = _named  # type: ignore[attr-defined]


class SetState(ActForm):
    """The state of an operator."""

    mode = forms.ChoiceField(
        label=_("State"), choices=[(m, Mode(m).label) for m in (Mode.AVAILABLE, Mode.PAUSE, Mode.OFFLINE)]
    )
    reason = forms.ModelChoiceField(
        label=_("Reason of a pause"), queryset=PauseReason.objects.filter(active=True), required=False, empty_label="–"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Word the reasons in the reader's language."""
        super().__init__(*args, **kwargs)
        self.fields["reason"].label_from_instance = _named  # type: ignore[attr-defined]


class TakeKinds(ActForm):
    """Which kinds of work come to an operator."""

    takes = forms.MultipleChoiceField(
        label=_("Comes to him"),
        choices=Work.choices,
        required=False,
        widget=Ticks(attrs={"class": "cx-ticks"}),
    )

    def __init__(self, *args: Any, kinds: list[str], **kwargs: Any) -> None:
        """Offer the kinds that he is able to take."""
        super().__init__(*args, **kwargs)
        self.fields["takes"].choices = [(kind.value, kind.label) for kind in Work if kind in kinds]  # type: ignore[attr-defined]


class Moment(forms.DateTimeField):
    """A moment in the reader's zone, to the minute."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


class PlanTime(ActForm):
    """Time reserved for a meeting or a training."""

    state = forms.ChoiceField(label=_("What for"), choices=[(mode.value, mode.label) for mode in RESERVED])
    subject = forms.CharField(label=_("Subject"), max_length=120)
    starts_at = Moment(label=_("From"))
    ends_at = Moment(label=_("Until"))
    then = forms.ChoiceField(
        label=_("Afterwards"), choices=[(mode.value, mode.label) for mode in (Mode.AVAILABLE, Mode.PAUSE)]
    )
    operators = forms.ModelMultipleChoiceField(
        label=_("Who takes part"),
        queryset=Presence.objects.none(),
        widget=Ticks(attrs={"class": "cx-ticks"}),
    )

    def __init__(self, *args: Any, operators: Any, **kwargs: Any) -> None:
        """Offer these operators."""
        super().__init__(*args, **kwargs)
        self.fields["operators"].queryset = operators  # type: ignore[attr-defined]
        self.fields["operators"].label_from_instance = lambda one: one.user.name  # type: ignore[attr-defined]


class Move(ActForm):
    """Where a session goes: "queue:ID" or "person:ID"."""

    target = forms.ChoiceField(label=_("To"))
    note = forms.CharField(
        label=_("Note to the colleague"), max_length=1000, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, *args: Any, queues: list[Queue], people: list[Presence], **kwargs: Any) -> None:
        """Offer these queues and people."""
        super().__init__(*args, **kwargs)
        self.fields["target"].choices = [  # type: ignore[attr-defined]
            (_("Queues that are open"), [(f"queue:{q.pk}", _named(q)) for q in queues]),
            (_("People with room"), [(f"person:{p.user_id}", _person(p)) for p in people]),
        ]


class SetPriority(ActForm):
    """The priority of a waiting contact."""

    priority = forms.IntegerField(
        label=_("Priority"),
        min_value=0,
        max_value=20,
        help_text=_("From 0 to 20. Each step is a head start in the order of waiting."),
    )


class Named(forms.ModelChoiceField):  # type: ignore[type-arg]
    """A choice among rows that have a name in each language."""

    def label_from_instance(self, obj: Any) -> str:
        """Return its name in the reader's language."""
        return _named(obj)


class InOrder(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    """Rows in the order in which they are named."""

    def clean(self, value: Any) -> Any:
        """Return the rows. Raises ValidationError for one that there is not."""
        found = {row.pk: row for row in super().clean(value)}
        return [found[int(pk)] for pk in dict.fromkeys(value or ())]


class NewSkill(ActForm):
    """A skill."""

    name = forms.CharField(label=_("name"), max_length=60)
    name_ru = forms.CharField(label=_("Name in Russian"), max_length=60, required=False)


class AskForSkill(Why):
    """What work asks for, and how that loosens while it waits."""

    STEPS = 3

    skill = Named(label=_("Skill"), queryset=Skill.objects.all(), empty_label=_("Choose"))
    level = forms.TypedChoiceField(
        label=_("At least level"), choices=[(n, n) for n in range(1, 6)], coerce=int, initial=3
    )
    queue = Named(label=_("Contacts of the queue"), queryset=Queue.objects.none())
    topic = Named(
        label=_("With the topic"),
        queryset=Topic.objects.filter(active=True),
        required=False,
        empty_label=_("any topic"),
    )
    language = forms.ChoiceField(
        label=_("In the language"), choices=[("", _("any language")), *settings.LANGUAGES], required=False
    )
    segment = Named(
        label=_("Of customers of the segment"),
        queryset=Segment.objects.filter(active=True),
        required=False,
        empty_label=_("any customer"),
    )

    def __init__(self, *args: Any, queues: Any, everywhere: bool, rule: Requirement | None, **kwargs: Any) -> None:
        """Offer these queues; to whom may set it for all of them, all. What a rule has is offered whatever became of it."""
        super().__init__(*args, **kwargs)
        self._steps = max(self.STEPS, rule.steps.count() if rule else 0)
        self._ask_for_steps()
        self.dress()
        if rule is not None:
            queues = Queue.objects.filter(Q(pk__in=queues.values("pk")) | Q(pk=rule.queue_id)).order_by("name")
            topics = Topic.objects.filter(Q(active=True) | Q(pk=rule.topic_id))
            self.fields["topic"].queryset = topics  # type: ignore[attr-defined]
            segments = Segment.objects.filter(Q(active=True) | Q(pk=rule.segment_id))
            self.fields["segment"].queryset = segments  # type: ignore[attr-defined]
            known = dict(self.fields["language"].choices)  # type: ignore[attr-defined]
            if rule.language not in known:
                self.fields["language"].choices = [*known.items(), (rule.language, rule.language)]  # type: ignore[attr-defined]
        queue = self.fields["queue"]
        queue.queryset = queues  # type: ignore[attr-defined]
        queue.required = not everywhere
        queue.empty_label = _("all queues") if everywhere else _("Choose")  # type: ignore[attr-defined]

    def _ask_for_steps(self) -> None:
        for number in range(1, self._steps + 1):
            self.fields[f"after_{number}"] = forms.IntegerField(
                label=_("After, s"), min_value=1, max_value=86400, required=False
            )
            self.fields[f"level_{number}"] = forms.TypedChoiceField(
                label=_("at least"),
                choices=[("", "–"), (0, _("anyone")), *((n, n) for n in range(1, 5))],
                coerce=int,
                empty_value=None,
                required=False,
            )

    def steps(self) -> list[tuple[Any, Any]]:
        """Return the fields of the steps, two by two."""
        return [(self[f"after_{n}"], self[f"level_{n}"]) for n in range(1, self._steps + 1)]

    def clean(self) -> dict[str, Any]:
        """Gather the steps. A step needs both its time and its level."""
        said: dict[str, Any] = super().clean() or {}
        steps = []
        for number in range(1, self._steps + 1):
            after, level = said.get(f"after_{number}"), said.get(f"level_{number}")
            if (after is None) != (level is None):
                missing = f"after_{number}" if after is None else f"level_{number}"
                self.add_error(missing, _("A step needs a time and a level."))
            elif after is not None:
                steps.append((after, level))
        return {**said, "steps": steps}


class SaveOrder(Why):
    """What stands ahead of the rest, by numbers, the first first."""

    channels = InOrder(queryset=Channel.objects.all(), required=False)
    topics = InOrder(queryset=Topic.objects.all(), required=False)
    segments = InOrder(queryset=Segment.objects.all(), required=False)
    also_waiting = forms.BooleanField(required=False)


class Whisper(ActForm):
    """A note to the operator."""

    text = forms.CharField(
        label=_("Note to the operator"),
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 2, "placeholder": _("Only colleagues see it")}),
    )


def _person(presence: Presence) -> str:
    return f"{presence.user.name} · {presence.get_state_display()} · {presence.load}/{presence.capacity}"


def _named(row: Queue | PauseReason) -> str:
    return row.label(translation.get_language() or "en")
