"""What time alone causes: decisions twice a second; once a second offers run out, people vanish, waits pass their target."""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from django.db import models, transaction
from django.utils import timezone

from cxcenter.core import liveness
from interactions.actions import talk
from interactions.choices import ChannelKind, CloseReason
from interactions.models import Interaction, Thread
from routing import ghosts, locks, queries
from routing.actions import calling, guests, legs, offers, overflow, presence, queueing, reservations, sip
from routing.choices import AlertKind, Mode, Visit
from routing.models import Alert, Presence, Queue, QueueMember, WorkItem
from routing.querysets import seconds

log = structlog.get_logger(__name__)
# So many of each kind in one sweep: the next one follows in a second.
AT_ONCE = 200


def sweep() -> dict[str, int]:
    """Do everything that is due now. Each part is safe to run twice; one that fails does not stop the rest."""
    now = timezone.now()
    # Pages are heard by the web processes and judged by the sweep: an outage of either signs nobody off.
    running_since = liveness.beat("routing", now=now)
    steady_since = max(running_since, liveness.steady_since(liveness.WEB, now=now))
    parts: dict[str, Callable[[], int]] = {
        "accepted": offers.accept_left,
        "expired": lambda: offers.expire_offers(now, running_since),
        "vanished": lambda: presence.sweep_vanished(now=now, steady_since=steady_since),
        "returned": lambda: presence.sweep_returned(now=now),
        "reserved": lambda: reservations.sweep_reserved(now=now),
        "overstayed": lambda: alert_long_pauses(now=now),
        "kept": lambda: presence.sweep_kept_talks(now=now, steady_since=steady_since),
        "unheard": lambda: sip.sweep_lost(now=now, steady_since=steady_since),
        "wrapped": lambda: legs.sweep_wrapups(now=now),
        "idle": lambda: legs.sweep_idle(now=now),
        "woken": lambda: legs.sweep_snoozed(now=now),
        "left": lambda: ghosts.abandon(now=now, steady_since=steady_since),
        "hung_up": lambda: ghosts.hang_up(now=now, steady_since=steady_since),
        "guests": lambda: guests.sweep(now=now, steady_since=steady_since),
        # Before those who are told by no rule that nobody is there.
        "overflowed": lambda: overflow.sweep(now=now),
        "told": lambda: tell_away(now=now),
        "escalated": lambda: escalate(now=now),
        "silent": lambda: close_silent(now=now),
        "called": lambda: calling.sweep(now=now),
        "lent": lambda: QueueMember.objects.filter(until__lt=now).delete()[0],
        "lost": lambda: queue_lost(now=now),
    }
    return _done(parts)


def decide() -> dict[str, int]:
    """Offer what time alone lets be offered: a step of what is asked for, the end of somebody's preference, a callback's time.

    Twice a second and apart from the sweep, whose parts may last: a step is due for a second at the most before it decides.
    Costs a statement each while nobody waits and nobody is to be called.
    """
    now = timezone.now()
    return _done({"due": lambda: calling.enter_due(now), "offered": lambda: len(offers.assign_next())})


def _done(parts: dict[str, Callable[[], int]]) -> dict[str, int]:
    done = {}
    for name, part in parts.items():
        try:
            done[name] = part()
        except Exception:
            log.exception("sweep part failed", part=name)
    return done


def tell_away(*, now: datetime) -> int:
    """Tell visitors who wait when the hours end or the last operator leaves: once, in their chat. They keep their place."""
    untold = WorkItem.objects.waiting().filter(interaction__kind="webchat", told_away_at=None)
    queues = Queue.objects.filter(pk__in=untold.values("queue")).select_related("hours")
    shut = [queue for queue in queues if queries.door_of(queue, now).why in {"hours", "nobody"}]
    ids = list(untold.filter(queue__in=shut).order_by("pk").values_list("pk", flat=True)[:AT_ONCE]) if shut else []
    for item_id in ids:
        with transaction.atomic():
            item = locks.lock_item(item_id)
            if item.visit == Visit.WAITING and item.told_away_at is None:
                WorkItem.objects.filter(pk=item_id).update(told_away_at=now)
                talk.post_system_line(thread_id=item.interaction.thread_id, code="away")
    return len(ids)


