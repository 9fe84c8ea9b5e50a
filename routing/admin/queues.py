"""Queues, entrances, policy."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.admin import StackedInline
from unfold.decorators import display

from cxcenter.core.adminkit import Rights, RowsInline, SettingsAdmin, act_on_each, badge
from routing.actions import control, queueing
from routing.choices import Estimator
from routing.estimators import DEFAULT
from routing.forms import OverflowFormSet
from routing.models import (
    Backtest,
    Entrance,
    FrequentRule,
    Overflow,
    Policy,
    Queue,
    QueueMember,
)

STATES = {"open": "ok", "paused": "warn", "closed": "bad", "nobody": "bad"}


class MemberInline(RowsInline):
    """Who serves the queue."""

    model = QueueMember
    fields = ("user", "until")
    autocomplete_fields = ("user",)
    ordering = ("user__first_name",)
    hide_title = True
    per_page = 25


class OverflowInline(Rights, StackedInline):
    """What becomes of those whom the queue cannot serve soon. The rules are put in their order by dragging."""

    model = Overflow
    formset = OverflowFormSet
    fk_name = "queue"
    fields = (("when", "limit"), ("then", "to"), ("words", "words_ru"), "place")
    autocomplete_fields = ("to",)
    ordering_field = "place"
    hide_ordering_field = True
    extra = 0

    def get_queryset(self, request: HttpRequest) -> QuerySet[Overflow]:
        """Fetch the queues that the rules name with them."""
        rows: QuerySet[Overflow] = super().get_queryset(request)
        return rows.select_related("to")


class FrequentInline(RowsInline):
    """Who comes too often for the first line."""

    model = FrequentRule
    fk_name = "queue"
    fields = ("contacts", "days", "to")
    autocomplete_fields = ("to",)
    max_num = 1


@admin.register(Queue)
class QueueAdmin(SettingsAdmin):
    """Where contacts wait."""

    list_display = ("name", "name_ru", "team", "standing", "served_by", "hours", "priority", "target_s")
    list_filter = ("team", "active")
    list_select_related = ("team", "hours")
    search_fields = ("name", "name_ru")
    autocomplete_fields = ("team", "hours")
    readonly_fields = ("closed_until", "paused_until", "message", "foretold")
    inlines = (OverflowInline, FrequentInline, MemberInline)
    actions = ("open_again",)
    fieldsets = (
        (None, {"fields": (("name", "name_ru"), ("team", "hours"), "active")}),
        (
            _("Order of waiting"),
            {
                "fields": (("priority", "max_waiting"), ("priority_weight", "wait_weight"), ("choice", "preferred_s")),
                "description": _(
                    "The score of a contact is weight of priority × priority + weight of waiting × seconds;"
                    " the highest comes first."
                ),
            },
        ),
        (
            _("Targets"),
            {
                "fields": (("target_s", "target_percent", "reply_s"),),
                "description": _("Who waits longer than the target is moved ahead, and the supervisor is told."),
            },
        ),
        (
            _("Estimate of the wait"),
            {
                "fields": ("foretold",),
                "description": _(
                    "What visitors are told is measured by what became of it. The estimator that would have erred least over"
                    " the last weeks is used; it is chosen anew each night."
                ),
            },
        ),
        (
            _("Callbacks"),
            {
                "fields": ("callbacks", ("callback_ahead_s", "callback_attempts", "callback_pause_min")),
                "description": _("Calls keep to the hours of the queue, and to the day where the customer lives."),
            },
        ),
        (
            _("Calls"),
            {
                "fields": (
                    "missed_tasks",
                    ("voicemail", "voicemail_after_s"),
                    ("record_calls", "keep_recordings_days"),
                    "tell_listening",
                )
            },
        ),
        (_("Work of an operator"), {"fields": ("offer_s", ("wrapup_s", "wrapup_more_s"), "auto_accept")}),
        (
            _("Closed or paused by hand"),
            {
                "fields": (("closed_until", "paused_until"), "message"),
                "description": _("Supervisors do this on the board; it ends by itself."),
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Queue]:
        """Count those who serve each queue once for the whole list."""
        rows: QuerySet[Queue] = super().get_queryset(request)
        serves = Q(memberships__user__is_active=True)
        return rows.annotate(servers=Count("memberships", filter=serves, distinct=True))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: a queue that is no longer used is switched off."""
        return False

    @display(description=_("state"))
    def standing(self, queue: Queue) -> SafeString:
        """Show whether it is switched off, or closed or paused by hand."""
        now = timezone.now()
        if not queue.active:
            return badge(STATES, "off", _("switched off"))
        if queue.closed_until and queue.closed_until > now:
            return badge(STATES, "closed", _("closed by hand"))
        if queue.paused_until and queue.paused_until > now:
            return badge(STATES, "paused", _("paused"))
        return badge(STATES, "open", _("in work"))

    @display(description=_("served by"), ordering="servers")
    def served_by(self, queue: Queue) -> Any:
        """Count the operators; nobody is a warning."""
        return queue.servers or badge(STATES, "nobody", _("nobody"))  # type: ignore[attr-defined]

    @display(description=_("estimators"))
    def foretold(self, queue: Queue) -> Any:
        """Show the estimators by how far they would have erred, the one in use first."""
        found = Backtest.objects.filter(queue=queue.pk).first()
        if found is None:
            return _("Too few waits to compare estimators yet: %(name)s is used.") % {"name": DEFAULT.label}
        rows = [
            (Estimator(code).label, *(round(one[name]) for name in ("mae_s", "bias_s", "visits")))
            for code, one in sorted(found.figures.items(), key=lambda one: (one[0] != found.estimator, one[1]["mae_s"]))
        ]
        heads = (_("estimator"), _("mean absolute error, s"), _("bias, s"), _("visits"))
        return format_html(
            '<table class="cx-figures"><thead><tr>{}</tr></thead><tbody>{}</tbody></table><p>{}</p>',
            format_html_join("", "<th>{}</th>", ((head,) for head in heads)),
            format_html_join("", "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>", rows),
            _("The first one is in use. Measured from %(since)s to %(until)s.")
            % {"since": date_format(found.since), "until": date_format(found.until)},
        )

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Give those who wait their places by the new weights."""
        before = queueing.head_start(Queue.objects.get(pk=obj.pk), 1) if change else None
        super().save_model(request, obj, form, change)
        if before is not None and before != queueing.head_start(obj, 1):
            queueing.reorder(queue=obj, before=before)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Warn about a queue that nobody serves."""
        super().save_related(request, form, formsets, change)
        if not QueueMember.objects.filter(queue=form.instance, user__is_active=True).exists():
            messages.warning(request, _("Nobody serves this queue: its contacts would wait for ever. Add members."))

    @admin.action(description=_("Open again"), permissions=["change"])
    def open_again(self, request: HttpRequest, rows: QuerySet[Queue]) -> None:
        """End a closing or a pause before its time."""
        act_on_each(request, rows, lambda queue: control.open_queue(queue=queue, actor=request.user))  # type: ignore[arg-type]


