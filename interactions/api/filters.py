"""What lists of talks, cases and tasks are narrowed by."""

from typing import Any

import django_filters
from django.db.models import Q, QuerySet
from django.utils import timezone

from customers.api.filters import CustomerIdFilter
from cxcenter.core.api.filters import IdFilter, MomentFilter, RelatedIdFilter, StateFilter, YesNoFilter
from interactions.choices import Audience, Author, CaseKind, CaseStatus, ChannelKind, Priority, TaskKind


class ThreadFilter(django_filters.FilterSet):
    """Threads."""

    channel = IdFilter("channel_id")
    identity = IdFilter("identity_id")
    profile = IdFilter("profile_id")
    customer = CustomerIdFilter("profile__customer_id")


class InteractionFilter(django_filters.FilterSet):
    """Sessions."""

    state = StateFilter("closed_at", "closed")
    kind = django_filters.ChoiceFilter(choices=ChannelKind.choices)
    channel = IdFilter("thread__channel_id")
    thread = IdFilter("thread_id")
    queue = RelatedIdFilter("visits__queue_id", help_text="Sessions that have been in the queue.")
    operator = RelatedIdFilter("legs__operator_id", help_text="Sessions offered to the operator.")
    profile = IdFilter("profile_id")
    customer = CustomerIdFilter("profile__customer_id")
    topic = IdFilter("topic_id")
    opened_since = MomentFilter("opened_at", "gte")
    opened_until = MomentFilter("opened_at", "lt")
    active_since = MomentFilter("last_message_at", "gte", help_text="With a message since then.")


class MessageFilter(django_filters.FilterSet):
    """Messages."""

    author = django_filters.ChoiceFilter(choices=Author.choices)
    audience = django_filters.ChoiceFilter(choices=Audience.choices)
    after = IdFilter("seq", "gt", help_text="Behind this place in the thread.")


class CaseFilter(django_filters.FilterSet):
    """Cases."""

    status = django_filters.ChoiceFilter(choices=CaseStatus.choices)
    kind = django_filters.ChoiceFilter(choices=CaseKind.choices)
    priority = django_filters.TypedChoiceFilter(choices=Priority.choices, coerce=int)
    owner = IdFilter("owner_id")
    topic = IdFilter("topic_id")
    profile = IdFilter("profile_id")
    customer = CustomerIdFilter("profile__customer_id")
    interaction = RelatedIdFilter("links__interaction_id")
    overdue = YesNoFilter(method="by_overdue")
    opened_since = MomentFilter("opened_at", "gte")
    opened_until = MomentFilter("opened_at", "lt")

    def by_overdue(self, rows: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        """Keep open cases whose time has passed, or all others."""
        late = Q(status__in=["open", "waiting"], due_at__lt=timezone.now(), due_at__isnull=False)
        return rows.filter(late) if value == "true" else rows.exclude(late)


class TaskFilter(django_filters.FilterSet):
    """Tasks."""

    state = StateFilter("done_at", "done")
    kind = django_filters.ChoiceFilter(choices=TaskKind.choices)
    assignee = IdFilter("assignee_id")
    team = IdFilter("team_id")
    profile = IdFilter("profile_id")
    customer = CustomerIdFilter("profile__customer_id")
    case = IdFilter("case_id")
    interaction = IdFilter("interaction_id")
    due_until = MomentFilter("due_at", "lt")