def escalate(*, now: datetime) -> int:
    """Raise what waits past its queue's target by one step of priority, and alert the supervisor once."""
    late = list(
        WorkItem.objects.filter(visit="waiting", escalated_at=None)
        .filter(waits_since__lt=now - seconds("queue__target_s"))
        .order_by("pk")
        .values_list("pk", flat=True)[:500]
    )
    for item_id in late:
        with transaction.atomic():
            item = locks.lock_item(item_id)
            if item.visit != "waiting" or item.escalated_at is not None:
                continue
            queueing.change_priority(item_id=item.pk, priority=item.priority + 1)
            WorkItem.objects.filter(pk=item.pk).update(escalated_at=now)
            Alert.objects.create(
                kind=AlertKind.LATE,
                team_id=item.queue.team_id,
                queue=item.queue,
                item=item,
                args={"target_s": item.queue.target_s},
            )
    return len(late)


def alert_long_pauses(*, now: datetime) -> int:
    """Alert the supervisor of a pause that lasts longer than its reason allows, once for each."""
    limit = models.ExpressionWrapper(
        models.F("reason__limit_min") * models.Value(timedelta(minutes=1)), models.DurationField()
    )
    told = Alert.objects.filter(
        kind=AlertKind.LONG_PAUSE, user=models.OuterRef("user"), at__gte=models.OuterRef("since")
    )
    long = Presence.objects.filter(
        ~models.Exists(told), mode=Mode.PAUSE, user__team__isnull=False, since__lt=now - limit
    )
    count = 0
    for user_id in list(long.order_by("user_id").values_list("user_id", flat=True)[:AT_ONCE]):
        with transaction.atomic():
            locks.lock_presence(user_id)
            paused = long.select_related("user", "reason").filter(user=user_id).first()
            if paused is not None:
                args = {"reason": paused.reason_id, "limit_min": paused.reason.limit_min}
                kind, user = AlertKind.LONG_PAUSE, paused.user
                Alert.objects.create(kind=kind, team_id=user.team_id, user=user, at=now, args=args)
                count += 1
    return count


def close_silent(*, now: datetime) -> int:
    """Warn a customer who is silent for long, and close his chat when he stays silent after it. Who speaks writes nothing."""
    quiet = (
        Interaction.objects.filter(closed_at=None, waiting_since=None, legs__leg="active", legs__snoozed_until=None)
        .exclude(kind=ChannelKind.VOICE)
        .filter(thread__channel__warn_silent_s__gt=0)
        .select_related("thread__channel")
    )
    to_warn = quiet.filter(warned_silent_at=None, last_message_at__lt=now - seconds("thread__channel__warn_silent_s"))
    to_close = quiet.filter(warned_silent_at__lt=now - seconds("thread__channel__close_silent_s"))
    count = 0
    for interaction in to_warn.order_by("pk")[:100]:
        with transaction.atomic():
            if _is_still(interaction, to_warn):
                Interaction.objects.filter(pk=interaction.pk).update(warned_silent_at=now)
                talk.post_system_line(thread_id=interaction.thread_id, code="silent_warning")
                count += 1
    for interaction in to_close.order_by("pk")[:100]:
        with transaction.atomic():
            if _is_still(interaction, to_close):
                count += talk.close_interaction(interaction_id=interaction.pk, reason=CloseReason.SILENT)
    return count


def _is_still(interaction: Interaction, among: "models.QuerySet[Interaction]") -> bool:
    """Tell whether a session is still among those found, and lock its thread: who wrote just now is not silent."""
    Thread.objects.select_for_update().get(pk=interaction.thread_id)
    return among.filter(pk=interaction.pk).exists()


def queue_lost(*, now: datetime) -> int:
    """Queue open sessions with an unanswered message that wait nowhere and are in nobody's hands.

    That should not happen; if it does, nothing lies forgotten, and the log says so.
    """
    lost = (
        Interaction.objects.filter(closed_at=None, waiting_since__lt=now - timedelta(seconds=30))
        .exclude(visits__visit__in=["waiting", "offered"])
        .exclude(legs__leg="active")
        .select_related("thread__channel", "topic", "profile__customer")
    )
    count = 0
    for interaction in lost.order_by("pk")[:100]:
        if queueing.enqueue_new(interaction=interaction, waits_since=interaction.waiting_since):
            log.warning("lost session queued again", interaction=interaction.pk)
            count += 1
    return count
