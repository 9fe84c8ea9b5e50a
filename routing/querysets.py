"""Questions about queues, work and operators; and the reasons that routing gives to read a session."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import Count, Min, OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from cxcenter.accounts.roles import Right
from cxcenter.core import access

if TYPE_CHECKING:
    from cxcenter.accounts.models import User


def seconds(field: str) -> "models.ExpressionWrapper[Any]":
    """Return a column of whole seconds as a duration, for comparing moments inside a query."""
    return models.ExpressionWrapper(models.F(field) * models.Value(timedelta(seconds=1)), models.DurationField())


def teams_of(user: "User") -> Q:
    """Return the condition on `team` that holds for teams whose numbers and queues the user controls."""
    if not user.may(Right.CONTROL):
        return Q(pk__in=[])
    return Q() if user.may(Right.EVERY_TEAM) else Q(team__supervisors=user)


class QueueQuerySet(models.QuerySet[Any]):
    """Queues."""

    def visible_to(self, user: "User") -> Self:
        """Keep queues the user serves or supervises."""
        if user.may(Right.EVERY_TEAM) or user.may(Right.READ_ALL):
            return self
        return self.filter(pk__in=self.model._default_manager.filter(Q(members=user) | teams_of(user)).values("pk"))

    def controlled_by(self, user: "User") -> Self:
        """Keep queues of the teams that the user supervises."""
        return self.filter(pk__in=self.model._default_manager.filter(teams_of(user)).values("pk"))

    def offering(self, now: datetime) -> Self:
        """Keep queues that offer what waits in them: active, and not on a pause."""
        return self.filter(Q(paused_until=None) | Q(paused_until__lte=now), active=True)

    def with_numbers(self) -> Self:
        """Add what is true now: `waiting` and `in_work` (contacts), `oldest_wait` (since when; None if nobody waits)."""
        from routing.models import Assignment, WorkItem

        live = WorkItem.objects.filter(queue=OuterRef("pk")).exclude(visit="left").order_by().values("queue")
        held = Assignment.objects.filter(item__queue=OuterRef("pk"), leg="active").order_by().values("item__queue")
        return self.annotate(
            waiting=Coalesce(Subquery(live.values(number=Count("pk"))), 0),
            oldest_wait=Subquery(live.values(oldest=Min("waits_since"))),
            in_work=Coalesce(Subquery(held.values(number=Count("pk"))), 0),
        )


class WorkItemQuerySet(models.QuerySet[Any]):
    """Visits to queues."""

    def visible_to(self, user: "User") -> Self:
        """Keep visits to queues the user serves or supervises."""
        from routing.models import Queue

        return self.filter(queue__in=Queue.objects.visible_to(user))

    def came(self) -> Self:
        """Keep visits of those who came to us: whom an operator has called has waited nowhere."""
        return self.exclude(outcome="outgoing")

    def waiting(self) -> Self:
        """Keep those who wait and are not offered to anybody now."""
        return self.filter(visit="waiting")


class CallbackQuerySet(models.QuerySet[Any]):
    """Callbacks."""

    def visible_to(self, user: "User") -> Self:
        """Keep callbacks of queues the user serves or supervises."""
        from routing.models import Queue

        return self.filter(queue__in=Queue.objects.visible_to(user))

    def open(self) -> Self:
        """Keep those who are still to be called."""
        return self.exclude(state="ended")

    def with_calling(self) -> Self:
        """Add `calling`: whether an operator has it in his hands at this moment."""
        from routing.models import Assignment

        held = Assignment.objects.filter(interaction=OuterRef("session"), leg="active")
        return self.annotate(
            calling=models.ExpressionWrapper(
                Q(state="queued") & Q(models.Exists(held)), output_field=models.BooleanField()
            )
        )


class AssignmentQuerySet(models.QuerySet[Any]):
    """Legs."""

    def live(self) -> Self:
        """Keep legs that go on, wrap-up included."""
        return self.exclude(leg="ended")

    def owned(self) -> Self:
        """Keep legs in which the operator holds the contact."""
        return self.filter(leg="active")

    def visible_to(self, user: "User") -> Self:
        """Keep the user's own legs and those in queues he supervises."""
        if user.may(Right.EVERY_TEAM):
            return self
        from routing.models import Queue

        return self.filter(Q(operator=user) | Q(item__queue__in=Queue.objects.controlled_by(user)))


