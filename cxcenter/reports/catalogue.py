"""The metrics as they are chosen from: in groups, each with its definition."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from quality.metrics.metric import Metric
from quality.metrics.registry import METRICS

GROUPS: dict[str | Promise, tuple[str, ...]] = {
    _("Visits to queues"): (
        "offered", "answered", "abandoned", "abandoned_short", "callbacks", "flowed_out", "withdrawn",
        "blocked_b1", "blocked_b2", "blocked_b3",
    ),
    _("Waiting and loss"): ("abandonment", "abandonment_net", "asa", "abandon_wait", "longest_wait"),
    _("Estimate of the wait"): ("foretold", "estimate_bias_s", "estimate_mae_s"),
    _("Overflow"): tuple(code for code in METRICS if code.startswith("overflow_")),
    _("Service level"): ("service_level", *(code for code in METRICS if code.startswith("level_"))),
    _("Handling"): ("handled", "aht", "talk", "wrapup", "transferred", "transfer_rate", "transfer_rate_blind", "transfer_rate_queue", "response_time"),
    _("Contacts and reaction"): (
        "contacts", "agents", "bot", "queue", "first_response", "first_response_open", "reaction_10", "reaction_20", "reaction_30", "reaction_late",
    ),
    _("Satisfaction"): ("rated", "csat", "dsat", "ces"),
    _("Repeats and cases"): ("repeat_rate", "fcr", "solved", "resolution_time"),
    _("Operators' time"): (
        "login_s", "available_s", "handling_s", "pause_s", "meeting_s", "training_s", "not_responding_s",
        "occupancy", "utilisation", "shrinkage",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Choice:
    """One metric to choose."""

    code: str
    metric: Metric
    chosen: bool


@dataclass(frozen=True)
class Group:
    """Metrics of one kind."""

    name: str
    choices: list[Choice]

    @property
    def chosen(self) -> int:
        """How many of them are chosen."""
        return sum(choice.chosen for choice in self.choices)


def groups_of(chosen: set[str]) -> list[Group]:
    """Return all metrics in their groups; a metric that no group names stands in the last."""
    named = {code for codes in GROUPS.values() for code in codes}
    groups = [*GROUPS.items(), (_("Others"), tuple(code for code in METRICS if code not in named))]
    return [
        Group(str(name), [Choice(code, METRICS[code], code in chosen) for code in codes])
        for name, codes in groups
        if codes
    ]
