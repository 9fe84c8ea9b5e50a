"""Visitors who leave while they wait, and what they find when they come back."""

from datetime import datetime, timedelta

from django.db import models, transaction
from django.utils import timezone

from cxcenter.accounts.models import User
from cxcenter.core import liveness
from cxcenter.core.errors import CxError
from cxcenter.core.statements import Statement
from interactions.actions import cases, talk
from interactions.choices import Author, CloseReason, TaskKind
from interactions.models import Interaction, Message, Task, Thread
from routing import locks
from routing.actions import callbacks, queueing
from routing.choices import Outcome
from routing.models import WorkItem

# So many in one sweep: the next one follows in a second.
AT_ONCE = 200
# A channel without a site of its own says nothing of when its visitors are gone.
USUALLY_GONE_S = 60
# Who waits and has neither shown his page nor written for longer than his site allows, with when he last did. An outage of
# ours and the time before he entered the queue count for nobody.
GHOSTS = Statement(
    "ghosts",
    """
    WITH waiting AS (
        SELECT item.id, talk.id AS talk, thread_id, opened_at,
            %(now)s - coalesce(site.gone_after_s, %(usual)s) * interval '1 s' AS gone_before
        FROM routing_workitem item
            JOIN interactions_interaction talk ON talk.id = item.interaction_id
            JOIN interactions_thread thread ON thread.id = thread_id
            LEFT JOIN interactions_site site USING (channel_id)
        WHERE visit <> 'left' AND talk.kind = 'webchat'
            AND greatest(entered_at, %(steady_since)s) < %(now)s - coalesce(site.gone_after_s, %(usual)s) * interval '1 s'
    ), silent AS (
        SELECT waiting.*, coalesce((SELECT max(seen_at) FROM core_tab WHERE owner = 'thread:' || thread_id), opened_at) AS heard
        FROM waiting
    )
    SELECT silent.id, greatest(heard, wrote) FROM silent CROSS JOIN LATERAL (
        SELECT max(at) AS wrote FROM interactions_message WHERE interaction_id = talk AND author = 'customer'
    ) said
    WHERE heard < gone_before AND coalesce(wrote < gone_before, true) ORDER BY silent.id LIMIT %(count)s
    """,
    now="timestamptz",
    steady_since="timestamptz",
    usual="int",
    count="int",
)
# Calls from a browser whose page has been silent for so long: it was closed, or has lost its line.
CALL_GONE_S = 25
HUNG_UP = Statement(
    "hung_up",
    """
    SELECT talk.id FROM interactions_call call JOIN interactions_interaction talk ON talk.id = interaction_id
    WHERE ended_at IS NULL AND provider = 'browser' AND closed_at IS NULL
        AND greatest(opened_at, %(steady_since)s) < %(gone_before)s
        AND coalesce((SELECT max(seen_at) FROM core_tab WHERE owner = 'thread:' || thread_id), opened_at) < %(gone_before)s
    ORDER BY talk.id LIMIT %(count)s
    """,
    steady_since="timestamptz",
    gone_before="timestamptz",
    count="int",
)
# Asked for every session that comes.
KEPT_PLACE = Statement(
    "kept_place",
    """
    WITH visit AS (
        SELECT item.* FROM interactions_interaction talk JOIN routing_workitem item ON item.interaction_id = talk.id
        WHERE thread_id = %(thread)s AND left_at > %(within)s
    )
    SELECT waits_since FROM visit last
    WHERE outcome = 'abandoned' AND interaction_id <> %(interaction)s
        AND NOT EXISTS (SELECT FROM visit WHERE outcome = 'answered' AND visit.left_at > last.left_at)
    ORDER BY left_at DESC LIMIT 1
    """,
    thread="bigint",
    interaction="bigint",
    within="timestamptz",
)


def abandon(*, now: datetime, steady_since: datetime) -> int:
    """Take visitors who left out of the queue, as of the moment they left: operators are not offered ghosts.

    One who left a phone or an address gets a callback, or a task. If we ourselves were away, nobody is blamed.
    """
    found = dict(GHOSTS.rows(now=now, steady_since=steady_since, usual=USUALLY_GONE_S, count=AT_ONCE))
    related = ("interaction__thread__channel__site", "interaction__profile", "queue__team")
    ghosts = WorkItem.objects.filter(pk__in=found).select_related(*related).order_by("pk") if found else []
    return sum(_abandon(item, found[item.pk], now) for item in ghosts)


