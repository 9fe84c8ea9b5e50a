"""Cases and tasks: what is to be solved or done."""

from datetime import timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers import normalise
from interactions.choices import CaseKind, CaseStatus, Priority, TaskKind
from interactions.models.channels import Topic
from interactions.querysets import CaseQuerySet, TaskQuerySet


class Case(models.Model):
    """A question or complaint to be solved, over any number of interactions."""

    profile = models.ForeignKey(
        "customers.Profile", verbose_name=_("customer"), null=True, on_delete=models.PROTECT, related_name="cases"
    )
    kind = models.CharField(_("kind"), max_length=10, choices=CaseKind, default=CaseKind.QUESTION)
    topic = models.ForeignKey(Topic, verbose_name=_("topic"), null=True, on_delete=models.SET_NULL, related_name="+")
    subject = models.CharField(_("subject"), max_length=200)
    text = models.TextField(_("what happened"), blank=True)
    priority = models.SmallIntegerField(_("priority"), choices=Priority, default=Priority.NORMAL)
    status = models.CharField(_("status"), max_length=8, choices=CaseStatus, default=CaseStatus.OPEN)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("responsible"),
        null=True,
        on_delete=models.SET_NULL,
        related_name="cases",
    )
    due_at = models.DateTimeField(_("answer till"), null=True, blank=True)
    opened_at = models.DateTimeField(_("opened"), default=timezone.now)
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("opened by"), null=True, on_delete=models.SET_NULL, related_name="+"
    )
    resolved_at = models.DateTimeField(_("solved"), null=True)
    # How long it has been agreed to wait in all, and since when it waits now: no part of the time it takes to solve it.
    waited = models.DurationField(_("waited"), default=timedelta, db_default=timedelta())
    waiting_since = models.DateTimeField(_("waits since"), null=True)
    version = models.IntegerField(_("version"), default=0)

    objects = CaseQuerySet.as_manager()

    class Meta:
        verbose_name = _("case")
        verbose_name_plural = _("cases")
        indexes: ClassVar = [
            models.Index(fields=["profile", "-opened_at"], name="case_of_profile"),
            models.Index(fields=["owner", "due_at"], name="case_open", condition=Q(status__in=["open", "waiting"])),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        """The number that people say aloud."""
        return f"CS-{self.pk}"

    @property
    def is_open(self) -> bool:
        """Tell whether somebody still has to act."""
        return self.status in {CaseStatus.OPEN, CaseStatus.WAITING}

    @property
    def is_overdue(self) -> bool:
        """Tell whether an open case has passed its time."""
        return self.is_open and self.due_at is not None and self.due_at < timezone.now()


class CaseLink(models.Model):
    """A session that belongs to a case."""

    case = models.ForeignKey(Case, verbose_name=_("case"), on_delete=models.CASCADE, related_name="links")
    interaction = models.ForeignKey(
        "Interaction", verbose_name=_("interaction"), on_delete=models.CASCADE, related_name="case_links"
    )
    linked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("linked by"), null=True, on_delete=models.SET_NULL, related_name="+"
    )
    at = models.DateTimeField(_("when"), default=timezone.now)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["case", "interaction"], name="case_link_once")]

    def __str__(self) -> str:
        return f"{self.case_id} ↔ {self.interaction_id}"


class MissedCall(models.Model):
    """A call that nobody answered, and the task that it made, or that it is counted on."""

    interaction = models.OneToOneField(
        "Interaction", primary_key=True, on_delete=models.CASCADE, related_name="missed", verbose_name=_("interaction")
    )
    task = models.ForeignKey("Task", verbose_name=_("task"), on_delete=models.CASCADE, related_name="missed")
    at = models.DateTimeField(_("when"), default=timezone.now)

    def __str__(self) -> str:
        return f"{self.interaction_id} → {self.task_id}"


class Task(models.Model):
    """Something a person, or somebody of a team, must do by a time."""

    kind = models.CharField(_("kind"), max_length=10, choices=TaskKind, default=TaskKind.TODO)
    title = models.CharField(_("what to do"), max_length=200)
    text = models.TextField(_("details"), blank=True)
    # Whom to reach, as the customer typed it: unverified.
    contact = models.CharField(_("contact"), max_length=120, blank=True)
    profile = models.ForeignKey(
        "customers.Profile", verbose_name=_("customer"), null=True, on_delete=models.PROTECT, related_name="tasks"
    )
    case = models.ForeignKey(Case, verbose_name=_("case"), null=True, on_delete=models.CASCADE, related_name="tasks")
    interaction = models.ForeignKey(
        "Interaction", verbose_name=_("interaction"), null=True, on_delete=models.SET_NULL, related_name="tasks"
    )
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("who"), null=True, on_delete=models.SET_NULL, related_name="tasks"
    )
    team = models.ForeignKey(
        "accounts.Team", verbose_name=_("team"), null=True, on_delete=models.SET_NULL, related_name="tasks"
    )
    due_at = models.DateTimeField(_("due"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("created by"), null=True, on_delete=models.SET_NULL, related_name="+"
    )
    done_at = models.DateTimeField(_("done"), null=True)
    done_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("done by"), null=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects = TaskQuerySet.as_manager()

    @property
    def phone(self) -> str:
        """The number in what was typed of whom to reach; "" if it is none."""
        return normalise.phone_in(self.contact)

    class Meta:
        verbose_name = _("task")
        verbose_name_plural = _("tasks")
        indexes: ClassVar = [
            models.Index(fields=["assignee", "due_at"], name="task_open_mine", condition=Q(done_at=None)),
            models.Index(fields=["team", "due_at"], name="task_open_team", condition=Q(done_at=None)),
            # What was typed of somebody who is erased.
            models.Index(fields=["contact"], name="task_contact", condition=~Q(contact="")),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_overdue(self) -> bool:
        """Tell whether an undone task has passed its time."""
        return self.done_at is None and self.due_at is not None and self.due_at < timezone.now()
