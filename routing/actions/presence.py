"""An operator's states: coming, pausing, going, and being gone."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from cxcenter.core import audit, liveness
from cxcenter.core.errors import Conflict, Forbidden, Invalid
from routing import locks
from routing.actions import legs, offers, states
from routing.capacity import LIMITS
from routing.choices import Leg, LegEnd, Mode, Work
from routing.models import Assignment, Attendance, CapacityProfile, PauseReason, Policy, Presence
from routing.querysets import PresenceQuerySet

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

# How many contacts of a kind an operator may take at once at the most.
MOST = 50
CHOSEN = {Mode.AVAILABLE, Mode.PAUSE, Mode.OFFLINE}


def set_mode(
    *,
    user: "User",
    mode: str,
    actor: "User",
    reason: PauseReason | None = None,
    after: bool = False,
    move: bool = False,
) -> Presence:
    """Set an operator's mode. With `after` the pause begins when nothing is left in work.

    Who goes offline with contacts at hand is refused (Conflict, code "open_contacts"); with `move` those in which an
    answer is due return to their queues, first in line (legs.let_go). Raises Invalid for a pause without a reason. A state set by somebody else is audited.
    """
    if mode not in CHOSEN:
        raise Invalid(_("There is no such state."), field="mode")
    if mode == Mode.PAUSE and reason is None and PauseReason.objects.filter(active=True).exists():
        raise Invalid(_("Choose the reason of the pause."), field="reason")
    with transaction.atomic():
        moved = _lock_work(user.pk, move=move and mode == Mode.OFFLINE) if mode != Mode.AVAILABLE else []
        presence = locks.lock_presence(user.pk)
        if mode == Mode.OFFLINE:
            _refuse_open_contacts(user.pk, but=moved)
        presence.vanished_at = None
        _leave_reserved(presence, mode)
        presence.reason = reason if mode == Mode.PAUSE else None
        if mode == Mode.PAUSE and after and presence.load > 0:
            presence.pause_after = True
        else:
            presence.mode, presence.pause_after = mode, False
            if mode == Mode.AVAILABLE:
                presence.idle_since = timezone.now()
        states.settle(presence)
        # Only now, when nothing comes to him any more.
        for leg_id in moved:
            legs.let_go(leg_id=leg_id)
        if mode != Mode.AVAILABLE and not presence.pause_after:
            # What was offered goes back at once; the contacts in work stay.
            offers.return_offers_of(user.pk)
        if actor.pk != user.pk:
            audit.record(actor, "presence.force", f"user:{user.pk}", mode=mode)
    return Presence.objects.select_related("user", "reason").get(pk=presence.pk)


def _leave_reserved(presence: Presence, mode: str) -> None:
    """Who takes another state leaves his meeting or training, or does not go there; who signs off may come back to it."""
    if presence.attends_id is not None:
        if mode != Mode.OFFLINE:
            Attendance.objects.filter(pk=presence.attends_id, ended_at=None).update(ended_at=timezone.now())
        presence.attends = None


def _lock_work(user_id: int, *, move: bool) -> list[int]:
    """Lock what is offered to an operator and, to `move` it, what he has in work. Returns the legs to move.

    They come in the order in which their threads may be locked.
    """
    # Nothing may be offered to him between these locks and that of his presence.
    locks.lock_decision()
    offered = Assignment.objects.filter(operator_id=user_id, leg=Leg.OFFERED)
    held = Assignment.objects.owned().filter(operator_id=user_id) if move else Assignment.objects.none()
    contacts = list(held.order_by("interaction__thread_id").values_list("pk", "item_id"))
    locks.lock_items([*offered.values_list("item_id", flat=True), *(item_id for _leg_id, item_id in contacts)])
    return [leg_id for leg_id, _item_id in contacts]


def _refuse_open_contacts(user_id: int, but: list[int]) -> None:
    """Raise Conflict while contacts need the operator: he is asked to finish or move them first."""
    at_hand = Assignment.objects.owned().filter(Q(holds=True) | Q(interaction__waiting_since__isnull=False))
    count = at_hand.filter(operator_id=user_id).exclude(pk__in=but).count()
    if count:
        raise Conflict(
            _("%(count)s contacts are still open. Finish them or move them to the queue.") % {"count": count},
            code="open_contacts",
            count=count,
        )


@transaction.atomic
def move_all_to_queue(*, user: "User", actor: "User") -> int:
    """Take all contacts from an operator back to their queues, first in line. Returns how many.

    If he stays available they rest from him for a moment, as if he had declined them.
    """
    audit.record(actor, "presence.move_all", f"user:{user.pk}")
    # All work before the presence, and threads in their order: its operator may be at work on it at this moment.
    ids = _lock_work(user.pk, move=True)
    locks.lock_presence(user.pk)
    for leg_id in ids:
        legs.return_to_queue(leg_id=leg_id, first_in_line=True, end=LegEnd.TAKEN)
    return len(ids)


@transaction.atomic
def set_capacity(
    *, user: "User", capacity: int, actor: "User", callbacks: int | None = None, calls: int | None = None
) -> Presence:
    """Set how many chats, callbacks and calls an operator takes at once: numbers of his own, whatever his profile had."""
    presence = locks.lock_presence(user.pk)
    presence.profile, presence.capacity = None, _checked(capacity, "capacity")
    if callbacks is not None:
        presence.callbacks = _checked(callbacks, "callbacks")
    if calls is not None:
        presence.calls = _checked(calls, "calls")
    states.settle(presence)
    numbers = {column: getattr(presence, column) for column in LIMITS.values()}
    audit.record(actor, "presence.capacity", f"user:{user.pk}", **numbers)
    return presence


def _checked(number: int, field: str) -> int:
    if not 0 <= number <= MOST:
        raise Invalid(_("Choose a capacity from 0 to %(most)s.") % {"most": MOST}, field=field)
    return number


@transaction.atomic
def use_profile(*, user: "User", profile: CapacityProfile, actor: "User") -> Presence:
    """Give an operator the numbers of a profile; he follows its changes."""
    presence = locks.lock_presence(user.pk)
    presence.follow(profile)
    states.settle(presence)
    audit.record(actor, "presence.capacity", f"user:{user.pk}", profile=profile.pk)
    return presence


@transaction.atomic
def spread_profile(*, profile: CapacityProfile, actor: "User") -> int:
    """Give the numbers of a profile to all who have it. Returns how many."""
    people = locks.lock_presences(Presence.objects.filter(profile=profile).values_list("user_id", flat=True))
    for presence in people.values():
        presence.follow(profile)
        states.settle(presence)
    audit.record(actor, "capacity.profile", f"profile:{profile.pk}", **profile.numbers)
    return len(people)


@transaction.atomic
def switch_kinds(*, user: "User", off: Iterable[str], actor: "User") -> Presence:
    """Set of which kinds of work an operator takes none now; what he has of them stays, what is offered goes back.

    Raises Invalid where nothing would be left to him. Switched by somebody else it is audited.
    """
    wanted = sorted(set(off))
    if not set(wanted) <= set(Work.values):
        raise Invalid(_("There is no such kind of work."), field="off")
    _lock_work(user.pk, move=False)
    presence = locks.lock_presence(user.pk)
    if not any(limit for kind, limit in presence.limits.items() if kind not in wanted):
        raise Invalid(_("Leave at least one kind of work on, or take a pause."), field="off")
    presence.off = wanted
    states.settle(presence)
    offers.return_offers_of(user.pk, works=wanted)
    if actor.pk != user.pk:
        audit.record(actor, "presence.kinds", f"user:{user.pk}", off=wanted)
    return presence


def sweep_vanished(*, now: datetime, steady_since: datetime) -> int:
    """Take operators whose pages are all silent off duty, if we ourselves ran all that time. Returns how many.

    Their offers go back at once, and so do their calls (sweep_kept_talks); talks in writing stay theirs for the policy's
    second time limit.
    """
    limit = now - timedelta(seconds=Policy.current().operator_grace_s)
    if steady_since > limit:
        return 0
    candidates = list(_at_work(limit).values_list("user_id", flat=True))
    seen = liveness.last_seen([liveness.operator_key(user_id) for user_id in candidates])
    silent = [u for u in candidates if seen.get(liveness.operator_key(u), steady_since) < limit]
    return sum(_sign_off_vanished(user_id, now, limit) for user_id in silent)


def _at_work(limit: datetime) -> PresenceQuerySet:
    """Return who could have vanished: on duty since `limit`, or off duty with a contact at hand since then.

    A supervisor may take over while off duty; idle and snoozed talks of who ended his shift are no duty.
    """
    on_duty = ~Q(mode=Mode.OFFLINE) & Q(since__lt=limit)
    holds = Q(user__legs__leg=Leg.ACTIVE, user__legs__holds=True, user__legs__accepted_at__lt=limit)
    return Presence.objects.filter(on_duty | holds, vanished_at=None).distinct()


def _sign_off_vanished(user_id: int, now: datetime, limit: datetime) -> bool:
    with transaction.atomic():
        presence = locks.lock_presence(user_id)
        seen = liveness.last_seen([liveness.operator_key(user_id)]).get(liveness.operator_key(user_id))
        if presence.vanished_at is not None or (seen is not None and seen >= limit):
            return False
        presence.mode, presence.pause_after, presence.vanished_at = Mode.OFFLINE, False, now
        presence.attends = None
        states.settle(presence, now=now)
    offers.return_offers_of(user_id)
    return True


def sweep_returned(*, now: datetime) -> int:
    """Welcome operators whose pages are heard again: they keep their talks, and say themselves when they are available."""
    vanished = Presence.objects.filter(vanished_at__isnull=False).values_list("user_id", "vanished_at")
    seen = liveness.last_seen([liveness.operator_key(user_id) for user_id, _at in vanished])
    back = [u for u, at in vanished if seen.get(liveness.operator_key(u), at) > at]
    for user_id in back:
        with transaction.atomic():
            presence = locks.lock_presence(user_id)
            if presence.vanished_at is not None:
                presence.vanished_at, presence.mode = None, Mode.NOT_RESPONDING
                states.settle(presence, now=now)
    return len(back)


def sweep_kept_talks(*, now: datetime, steady_since: datetime) -> int:
    """Return talks of operators who stayed away for longer than the policy keeps them, if we ran all that time.

    Those in which no answer is due stay theirs until the customer writes. Calls are not kept any longer: somebody listens
    to silence, and the time after which his operator counts as vanished was their grace.
    """
    policy, due = Policy.current(), Q(pk__in=[])
    if steady_since <= now - timedelta(seconds=policy.operator_grace_s):
        due |= Q(item__work=Work.CALL)
    limit = now - timedelta(seconds=policy.keep_talks_s)
    if steady_since <= limit:
        due |= Q(operator__presence__vanished_at__lte=limit, interaction__waiting_since__isnull=False)
    kept = Assignment.objects.owned().filter(due, outside=False, operator__presence__vanished_at__isnull=False)
    ids = list(kept.order_by("item_id").values_list("pk", flat=True)[:200])
    for leg_id in ids:
        legs.let_go(leg_id=leg_id, end=LegEnd.VANISHED)
    return len(ids)


def refuse_stranger(actor: "User", user: "User") -> None:
    """Raise Forbidden unless the actor is the user himself or supervises his team."""
    own = actor.pk == user.pk
    if not own and not Presence.objects.controlled_by(actor).filter(user=user).exists():
        raise Forbidden(_("This operator belongs to another team."))
