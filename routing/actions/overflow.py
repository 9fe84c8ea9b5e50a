"""What overflows do: at the entrance of a queue, and to those who wait in it. The visitor is told each time."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from interactions.actions import talk
from interactions.choices import CloseReason
from interactions.models import Interaction, Thread
from routing import doors, locks, overflow
from routing.actions import queueing
from routing.choices import Outcome, Then, Visit, When, Work
from routing.models import Overflow, WorkItem

# So many of a rule in one sweep: the next one follows in a second.
AT_ONCE = 200
# Who tries again at a door at which he was refused is one blocked visit for so long.
SAME_REFUSAL = timedelta(hours=1)


@transaction.atomic(savepoint=False)
def enter(*, interaction: Interaction, waits_since: datetime | None = None) -> WorkItem | None:
    """Give a new session its queue, and by the rules that hold at its entrance another. Returns where it waits.

    None if it waits or is held already, or no entrance leads anywhere. Who is let in waits, whatever has changed since.
    """
    item = queueing.enqueue_new(interaction=interaction, waits_since=waits_since)
    if item is None or not overflow.at_entrance(item.queue):
        return item
    way = overflow.way_in(item.queue, but=item.pk)
    for rule in way.told:
        _tell(item, rule)
    return _follow(item, way.moves)


def _follow(item: WorkItem, moves: tuple[Overflow, ...]) -> WorkItem:
    for rule in moves:
        moved = _move(item, rule)
        if moved is None:
            # The session has ended meanwhile.
            break
        item = moved
    return item


def refuse(*, thread: Thread, way: overflow.Way, **session: Any) -> WorkItem | None:
    """Keep that somebody was refused at a door, as a blocked visit of its kind. `session` is what he came with.

    Within the hour he is counted once, unless he was let in meanwhile: then returns None.
    """
    now = timezone.now()
    with transaction.atomic():
        Thread.objects.select_for_update().get(pk=thread.pk)
        last = WorkItem.objects.filter(interaction__thread=thread).order_by("-pk").first()
        if last is not None and last.outcome == Outcome.BLOCKED and last.entered_at > now - SAME_REFUSAL:
            return None
        return WorkItem.objects.create(
            queue=way.queue,
            interaction=talk.refuse_interaction(thread=thread, **session),
            visit=Visit.LEFT,
            priority=way.queue.priority,
            entered_at=now,
            waits_since=now,
            rank_at=queueing.rank(way.queue, now, way.queue.priority),
            left_at=now,
            outcome=Outcome.BLOCKED,
            blocked_kind=way.kind,
            overflows=[way.by.code] if way.by else None,
        )


# --- While somebody waits ----------------------------------------------------------------------


def sweep(*, now: datetime) -> int:
    """Do what is due by the rules of queues in which somebody waits. Returns to how many visits something was done."""
    waiting = WorkItem.objects.waiting().filter(queue=OuterRef("queue"))
    rules = (
        Overflow.objects.exclude(when=When.LENGTH).filter(Exists(waiting)).select_related("queue__hours", "to__hours")
    )
    present: dict[int, overflow.Present] = {}
    done = 0
    # Rule by rule in their order: who was moved by the first waits for the second no more.
    for rule in rules.order_by("queue", "place", "pk"):
        standing = present.setdefault(rule.queue_id, overflow.Present(rule.queue, now))
        if rule.when == When.WAITED or doors.holds(rule, standing):
            done += _apply(rule, now)
    return done


def _apply(rule: Overflow, now: datetime) -> int:
    due = (
        WorkItem.objects.waiting()
        .filter(queue=rule.queue_id)
        .exclude(overflow_rules__contains=[rule.pk])
        # Who is meant for one person is his until then.
        .exclude(only_preferred=True, preferred_until__gt=now)
    )
    if rule.then != Then.QUEUE:
        # Who is to be called back reads no words here, and is not to be forgotten because nobody has come to work yet.
        due = due.exclude(work=Work.CALLBACK)
    if rule.when == When.WAITED:
        due = due.filter(entered_at__lte=now - timedelta(seconds=rule.limit or 0))
    done = 0
    for pk in list(due.order_by("pk").values_list("pk", flat=True)[:AT_ONCE]):
        with transaction.atomic():
            item = locks.lock_item(pk)
            # It may have been offered meanwhile, or the sweep of another process was faster.
            if item.visit != Visit.WAITING or rule.pk in (item.overflow_rules or []):
                continue
            if rule.then != Then.QUEUE:
                ACTS[rule.then](item, rule)
            elif way := overflow.opens_through(rule, now):
                _follow(item, (rule, *way.moves))
            else:
                # Nobody is let in there, or no longer: those who come after him are not either.
                break
            done += 1
    return done


def _note(item: WorkItem, rule: Overflow) -> list[str]:
    """Note with a visit what a rule did to it. Returns the changed columns."""
    item.overflows = [*(item.overflows or []), rule.code]
    item.overflow_rules = [*(item.overflow_rules or []), rule.pk]
    return ["overflows", "overflow_rules"]


def _line(item: WorkItem, rule: Overflow, code: str, **args: str) -> None:
    """Tell the visitor what happens: in the rule's words if it has any, else in those of his page."""
    session = Interaction.objects.only("thread_id", "language").get(pk=item.interaction_id)
    words = rule.said(session.language[:2])
    # `reason` is one of the arguments that customers may see.
    said = {**args, "reason": words} if words else args
    talk.post_system_line(thread_id=session.thread_id, code=code, args=said)