@admin.register(Entrance)
class EntranceAdmin(SettingsAdmin):
    """Which queue a new session goes to."""

    list_display = ("channel", "about", "queue", "boost")
    list_display_links = ("channel", "about")
    list_filter = ("channel", "queue")
    list_select_related = ("channel", "topic__parent", "queue")
    autocomplete_fields = ("channel", "topic", "queue")
    search_fields = ("channel__name", "topic__name", "queue__name")
    ordering = ("channel__name", "topic__name")
    fieldsets = (
        (
            None,
            {
                "fields": (("channel", "topic"), ("queue", "boost")),
                "description": _(
                    "A topic without an entrance of its own goes where the topic above it goes."
                    " The entrance without a topic takes all the rest of the channel."
                ),
            },
        ),
    )

    @display(description=_("topic"), ordering="topic__name")
    def about(self, entrance: Entrance) -> Any:
        """Name the topic, or say that it is for all others."""
        return str(entrance.topic) if entrance.topic else _("all others")


@admin.register(Policy)
class PolicyAdmin(SettingsAdmin):
    """Limits of the whole installation: one page, no list."""

    fieldsets = (
        (
            _("Operators who vanish"),
            {
                "fields": (("operator_grace_s", "keep_talks_s"),),
                "description": _(
                    "An operator vanishes when his browser is closed or his network is lost."
                    " His call goes back to the queue at once then, what is written to him after the second time."
                ),
            },
        ),
        (_("Offers"), {"fields": ("decline_rest_s",)}),
    )

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Lead to the one page."""
        return redirect("admin:routing_policy_change", Policy.current().pk)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: there is one policy."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: there is one policy."""
        return False
