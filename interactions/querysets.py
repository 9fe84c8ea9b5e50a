"""Questions about talks, cases and tasks. Fetching is authorising: screens, API and sockets start at `visible_to`."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from cxcenter.accounts.roles import Right
from cxcenter.core import access
from interactions.choices import Author

if TYPE_CHECKING:
    from cxcenter.accounts.models import User


class InteractionQuerySet(models.QuerySet[Any]):
    """Sessions."""

    def visible_to(self, user: "User") -> Self:
        """Keep sessions whose messages the user may read: see docs/access.md."""
        if user.may(Right.READ_ALL):
            return self
        if not user.may(Right.VIEW_CUSTOMERS):
            return self.none()
        return self.filter(access.reasons("interactions.Interaction", user))

    def open(self) -> Self:
        """Keep sessions that go on."""
        return self.filter(closed_at=None)


class ThreadQuerySet(models.QuerySet[Any]):
    """Threads."""

    def visible_to(self, user: "User") -> Self:
        """Keep threads that have a session whose messages the user may read."""
        if user.may(Right.READ_ALL):
            return self
        from interactions.models import Interaction

        return self.filter(pk__in=Interaction.objects.visible_to(user).values("thread_id"))


class MessageQuerySet(models.QuerySet[Any]):
    """Messages."""

    def visible_to(self, user: "User") -> Self:
        """Keep messages of sessions the user may read."""
        if user.may(Right.READ_ALL):
            return self
        from interactions.models import Interaction

        return self.filter(interaction__in=Interaction.objects.visible_to(user))

    def saying(self, text: str) -> Self:
        """Keep what people said with the words of a text, in whatever form; not what was taken back."""
        from interactions import search

        said = self.exclude(author=Author.SYSTEM).filter(withdrawn_at=None)
        return said.alias(words=search.Words("text")).filter(words=search.asked(text))

    def for_customer(self) -> Self:
        """Keep what the customer may see: never a note."""
        return self.filter(customer_changed__gt=0)


class CallQuerySet(models.QuerySet[Any]):
    """Calls."""

    def visible_to(self, user: "User") -> Self:
        """Keep calls whose sessions the user may read."""
        if user.may(Right.READ_ALL):
            return self
        from interactions.models import Interaction

        return self.filter(interaction__in=Interaction.objects.visible_to(user))


class RecordingQuerySet(models.QuerySet[Any]):
    """Recordings of calls."""

    def visible_to(self, user: "User") -> Self:
        """Keep recordings of sessions the user may read."""
        if user.may(Right.READ_ALL):
            return self
        from interactions.models import Interaction

        return self.filter(interaction__in=Interaction.objects.visible_to(user))

    def to_finish(self, *, silent_since: datetime) -> Self:
        """Keep those that can be put together: ended, or of a tab that has sent nothing since then."""
        silent = Q(last_piece_at__lt=silent_since)
        return self.filter(Q(ended_at__isnull=False) | silent, state="uploading", claimed_until__lt=timezone.now())

    def outlived(self) -> Self:
        """Keep those whose time is over and that nobody holds."""
        return self.filter(delete_after__lt=timezone.now(), legal_hold=False)


class CaseQuerySet(models.QuerySet[Any]):
    """Cases."""

    def visible_to(self, user: "User") -> Self:
        """Keep everything for staff who work on cases."""
        return self if user.may(Right.CASES) else self.none()

    def open(self) -> Self:
        """Keep cases on which somebody still has to act."""
        return self.filter(status__in=["open", "waiting"])


class TaskQuerySet(models.QuerySet[Any]):
    """Tasks."""

    def visible_to(self, user: "User") -> Self:
        """Keep everything for staff who work on cases."""
        return self if user.may(Right.CASES) else self.none()

    def open(self) -> Self:
        """Keep tasks that are not done."""
        return self.filter(done_at=None)

    def with_missed(self) -> Self:
        """Count the missed calls of each: `missed_calls`, and the last of them, `missed_at`."""
        return self.annotate(missed_calls=models.Count("missed"), missed_at=models.Max("missed__at"))

    def for_user(self, user: "User") -> Self:
        """Keep a user's own tasks and those of his team that nobody has taken."""
        return self.filter(Q(assignee=user) | Q(assignee=None, team=user.team_id))

    def overdue(self) -> Self:
        """Keep undone tasks whose time has passed."""
        return self.open().filter(due_at__lt=timezone.now())
