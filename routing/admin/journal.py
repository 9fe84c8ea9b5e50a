"""What routing has done, read-only."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display

from customers.masking import masked
from cxcenter.core.adminkit import JournalAdmin, ReadInline, act_on_each, badge
from cxcenter.core.templatetags.cx import clock
from routing.actions import control, handover
from routing.admin.people import state_badge
from routing.choices import CallbackEnd, CallbackState, Leg, LegEnd, Outcome
from routing.models import Alert, Assignment, Callback, PresenceInterval, WorkItem

VISITS = {"waiting": "warn", "offered": "info", Outcome.ANSWERED: "ok", Outcome.ABANDONED: "bad"}
CALLBACKS: dict[str, str] = {
    CallbackState.PLANNED: "info",
    CallbackState.QUEUED: "warn",
    CallbackEnd.REACHED: "ok",
    CallbackEnd.CAME: "ok",
    CallbackEnd.NO_ANSWER: "bad",
    CallbackEnd.WRONG_NUMBER: "bad",
}
LEGS: dict[str, str] = {
    Leg.OFFERED: "warn",
    Leg.ACTIVE: "info",
    LegEnd.FINISHED: "ok",
    LegEnd.EXPIRED: "bad",
    LegEnd.VANISHED: "bad",
}


def lasted(span: timedelta | None) -> str:
    """Write a length of time as a clock shows it; nothing for one that goes on."""
    return clock(span.total_seconds()) if span is not None else ""


class LegInline(ReadInline):
    """With whom the contact was."""

    model = Assignment
    fields = ("operator", "leg", "end", "offered_at", "accepted_at", "ended_at", "wrapped_at")
    show_change_link = True
    ordering = ("pk",)
    verbose_name_plural = _("legs")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Assignment]:
        """Fetch the operators with their legs."""
        rows: QuerySet[Assignment] = super().get_queryset(request)
        return rows.select_related("operator")


@admin.register(WorkItem)
class WorkItemAdmin(JournalAdmin):
    """Visits to queues."""

    has_number = True
    list_display = ("__str__", "queue", "interaction", "standing", "priority", "entered_at", "waited", "escalated_at")
    list_filter = ("visit", "outcome", "queue")
    list_select_related = ("queue", "interaction")
    search_fields = ("=interaction__id",)
    search_help_text = _("A number like W-12, or that of a session without letters.")
    date_hierarchy = "entered_at"
    inlines = (LegInline,)
    actions = ("raise_priority",)

    @display(description=_("state"))
    def standing(self, item: WorkItem) -> SafeString:
        """Show how it left, or that it waits."""
        if item.outcome:
            return badge(VISITS, item.outcome, item.get_outcome_display())
        return badge(VISITS, item.visit, item.get_visit_display())

    @display(description=_("waited"))
    def waited(self, item: WorkItem) -> str:
        """Show how long it waited."""
        return lasted(item.left_at - item.entered_at if item.left_at else None)

    @admin.action(description=_("One step of priority up"), permissions=["view"])
    def raise_priority(self, request: HttpRequest, rows: QuerySet[WorkItem]) -> None:
        """Move the chosen contacts ahead."""
        waiting = rows.exclude(visit="left").select_related("queue")
        act_on_each(
            request,
            waiting,
            lambda item: control.set_priority(item=item, priority=item.priority + 1, actor=request.user),  # type: ignore[arg-type]
        )


@admin.register(Assignment)
class AssignmentAdmin(JournalAdmin):
    """Legs: who was offered what, and what came of it."""

    has_number = True
    list_display = ("__str__", "operator", "interaction", "standing", "offered_at", "reacted", "held")
    list_filter = ("leg", "end", ("operator", AutocompleteSelectFilter))
    list_filter_submit = True
    list_select_related = ("operator", "interaction")
    search_fields = ("=interaction__id",)
    search_help_text = _("A number like A-12, or that of a session without letters.")
    actions = ("give_back",)

    @display(description=_("state"))
    def standing(self, leg: Assignment) -> SafeString:
        """Show how it ended, or where it stands."""
        if leg.end:
            return badge(LEGS, leg.end, leg.get_end_display())
        return badge(LEGS, leg.leg, leg.get_leg_display())

    @display(description=_("accepted after"))
    def reacted(self, leg: Assignment) -> str:
        """Show how long the operator thought."""
        return lasted(leg.accepted_at - leg.offered_at if leg.accepted_at else None)

    @display(description=_("in work for"))
    def held(self, leg: Assignment) -> str:
        """Show how long it was in work, wrap-up included."""
        ended = leg.wrapped_at or leg.ended_at
        return lasted(ended - leg.accepted_at if leg.accepted_at and ended else None)

    @admin.action(description=_("Give back to the queue"), permissions=["view"])
    def give_back(self, request: HttpRequest, rows: QuerySet[Assignment]) -> None:
        """Let the contacts in work wait in their queue again."""
        act_on_each(
            request,
            rows.filter(leg=Leg.ACTIVE).select_related("item__queue"),
            lambda leg: _give_back(leg, request.user),
        )


def _give_back(leg: Assignment, actor: Any) -> None:
    handover.transfer(interaction_id=leg.interaction_id, actor=actor, queue=leg.item.queue, by_supervisor=True)


@admin.register(Callback)
class CallbackAdmin(JournalAdmin):
    """Callbacks: who is to be called, when, and what came of it."""

    has_number = True
    list_display = ("__str__", "whom", "queue", "standing", "attempts", "asked_at", "due_at", "ended_at", "ended_by")
    list_filter = ("state", "result", "queue")
    list_select_related = ("queue", "ended_by", "thread__identity")
    search_fields = ("=session__id", "=source__id")
    search_help_text = _("A number like CB-12, or that of a session without letters.")
    date_hierarchy = "asked_at"

    @display(description=_("whom to call"))
    def whom(self, callback: Callback) -> str:
        """Show the name he gave, and the end of his phone."""
        identity = callback.thread.identity
        return " ".join(filter(None, (callback.name, masked(identity.kind, identity.value))))

    @display(description=_("state"))
    def standing(self, callback: Callback) -> SafeString:
        """Show what became of it, or where it stands."""
        if callback.result:
            return badge(CALLBACKS, callback.result, callback.get_result_display())
        return badge(CALLBACKS, callback.state, callback.get_state_display())


@admin.register(PresenceInterval)
class IntervalAdmin(JournalAdmin):
    """States of operators, one after another."""

    list_display = ("user", "standing", "started_at", "ended_at", "length")
    list_filter = ("state", ("user", AutocompleteSelectFilter))
    list_filter_submit = True
    list_select_related = ("user", "reason")

    @display(description=_("state"))
    def standing(self, interval: PresenceInterval) -> SafeString:
        """Show the state, with the reason of a pause."""
        return state_badge(interval)

    @display(description=_("lasted"))
    def length(self, interval: PresenceInterval) -> str:
        """Show how long it lasted."""
        return lasted(interval.ended_at - interval.started_at if interval.ended_at else None)


@admin.register(Alert)
class AlertAdmin(JournalAdmin):
    """What supervisors were told."""

    list_display = ("at", "kind", "team", "queue", "user", "ended_at", "seen_at", "seen_by")
    list_filter = ("kind", "team", "queue")
    list_select_related = ("team", "queue", "user", "seen_by")
    date_hierarchy = "at"
    actions = ("see",)

    @admin.action(description=_("Mark as seen"), permissions=["view"])
    def see(self, request: HttpRequest, rows: QuerySet[Alert]) -> None:
        """Take the chosen alerts off the board."""
        act_on_each(request, rows, lambda alert: control.see_alert(alert=alert, actor=request.user))  # type: ignore[arg-type]