def hang_up(*, now: datetime, steady_since: datetime) -> int:
    """End the calls of those whose page is gone, waiting or talking: nobody speaks to an empty line."""
    gone_before = now - timedelta(seconds=CALL_GONE_S)
    found = HUNG_UP.rows(steady_since=steady_since, gone_before=gone_before, count=AT_ONCE)
    return sum(talk.close_interaction(interaction_id=pk, reason=CloseReason.LEFT) for (pk,) in found)


def _gone_after(item: WorkItem) -> timedelta:
    site = getattr(item.interaction.thread.channel, "site", None)
    return timedelta(seconds=site.gone_after_s if site else USUALLY_GONE_S)


def _wrote_last(interaction_ids: list[int]) -> dict[int, datetime]:
    """Return by session when its customer wrote last. Notes and replies are no sign of him."""
    if not interaction_ids:
        return {}
    said = Message.objects.filter(interaction__in=interaction_ids, author=Author.CUSTOMER).order_by()
    return dict(said.values_list("interaction").annotate(models.Max("at")))


@transaction.atomic
def _abandon(item: WorkItem, left_at: datetime, now: datetime) -> int:
    # Before the visit, as whoever asks for a call does (locks.py): he may be doing so at this moment.
    locks.lock_callbacks(callbacks.of_customer(item.interaction))
    if not queueing.drop_from_queue(
        interaction_id=item.interaction_id, outcome=Outcome.ABANDONED, at=max(left_at, item.entered_at)
    ):
        return 0
    interaction = item.interaction
    if not _is_gone_still(item, now):
        transaction.set_rollback(True)
        return 0
    talk.close_interaction(interaction_id=interaction.pk, reason=CloseReason.LEFT)
    contact = interaction.says.get("contact", "")
    if contact and not _is_called_back(item, contact):
        cases.create_task(
            title=interaction.says.get("name") or contact,
            kind=TaskKind.WRITE if "@" in contact else TaskKind.CALLBACK,
            team=item.queue.team,
            profile=interaction.profile,
            interaction=interaction,
            due_at=timezone.now() + timedelta(minutes=30),
            contact=contact,
        )
    return 1


def _is_called_back(item: WorkItem, contact: str) -> bool:
    """Plan a callback of who left, with his place, where the queue wants callbacks. Returns False if that cannot be."""
    if "@" in contact or not item.queue.callbacks:
        return False
    talk_left = item.interaction
    wish = callbacks.Wish(
        phone=contact,
        queue=item.queue,
        profile=talk_left.profile,
        asked_in=talk_left.thread,
        source=talk_left,
        topic=talk_left.topic,
        language=talk_left.language,
        name=talk_left.says.get("name", ""),
        waits_since=item.waits_since,
        boost=item.priority - item.queue.priority,
    )
    try:
        with transaction.atomic():
            callbacks.ask(wish)
    except CxError:
        return False
    return True


def _is_gone_still(item: WorkItem, now: datetime) -> bool:
    """Look once more, under the lock under which he writes: he may have come back since the sweep began."""
    thread = Thread.objects.select_for_update().get(pk=item.interaction.thread_id)
    owner = liveness.visitor_key(thread.pk)
    signs = [liveness.last_seen([owner]).get(owner), _wrote_last([item.interaction_id]).get(item.interaction_id)]
    return all(sign is None or sign < now - _gone_after(item) for sign in signs)


def finish_callbacks(*, interaction_id: int, actor: User) -> None:
    """A visitor who had left is back and served: nobody need call him any more."""
    thread_id = Interaction.objects.values_list("thread_id", flat=True).get(pk=interaction_id)
    open_tasks = Task.objects.filter(done_at=None, kind__in=[TaskKind.CALLBACK, TaskKind.WRITE], created_by=None)
    left = open_tasks.filter(interaction__thread=thread_id, interaction__close_reason=CloseReason.LEFT)
    for task_id in left.values_list("pk", flat=True):
        cases.finish_task(task_id=task_id, actor=actor)


def original_wait(interaction: Interaction) -> datetime | None:
    """Return since when a visitor who comes back within the site's time has waited: he keeps his place."""
    site = getattr(interaction.thread.channel, "site", None)
    within = timezone.now() - timedelta(seconds=site.keep_place_s if site else 3600)
    kept = KEPT_PLACE.row(thread=interaction.thread_id, interaction=interaction.pk, within=within)
    return kept[0] if kept else None