def _move(item: WorkItem, rule: Overflow) -> WorkItem | None:
    """Move a contact that waits to another queue, with its wait and its priority. Returns its new visit.

    The caller has locked the item, or made it.
    """
    assert rule.to is not None
    item.save(update_fields=_note(item, rule))
    queueing.leave_queue(item, Outcome.FLOWED_OUT)
    moved = queueing.enqueue(
        interaction=Interaction.objects.select_related("thread", "topic").get(pk=item.interaction_id),
        queue=rule.to,
        boost=item.priority - item.queue.priority,
        waits_since=item.waits_since,
        first_in_line=queueing.is_first_in_line(item),
        preferred=item.preferred,
        preferred_for=item.preferred_until - timezone.now() if item.preferred_until else None,
        note=item.note,
        sent_by=item.sent_by,
        segments=item.segments,
        steps=item.steps,
        frequent=item.frequent,
    )
    if moved is not None:
        _line(item, rule, "overflow_queue", to=rule.to.name)
    return moved


def _tell(item: WorkItem, rule: Overflow) -> None:
    item.save(update_fields=[*_note(item, rule), *_told_away(item, rule)])
    _line(item, rule, "overflow_message")


def _offer_form(item: WorkItem, rule: Overflow) -> None:
    """Offer the form of a request. He keeps his place until he sends it."""
    item.save(update_fields=[*_note(item, rule), *_told_away(item, rule)])
    _line(item, rule, "overflow_form")


def _offer_callback(item: WorkItem, rule: Overflow) -> None:
    """Offer to be called back instead of waiting. He keeps his place, either way."""
    item.save(update_fields=[*_note(item, rule), *_told_away(item, rule)])
    _line(item, rule, "overflow_callback")


def _told_away(item: WorkItem, rule: Overflow) -> list[str]:
    """Note that he knows that nobody is there: the rule's words stand for those of `sweeps.tell_away`."""
    if rule.when not in {When.NOBODY, When.HOURS} or item.told_away_at is not None:
        return []
    item.told_away_at = timezone.now()
    return ["told_away_at"]


def _turn_away(item: WorkItem, rule: Overflow) -> None:
    """End the wait and the session with words."""
    item.blocked_kind = overflow.KINDS[When(rule.when)]
    item.save(update_fields=[*_note(item, rule), "blocked_kind"])
    queueing.leave_queue(item, Outcome.BLOCKED)
    _line(item, rule, "overflow_close")
    talk.close_interaction(interaction_id=item.interaction_id, reason=CloseReason.REFUSED)


ACTS: dict[str, Callable[[WorkItem, Overflow], None]] = {
    Then.CALLBACK: _offer_callback,
    Then.FORM: _offer_form,
    Then.MESSAGE: _tell,
    Then.CLOSE: _turn_away,
}
