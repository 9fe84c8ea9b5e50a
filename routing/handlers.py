"""Routing's reactions to facts. Each may run twice."""

from datetime import timedelta

from django.db.models import F

from cxcenter.accounts.models import User
from cxcenter.core.events import handles
from cxcenter.core.planned import Given, Planned
from cxcenter.core.statements import unflushed
from interactions.actions import calls
from interactions.choices import Author, ChannelKind
from interactions.events import InteractionClosed, InteractionOpened, MessagePosted, RecordingReady
from interactions.models import Interaction, Recording
from routing import ghosts, missed, queries
from routing.actions import callbacks, calling, exchange_people, guests, legs, offers, queueing
from routing.choices import CallbackEnd
from routing.events import CallbackEnded, ItemQueued, LegAccepted, LegEnded, PresenceChanged, RoomMade
from routing.models import Assignment, Callback, WorkItem

CAME = Planned(
    "who_came",
    lambda: Interaction.objects.select_related("thread__channel__site", "topic", "profile__customer").filter(
        pk=Given("interaction", "bigint")
    ),
)


@handles(InteractionOpened)
def give_queue(fact: InteractionOpened) -> None:
    """Put a new session into its queue, or where that leads; who came back in time or awaits a call keeps his place.

    His wait counts from when he came, however late the fact is handled: the database or this process may have died meanwhile.
    """
    if fact.kind == ChannelKind.VOICE and calls.is_outside(fact.interaction):
        return
    interaction = CAME.one(interaction=fact.interaction)
    if interaction.is_open and not queueing.is_known(interaction.pk):
        # Its fact is struck off after it: if this is lost with the database, so is that, and it is done again.
        with unflushed():
            since = ghosts.original_wait(interaction) or interaction.opened_at
            callbacks.come_in(interaction=interaction, waits_since=since)


@handles(MessagePosted)
def revive_contact(fact: MessagePosted) -> None:
    """A customer wrote into a contact that had become idle or was in nobody's hands."""
    if fact.author == Author.CUSTOMER and not legs.is_held(interaction_id=fact.interaction):
        legs.revive(message_id=fact.message)


@handles(LegAccepted)
def need_no_callback(fact: LegAccepted) -> None:
    """An operator serves the customer: nobody need call him any more, and who is being called sees it."""
    if not queries.may_await(fact.interaction):
        return
    actor = User.objects.get(pk=fact.operator)
    ghosts.finish_callbacks(interaction_id=fact.interaction, actor=actor)
    leg = Assignment.objects.select_related(
        "item__queue", "interaction__thread__identity", "interaction__callback", "interaction__profile"
    ).get(pk=fact.leg)
    callbacks.serve(interaction=leg.interaction, queue=leg.item.queue, actor=actor)
    if hasattr(leg.interaction, "callback"):
        calling.tell(leg.interaction.callback)
    if leg.interaction.kind == ChannelKind.VOICE:
        missed.settle(interaction=leg.interaction, actor=actor)


@handles(InteractionClosed)
def end_contact(fact: InteractionClosed) -> None:
    """A session ended: its leg goes into wrap-up, its visit leaves the queue, its callback is over."""
    legs.end_with_interaction(interaction_id=fact.interaction)
    if fact.kind == ChannelKind.VOICE:
        guests.dismiss(interaction_id=fact.interaction)
    if fact.kind == ChannelKind.CALLBACK:
        calling.settle(interaction_id=fact.interaction)
    if fact.kind == ChannelKind.VOICE and fact.reason in missed.MISSED:
        missed.note(interaction_id=fact.interaction)


@handles(CallbackEnded)
def need_no_task(fact: CallbackEnded) -> None:
    """A customer was reached by his callback: the tasks of calls that he missed are done."""
    callback = Callback.objects.select_related("session__thread__identity", "session__profile", "ended_by").get(
        pk=fact.callback
    )
    if fact.result == CallbackEnd.REACHED and callback.session and callback.ended_by:
        missed.settle(interaction=callback.session, actor=callback.ended_by)


@handles(LegEnded)
def dismiss_guests(fact: LegEnded) -> None:
    """A call was handed on, or its operator is gone: colleagues whom he had taken in are let go."""
    guests.dismiss(interaction_id=fact.interaction)


@handles(ItemQueued)
def offer_item(fact: ItemQueued) -> None:
    """Work arrived: offer it at once."""
    offers.assign_next([fact.queue])


@handles(RoomMade)
def offer_room(fact: RoomMade) -> None:
    """Somebody became free: offer what waits in his queues."""
    offers.assign_next(fact.queues)


@handles(PresenceChanged)
def pause_phones(fact: PresenceChanged) -> None:
    """An operator's state changed: telephone exchanges give him calls, or none."""
    exchange_people.pause_phones(user_id=fact.operator)


@handles(RecordingReady)
def set_end_of_keeping(fact: RecordingReady) -> None:
    """A recording is kept as long as the last queue of its call says."""
    item = WorkItem.objects.filter(interaction=fact.interaction).select_related("queue").order_by("-pk").first()
    days = item.queue.keep_recordings_days if item and item.queue else None
    if days is not None:
        kept = Recording.objects.filter(public_id=fact.recording).exclude(state=Recording.State.DELETED)
        kept.update(delete_after=F("started_at") + timedelta(days=days))
