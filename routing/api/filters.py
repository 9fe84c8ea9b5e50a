"""What lists of routing are narrowed by."""

import django_filters

from cxcenter.core.api.filters import IdFilter, MomentFilter, RelatedIdFilter, StateFilter, YesNoFilter
from routing.choices import Outcome, State, Visit


class QueueFilter(django_filters.FilterSet):
    """Queues."""

    team = IdFilter("team_id")
    active = YesNoFilter("active")


class WorkItemFilter(django_filters.FilterSet):
    """Visits to queues."""

    queue = IdFilter("queue_id")
    interaction = IdFilter("interaction_id")
    operator = RelatedIdFilter("legs__operator_id", help_text="Visits offered to the operator.")
    visit = django_filters.ChoiceFilter(choices=Visit.choices)
    outcome = django_filters.ChoiceFilter(choices=Outcome.choices)
    entered_since = MomentFilter("entered_at", "gte")
    entered_until = MomentFilter("entered_at", "lt")


class CallbackFilter(django_filters.FilterSet):
    """Callbacks."""

    queue = IdFilter("queue_id")
    profile = IdFilter("profile_id")
    state = StateFilter("ended_at", "ended")
    asked_since = MomentFilter("asked_at", "gte")
    asked_until = MomentFilter("asked_at", "lt")


class OperatorFilter(django_filters.FilterSet):
    """Operators."""

    state = django_filters.ChoiceFilter(choices=State.choices)
    team = IdFilter("user__team_id")
    queue = RelatedIdFilter("user__memberships__queue_id")
