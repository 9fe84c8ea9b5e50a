"""Whose numbers, people and contacts a user of the board may see and move."""

from typing import TYPE_CHECKING, TypeVar

from django.db.models import F, Model, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from cxcenter.accounts.models import Team
from cxcenter.accounts.roles import Right
from cxcenter.board.publisher import ALL
from cxcenter.core.errors import NotFound
from interactions.models import Interaction
from routing.models import Alert, Presence, Queue, Requirement, Reservation, WorkItem
from routing.querysets import supervisors

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

Row = TypeVar("Row", bound=Model)


def teams_of(user: "User") -> QuerySet[Team]:
    """Return the teams whose board the user sees: those he supervises, for an administrator all."""
    if not user.may(Right.BOARD):
        return Team.objects.none()
    return Team.objects.all() if user.may(Right.EVERY_TEAM) else user.supervised_teams.all()


def groups_of(user: "User") -> list[int | str]:
    """Return the teams whose pushes the user's pages get; an administrator's also those made later."""
    if user.may(Right.BOARD) and user.may(Right.EVERY_TEAM):
        return [ALL]
    return list(teams_of(user).values_list("pk", flat=True))


def visits_of(user: "User") -> QuerySet[WorkItem]:
    """Return the visits to queues of the user's teams."""
    return WorkItem.objects.visible_to(user).filter(queue__team__in=teams_of(user))


def queue(user: "User", pk: int) -> Queue:
    """Return a queue the user controls. Raises NotFound for others."""
    found: QuerySet[Queue] = Queue.objects.controlled_by(user).filter(pk=pk)
    return _one(found)


def queues_of(user: "User") -> QuerySet[Queue]:
    """Return the queues the user controls and that are in use."""
    found: QuerySet[Queue] = Queue.objects.controlled_by(user).filter(active=True)
    return found.order_by("name")


def requirements_of(user: "User") -> QuerySet[Requirement]:
    """Return what work of the user's queues asks for, what all queues ask for with it."""
    found = Requirement.objects.filter(Q(queue=None) | Q(queue__in=Queue.objects.controlled_by(user)))
    ordered = found.select_related("skill", "queue", "topic", "segment").prefetch_related("steps")
    return ordered.order_by(F("queue__name").asc(nulls_first=True), "skill__name", "pk")


def requirement(user: "User", pk: int) -> Requirement:
    """Return what work of a queue the user controls asks for. Raises NotFound for others."""
    own = requirements_of(user)
    return _one((own if user.may(Right.EVERY_TEAM) else own.exclude(queue=None)).filter(pk=pk))


def operators_of(user: "User") -> QuerySet[Presence]:
    """Return the operators of the user's teams."""
    own: QuerySet[Presence] = Presence.objects.controlled_by(user).filter(user__team__in=teams_of(user))
    return own.select_related("user", "reason")


def operator(user: "User", pk: int) -> Presence:
    """Return an operator of the user's teams. Raises NotFound for others."""
    return _one(operators_of(user).filter(pk=pk))


def reservations_of(user: "User") -> QuerySet[Reservation]:
    """Return the reserved times of the user's teams that go on or are still to come, the next first."""
    found: QuerySet[Reservation] = Reservation.objects.controlled_by(user).ahead(timezone.now())
    return found.select_related("made_by").prefetch_related("attendances__user").order_by("starts_at", "pk")


def reservation(user: "User", pk: int) -> Reservation:
    """Return a reserved time of the user's teams that is not over. Raises NotFound for others."""
    return _one(reservations_of(user).filter(pk=pk))


def session(user: "User", pk: int) -> Interaction:
    """Return a session that was in a queue of the user's teams. Raises NotFound for others."""
    reason = supervisors(user)
    found: QuerySet[Interaction] = Interaction.objects.visible_to(user).filter(pk=pk)
    found = found.select_related("thread__channel", "profile__customer", "topic")
    return _one(found.filter(reason) if reason is not None else found.none())


def alert(user: "User", pk: int) -> Alert:
    """Return an alert of the user's teams. Raises NotFound for others."""
    return _one(Alert.objects.filter(team__in=teams_of(user), pk=pk))


def _one(found: QuerySet[Row]) -> Row:
    row = found.first()
    if row is None:
        raise NotFound(_("There is no such thing in your teams."))
    return row
