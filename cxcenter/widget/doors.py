"""Whether visitors are let in now, how long they would wait, and when somebody can call them back."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from cxcenter.accounts.models import Team
from cxcenter.core.errors import Conflict
from interactions.models import Channel, Interaction, Site, Topic
from routing import calls, overflow, queries, waits
from routing.choices import Then, Visit, When
from routing.models import Entrance, Queue

OFFERED_FOR_WAITING = f"{When.WAITED}:{Then.FORM}"


class Away(Conflict):
    """Nobody can take a new talk now: the visitor gets the form that becomes a callback or a task, or words alone."""

    code = "away"
    doorway: "Doorway"


@dataclass(frozen=True)
class Doorway:
    """A door and the queue behind it (None if the site leads nowhere), by the way that overflow leads."""

    queue: Queue | None
    door: queries.Door
    way: overflow.Way | None = None


def of_topic(site: Site, topic: Topic | None, channel: Channel | None = None) -> Doorway:
    """Return the doorway of a new talk about a topic, in a channel (the chat's unless told)."""
    entrance = queries.queue_for(channel=channel or site.channel, topic=topic)
    return _through(entrance.queue if entrance else None)


def of_site(site: Site) -> Doorway:
    """Return the first open doorway of a site: its own, else a topic's; if all are shut, its own."""
    own = of_topic(site, None)
    if own.door.open:
        return own
    rest = Entrance.objects.filter(channel=site.channel_id, queue__active=True).exclude(queue=own.queue)
    others = [_through(entrance.queue) for entrance in rest.select_related("queue").order_by("pk")]
    return next((doorway for doorway in others if doorway.door.open), own if own.queue or not others else others[0])


def _through(queue: Queue | None) -> Doorway:
    if queue is None:
        return Doorway(None, queries.Door(open=False, why="nobody"))
    way = overflow.way_in(queue)
    return Doorway(way.queue, way.door, way)


def of_told(interaction: Interaction) -> Doorway | None:
    """Return the shut doorway behind which a session waits, once its visitor was told so; else None.

    Who was offered the form because he has waited long may leave a request though the door is open.
    """
    item = interaction.visits.exclude(visit=Visit.LEFT).select_related("queue__hours").first()
    if item is None:
        return None
    offered = OFFERED_FOR_WAITING in (item.overflows or [])
    if item.told_away_at is None and not offered:
        return None
    doorway = Doorway(item.queue, queries.door_of(item.queue))
    if not doorway.door.open:
        return doorway
    return Doorway(item.queue, queries.Door(open=False, why="wait")) if offered else None


def refuse_shut(site: Site, topic: Topic | None, channel: Channel | None = None) -> None:
    """Raise Away unless a new talk about a topic may begin now, in a channel (the chat's unless told)."""
    doorway = of_topic(site, topic, channel)
    if doorway.door.open:
        return
    words = _("Nobody can answer now. Leave a request and we will come back to you.")
    if not doorway.door.form:
        words = doorway.door.message
    away = Away(words, door=view(doorway))
    away.doorway = doorway
    raise away


def view(doorway: Doorway) -> dict[str, Any]:
    """Return a doorway as plain values: open with the expected wait, or shut with why, until when, and call slots.

    `soon` tells that a call need not have a time: it comes as soon as somebody is there, in its turn.
    """
    door, queue = doorway.door, doorway.queue
    told: dict[str, Any] = {"open": door.open, "why": door.why, "message": door.message}
    if door.open:
        assert queue is not None
        return {**told, "estimate_s": waits.expected_s(queue), "recorded": queue.record_calls}
    opens = door.opens_at.isoformat() if door.opens_at else None
    free = calls.slots(queue) if door.form else []
    soon = door.form and queue is not None and queue.callbacks
    slots = [slot.isoformat() for slot in free]
    return {
        **told,
        "form": door.form,
        "letters": door.letters,
        "opens_at": opens,
        "slots": slots,
        "soon": soon,
        "voicemail": queue is not None and queue.voicemail,
    }


def team_of(doorway: Doorway) -> Team:
    """Return who answers a request: the queue's team; for a site that leads nowhere, the first team."""
    team = doorway.queue.team if doorway.queue else Team.objects.order_by("pk").first()
    if team is None:
        raise Conflict(_("Requests cannot be taken here yet."), code="no_team")
    return team
