"""The contacts behind every number of the board: visits to queues, filtered as the numbers count them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import django_filters
from django.db.models import Exists, F, OuterRef, Prefetch, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.segmentation import names_of
from cxcenter.board import scope
from cxcenter.board.counted import SLOT_S, start_of, today
from cxcenter.core.api.pagination import after as behind
from cxcenter.core.reading import YEARS, cursor
from interactions.choices import ChannelKind
from interactions.models import Interaction, Topic
from quality import forecast, metrics, policies
from quality.metrics import measures
from routing.models import Assignment, WorkItem

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

PAGE = 50
# What goes on now has no day; all other conditions are of the visits that arrived today.
NOW = {"waiting": gettext_lazy("Waiting"), "in_work": gettext_lazy("In work")}
TODAY = {
    "entered": gettext_lazy("Arrived today"),
    "answered": gettext_lazy("Answered"),
    "in_time": gettext_lazy("In time"),
    "late": gettext_lazy("Late"),
    "overdue": gettext_lazy("Waited too long"),
    "abandoned": gettext_lazy("Abandoned"),
    "level": gettext_lazy("Counted for the level"),
    "replied": gettext_lazy("Replied to"),
    "flowed_out": gettext_lazy("Flowed out"),
    "handled": gettext_lazy("Handled"),
}
STATES = NOW | TODAY


def _has_leg(which: Q) -> Q:
    return Q(Exists(Assignment.objects.filter(which, item=OuterRef("pk"))))


def _handled_today() -> Q:
    return metrics.HANDLED & Q(accepted_at__gte=start_of(today()))


CONDITIONS: dict[str, Callable[[], Q]] = {
    "waiting": lambda: metrics.WAITING,
    "in_work": lambda: _has_leg(metrics.IN_WORK),
    "entered": Q,
    "answered": lambda: metrics.ANSWERED,
    "in_time": lambda: measures.in_time(policies.holding())["answered_in_time"].which,
    "late": lambda: measures.late(policies.holding()),
    "overdue": lambda: metrics.overdue(timezone.now()),
    "abandoned": lambda: metrics.ABANDONED,
    "level": lambda: measures.below_line(policies.holding()),
    "replied": metrics.replied,
    "flowed_out": lambda: metrics.FLOWED_OUT,
    "handled": lambda: _has_leg(_handled_today()),
}


class ContactFilter(django_filters.FilterSet):  # type: ignore[misc]
    """The filters that links carry. Unknown values are ignored."""

    team = django_filters.NumberFilter(field_name="queue__team_id")
    queue = django_filters.NumberFilter(field_name="queue_id")
    topic = django_filters.NumberFilter(method="in_topic")
    day = django_filters.DateFilter(method="as_it_is")
    kind = django_filters.ChoiceFilter(field_name="interaction__kind", choices=ChannelKind.choices)
    state = django_filters.ChoiceFilter(method="in_state", choices=list(STATES.items()))
    operator = django_filters.NumberFilter(method="of_operator")
    slot = django_filters.NumberFilter(method="in_slot", min_value=0, max_value=100)
    wait = django_filters.NumberFilter(method="in_wait", min_value=0, max_value=len(metrics.WAIT_EDGES))
    reaction = django_filters.NumberFilter(method="in_reaction", min_value=0, max_value=len(metrics.REACTION_EDGES))

    class Meta:
        model = WorkItem
        fields: tuple[str, ...] = ()

    @property
    def state_now(self) -> str:
        """The chosen state; all of today without one."""
        chosen = self.form.cleaned_data.get("state") if self.form.is_valid() else ""
        return chosen or "entered"

    @property
    def day_asked(self) -> date:
        """The day of arrival: today without another."""
        chosen = self.form.cleaned_data.get("day") if self.form.is_valid() else None
        return chosen if chosen and chosen.year in YEARS else today()

    def filter_queryset(self, queryset: QuerySet[WorkItem]) -> QuerySet[WorkItem]:
        """Limit to one day unless what goes on now is asked."""
        if self.state_now not in NOW and self.state_now != "handled":
            day = self.day_asked
            begin, end = start_of(day), start_of(day + timedelta(days=1))
            queryset = queryset.filter(entered_at__gte=begin, entered_at__lt=end)
        found: QuerySet[WorkItem] = super().filter_queryset(queryset)
        return found

    def in_state(self, queryset: QuerySet[WorkItem], _name: str, value: str) -> QuerySet[WorkItem]:
        """Keep visits of a state."""
        return queryset.filter(CONDITIONS[value]())

    def as_it_is(self, queryset: QuerySet[WorkItem], _name: str, _value: Any) -> QuerySet[WorkItem]:
        """The day is limited by `filter_queryset`."""
        return queryset

    def in_topic(self, queryset: QuerySet[WorkItem], _name: str, value: Any) -> QuerySet[WorkItem]:
        """Keep contacts with a topic or one under it."""
        under = [topic for topic, top in forecast.tops().items() if int(value) in {topic, top}]
        return queryset.filter(interaction__topic__in=under)

    def of_operator(self, queryset: QuerySet[WorkItem], _name: str, value: Any) -> QuerySet[WorkItem]:
        """Keep visits that the operator holds, or has handled today."""
        which = {"handled": _handled_today(), "in_work": metrics.IN_WORK}.get(
            self.state_now, Q(accepted_at__isnull=False)
        )
        return queryset.filter(_has_leg(which & Q(operator_id=int(value))))

    def in_slot(self, queryset: QuerySet[WorkItem], _name: str, value: Any) -> QuerySet[WorkItem]:
        """Keep arrivals of one quarter of an hour of the day, counted from midnight."""
        begins = start_of(self.day_asked) + timedelta(seconds=int(value) * SLOT_S)
        return queryset.filter(entered_at__gte=begins, entered_at__lt=begins + timedelta(seconds=SLOT_S))

    def in_wait(self, queryset: QuerySet[WorkItem], _name: str, value: Any) -> QuerySet[WorkItem]:
        """Keep one column of the waits."""
        return _in_column(queryset.annotate(seconds=metrics.WAIT_S), metrics.WAIT_EDGES, int(value))

    def in_reaction(self, queryset: QuerySet[WorkItem], _name: str, value: Any) -> QuerySet[WorkItem]:
        """Keep one column of the reactions."""
        return _in_column(queryset.annotate(seconds=metrics.REACTION_S), metrics.REACTION_EDGES, int(value))


def _in_column(queryset: QuerySet[Any], edges: tuple[int, ...], column: int) -> QuerySet[WorkItem]:
    if column > 0:
        queryset = queryset.filter(seconds__gt=edges[column - 1])
    return queryset.filter(seconds__lte=edges[column]) if column < len(edges) else queryset


def filters_in_words(user: "User", chosen: ContactFilter) -> list[dict[str, str]]:
    """Return the filters that are set besides the state, in words, with the address without each."""
    values = chosen.form.cleaned_data if chosen.form.is_valid() else {}
    queue = scope.visits_of(user).filter(queue__pk__in=[values.get("queue") or 0]).select_related("queue").first()
    words = {
        "team": scope.teams_of(user).filter(pk__in=[values.get("team") or 0]).values_list("name", flat=True).first(),
        "queue": queue.queue.label(user.language) if queue else None,
        "kind": dict(ChannelKind.choices).get(values.get("kind") or ""),
        "topic": _topic_in_words(values.get("topic"), user.language),
        "day": f"{chosen.day_asked:%d.%m.%Y}",
        "operator": None,
        "slot": _slot_in_words(chosen.day_asked, values.get("slot")),
        "wait": _column_in_words(_("wait"), metrics.WAIT_EDGES, values.get("wait")),
        "reaction": _column_in_words(_("reaction"), metrics.REACTION_EDGES, values.get("reaction")),
    }
    operator = scope.operators_of(user).filter(pk=values.get("operator")).first()
    words["operator"] = operator.user.name if operator else None
    result = []
    for name, said in words.items():
        if values.get(name) in {None, ""}:
            continue
        rest = chosen.data.copy()
        for gone in (name, "after"):
            rest.pop(gone, None)
        result.append({"words": str(said or values[name]), "without": f"?{rest.urlencode()}"})
    return result


def _topic_in_words(topic: Any, language: str) -> str | None:
    found = Topic.objects.filter(pk__in=[topic or 0]).first()
    return found.label(language) if found else None


def _slot_in_words(day: date, slot: Any) -> str | None:
    if slot is None:
        return None
    begins = start_of(day) + timedelta(seconds=int(slot) * SLOT_S)
    ends = begins + timedelta(seconds=SLOT_S)
    return f"{timezone.localtime(begins):%H:%M}–{timezone.localtime(ends):%H:%M}"


def _column_in_words(what: str, edges: tuple[int, ...], column: Any) -> str | None:
    if column is None:
        return None
    number = int(column)
    if number == len(edges):
        return f"{what} > {edges[-1]} {_('s')}"
    return f"{what} {edges[number - 1] if number else 0}–{edges[number]} {_('s')}"


@dataclass(frozen=True)
class Contact:
    """One line of the list, plain values."""

    item: WorkItem
    name: str
    kind: str
    kind_label: str
    queue: str
    state: str
    # The wait: seconds when it has ended, else since when it lasts.
    wait_s: float | None
    since: datetime | None
    late: bool
    operators: str
    segments: list[str]


def page_of(
    user: "User", query: Any, *, language: str, after: str = ""
) -> tuple[ContactFilter, int, list[Contact], str]:
    """Return the filter, how many visits it finds, one page of them and the key of the next page ("" at the end).

    Who waits comes by his waiting, the longest first; all else by arrival, the newest first.
    """
    chosen = ContactFilter(query, scope.visits_of(user))
    found = chosen.qs
    waiting = chosen.state_now == "waiting"
    field, sign = ("waits_since", "") if waiting else ("entered_at", "-")
    rows = found.order_by(f"{sign}{field}", f"{sign}pk")
    if after:
        rows = rows.filter(behind((f"{sign}{field}", f"{sign}pk"), list(cursor(after))))
    legs = Assignment.objects.filter(accepted_at__isnull=False).select_related("operator").order_by("pk")
    related = rows.select_related("queue", "interaction__profile__customer")
    page = list(related.prefetch_related(Prefetch("legs", queryset=legs))[: PAGE + 1])
    more = ""
    if len(page) > PAGE:
        last = page[PAGE - 1]
        more = f"{getattr(last, field).isoformat()}_{last.pk}"
    now = timezone.now()
    names = _segment_names(page[:PAGE], language)
    return chosen, found.count(), [_contact(item, language, now, names) for item in page[:PAGE]], more


def _segment_names(page: list[WorkItem], language: str) -> dict[str, str]:
    """Return the names of the segments of a page by code. One query if there are any."""
    codes = sorted({code for item in page for code in item.segments})
    return dict(zip(codes, names_of(codes, language), strict=True))


def _contact(item: WorkItem, language: str, now: datetime, segments: dict[str, str]) -> Contact:
    waits = item.visit != "left"
    wait_s = None if item.left_at is None else (item.left_at - item.entered_at).total_seconds()
    lasted = (now - item.waits_since).total_seconds() if waits else wait_s or 0
    return Contact(
        item=item,
        name=item.interaction.caller,
        kind=item.interaction.kind,
        kind_label=str(ChannelKind(item.interaction.kind).label),
        queue=item.queue.label(language),
        state=_state_of(item),
        wait_s=wait_s,
        since=item.waits_since if waits else None,
        late=lasted > item.queue.target_s,
        operators=", ".join(leg.operator.name for leg in item.legs.all()),
        segments=[segments[code] for code in item.segments],
    )


def _state_of(item: WorkItem) -> str:
    if any(leg.leg == "active" for leg in item.legs.all()):
        return _("in work")
    return item.get_visit_display() if item.visit != "left" else item.get_outcome_display()


def last_visit(interaction: Interaction) -> WorkItem | None:
    """Return the visit a session is in, or its last."""
    return WorkItem.objects.filter(interaction=interaction).select_related("queue").order_by(F("pk").desc()).first()
