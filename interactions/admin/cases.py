"""Cases and tasks, read-only: they are worked on at the desk."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from cxcenter.core.adminkit import JournalAdmin, ReadInline, act_on_each, badge
from interactions.actions import cases
from interactions.choices import CaseStatus
from interactions.models import Case, CaseLink, Task

STATES = {
    "overdue": "bad",
    "done": "ok",
    CaseStatus.OPEN: "warn",
    CaseStatus.WAITING: "info",
    CaseStatus.SOLVED: "ok",
}


class SessionInline(ReadInline):
    """Sessions that belong to the case."""

    model = CaseLink
    fields = ("interaction", "linked_by", "at")
    ordering = ("pk",)
    verbose_name_plural = _("sessions")

    def get_queryset(self, request: HttpRequest) -> QuerySet[CaseLink]:
        """Fetch the sessions with their links."""
        rows: QuerySet[CaseLink] = super().get_queryset(request)
        return rows.select_related("interaction", "linked_by")


@admin.register(Case)
class CaseAdmin(JournalAdmin):
    """Questions and complaints."""

    has_number = True
    list_display = ("number", "subject", "standing", "kind", "priority", "customer", "owner", "due_at")
    list_filter = ("status", "kind", "priority", "owner", "topic")
    list_select_related = ("profile__customer", "owner")
    search_fields = ("subject", "profile__customer__name")
    search_help_text = _("Words of the subject, a customer's name, or a number like CS-12.")
    date_hierarchy = "opened_at"
    inlines = (SessionInline,)
    actions = ("close",)

    @display(description=_("number"), ordering="pk")
    def number(self, case: Case) -> str:
        """Show the number people say aloud."""
        return case.number

    @display(description=_("status"), ordering="status")
    def standing(self, case: Case) -> SafeString:
        """Show the status; an open case past its time is overdue."""
        if case.is_overdue:
            return badge(STATES, "overdue", _("overdue"))
        return badge(STATES, case.status, case.get_status_display())

    @display(description=_("customer"))
    def customer(self, case: Case) -> str:
        """Name the customer."""
        return str(case.profile.customer) if case.profile else ""

    @admin.action(description=_("Close the cases"), permissions=["view"])
    def close(self, request: HttpRequest, rows: QuerySet[Case]) -> None:
        """Close the chosen cases."""
        status = CaseStatus.CLOSED
        act_on_each(
            request,
            rows,
            lambda case: cases.change_case(case_id=case.pk, version=None, status=status, actor=request.user),  # type: ignore[arg-type]
        )


@admin.register(Task)
class TaskAdmin(JournalAdmin):
    """What people have to do."""

    list_display = ("title", "standing", "kind", "assignee", "team", "due_at", "created_at")
    list_filter = ("kind", "team", "assignee")
    list_select_related = ("assignee", "team")
    search_fields = ("title",)
    date_hierarchy = "created_at"
    actions = ("finish", "reopen")

    @display(description=_("state"))
    def standing(self, task: Task) -> SafeString:
        """Show whether it is done, open or overdue."""
        if task.done_at is not None:
            return badge(STATES, "done", _("done"))
        return badge(STATES, "overdue", _("overdue")) if task.is_overdue else badge(STATES, "open", _("open"))

    @admin.action(description=_("Mark as done"), permissions=["view"])
    def finish(self, request: HttpRequest, rows: QuerySet[Task]) -> None:
        """Mark the chosen tasks as done."""
        act_on_each(request, rows, lambda task: cases.finish_task(task_id=task.pk, actor=request.user))  # type: ignore[arg-type]

    @admin.action(description=_("Open again"), permissions=["view"])
    def reopen(self, request: HttpRequest, rows: QuerySet[Task]) -> None:
        """Open the chosen tasks again."""
        act_on_each(request, rows, lambda task: cases.reopen_task(task_id=task.pk, actor=request.user))  # type: ignore[arg-type]