class PresenceQuerySet(models.QuerySet[Any]):
    """Operators' states."""

    def visible_to(self, user: "User") -> Self:
        """Keep the user himself, his own team and the teams he supervises."""
        if user.may(Right.EVERY_TEAM):
            return self
        return self.filter(
            Q(user=user)
            | (Q(user__team=user.team_id) if user.team_id else Q(pk__in=[]))
            | (Q(user__team__in=user.supervised_teams.all()) if user.may(Right.CONTROL) else Q(pk__in=[]))
        )

    def controlled_by(self, user: "User") -> Self:
        """Keep the user himself and the operators of teams that he supervises."""
        if not user.may(Right.CONTROL):
            return self.filter(user=user)
        if user.may(Right.EVERY_TEAM):
            return self
        return self.filter(Q(user=user) | Q(user__team__in=user.supervised_teams.all()))

    def free(self) -> Self:
        """Keep operators who have room and take chats."""
        return self.ready().filter(room_left=True, capacity__gt=0).exclude(off__contains=["chat"])

    def ready(self) -> Self:
        """Keep operators who are available, with room or without."""
        return self.filter(mode="available", pause_after=False)


class ReservationQuerySet(models.QuerySet[Any]):
    """Reserved times."""

    def controlled_by(self, user: "User") -> Self:
        """Keep those in which operators of the user's teams take part."""
        from routing.models import Attendance, Presence

        own = Presence.objects.controlled_by(user).values("user")
        return self.filter(pk__in=Attendance.objects.filter(user__in=own).values("reservation"))

    def ahead(self, now: datetime) -> Self:
        """Keep those that go on or are still to come."""
        return self.filter(cancelled_at=None, ends_at__gt=now)


@access.grants("interactions.Interaction")
def members_and_operators(user: "User") -> Q | None:
    """A session may be read by members of its queues and by its present and past operators."""
    from routing.models import Assignment, QueueMember, WorkItem

    if not user.may(Right.SERVE):
        return None
    mine = QueueMember.objects.filter(Q(until=None) | Q(until__gt=timezone.now()), user=user).values("queue_id")
    return _has(WorkItem.objects.filter(queue_id__in=mine)) | _has(Assignment.objects.filter(operator=user))


class GuestQuerySet(models.QuerySet[Any]):
    """Guests of calls."""

    def live(self) -> Self:
        """Keep those at whom it rings, and who take part."""
        return self.exclude(state="left")

    def present(self) -> Self:
        """Keep those who take part now."""
        return self.filter(state="in")


@access.grants("interactions.Interaction")
def guests(user: "User") -> Q | None:
    """A session may be read by who was taken into its call, and by whom it rings for that."""
    from routing.models import Guest

    if not user.may(Right.SERVE):
        return None
    return _has(Guest.objects.filter(~Q(state="left") | Q(answered_at__isnull=False), user=user))


@access.grants("interactions.Interaction")
def supervisors(user: "User") -> Q | None:
    """A session may be read by supervisors of the team of its queues."""
    from routing.models import Queue, WorkItem

    if not user.may(Right.CONTROL):
        return None
    return _has(WorkItem.objects.filter(queue__in=Queue.objects.controlled_by(user)))


def _has(rows: "models.QuerySet[Any]") -> Q:
    """Return the condition that a session has one of these rows.

    Written so that the database can only look it up session by session: with IN or EXISTS it may gather all
    sessions of a queue first, which takes seconds where a million have passed.
    """
    found = rows.filter(interaction=OuterRef("pk")).annotate(found=Value(value=True)).values("found")[:1]
    return Q(Subquery(found, output_field=models.BooleanField()))
