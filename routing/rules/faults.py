"""What is wrong with the rules as a whole, in words that say what to do, each at its setting."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, time
from itertools import pairwise

from django.utils import timezone
from django.utils.translation import gettext as _

from customers.models import Segment
from cxcenter.accounts.models import User
from cxcenter.core.zones import is_zone
from interactions.choices import ChannelKind
from interactions.models import Topic
from routing.capacity import LIMITS
from routing.choices import Work
from routing.hours import MIDNIGHT, Hours, is_reversed
from routing.models import Entrance, OpeningInterval, OperatorSkill, Presence, QueueMember, Skill
from routing.rules import asking, onward
from routing.rules.document import ALL, HOURS, PAUSES, QUEUES, REQUIREMENTS, Document, Settings

# Hours that do not open within so many days never open.
SOON = 60
# A queue gets work that none of its members could ever be offered.
UNSERVED = "unserved"
Levels = dict[int, int]


@dataclass(frozen=True)
class Fault:
    """Something that cannot be, at one setting of one thing. `code` tells one kind from another, `about` what of it."""

    sort: str
    id: str
    field: str
    code: str
    message: str = dataclasses.field(compare=False)
    about: str = ""


@dataclass
class World:
    """What the rules stand in: people with their levels, who takes none of some work, who is lent, where contacts come in."""

    active: set[int]
    no_room: dict[str, set[int]]
    lent: dict[int, set[int]]
    levels: dict[int, Levels]
    parents: dict[int | None, set[int]]
    segments: set[int]
    entrances: list[Entrance]
    names: dict[int, str]

    @classmethod
    def read(cls) -> "World":
        """Read it: eight queries, however much there is."""
        now = timezone.now()
        lent: dict[int, set[int]] = {}
        for queue, user in QueueMember.objects.filter(until__gt=now).values_list("queue_id", "user_id"):
            lent.setdefault(queue, set()).add(user)
        levels: dict[int, Levels] = {}
        held = OperatorSkill.objects.filter(ended_at=None).values_list("user_id", "skill_id", "level")
        for user, skill, level in held:
            levels.setdefault(user, {})[skill] = level
        return cls(
            active=set(User.objects.filter(is_active=True).values_list("pk", flat=True)),
            no_room=_without_room(),
            lent=lent,
            levels=levels,
            parents=_with_parents(dict(Topic.objects.values_list("pk", "parent_id"))),
            segments=set(Segment.objects.values_list("pk", flat=True)),
            entrances=list(Entrance.objects.select_related("channel", "topic").order_by("pk")),
            names=dict(Skill.objects.values_list("pk", "name")),
        )

    @property
    def called(self) -> set[str]:
        """The queues to which a line of a phone leads."""
        lines = (one for one in self.entrances if one.channel.kind == ChannelKind.VOICE and one.channel.active)
        return {str(one.queue_id) for one in lines}


def _without_room() -> dict[str, set[int]]:
    """Return by kind of work who takes none of it."""
    people = Presence.objects.only(*LIMITS.values())
    return {kind: {one.user_id for one in people if not one.limits[kind]} for kind in LIMITS}


def _with_parents(parents: dict[int, int | None]) -> dict[int | None, set[int]]:
    """Return for each topic itself and those above it; nothing for none."""
    found: dict[int | None, set[int]] = {None: set()}
    for topic in parents:
        one: int | None = topic
        found[topic] = set()
        while one is not None and one not in found[topic]:
            found[topic].add(one)
            one = parents.get(one)
    return found


def faults(document: Document, world: World | None = None) -> list[Fault]:
    """Return all that is wrong, queues first."""
    world = world or World.read()
    found = [*_of_queues(document, world), *_of_hours(document), *_of_names(document), *_of_asked(document, world)]
    return [*found, *unserved(document, world)]


def _of_queues(document: Document, world: World) -> Iterator[Fault]:
    queues = document[QUEUES]
    for ident, one in queues.items():
        yield from (Fault(QUEUES, ident, *wrong) for wrong in onward.wrong(ident, queues))
        if one["hours"] is not None and str(one["hours"]) not in document[HOURS]:
            yield Fault(QUEUES, ident, "hours", "gone", _("These business hours are no longer there: choose others."))
        if one["max_waiting"] == 0:
            words = _("With 0 nobody may ever wait here. Leave it empty for no limit.")
            yield Fault(QUEUES, ident, "max_waiting", "full", words)
        if one["active"]:
            yield from _of_members(ident, one, world)
        else:
            yield from _of_entrances(ident, one, world)


def _of_members(ident: str, one: Settings, world: World) -> Iterator[Fault]:
    members = _members(ident, one, world)
    if not members:
        words = _("Nobody serves %(queue)s: choose a member, or switch the queue off.")
        yield Fault(QUEUES, ident, "members", "nobody", words % {"queue": one["name"]})
    elif one["callbacks"] and members <= world.no_room[Work.CALLBACK]:
        words = _("No member of %(queue)s takes callbacks: give one of them room for one, or let them not be routed.")
        yield Fault(QUEUES, ident, "callbacks", "nobody", words % {"queue": one["name"]})
    elif ident in world.called and members <= world.no_room[Work.CALL]:
        words = _("No member of %(queue)s takes calls, and a phone line leads here: give one of them room for a call.")
        yield Fault(QUEUES, ident, "members", "nobody", words % {"queue": one["name"]})


def _members(ident: str, one: Settings, world: World) -> set[int]:
    """Return who serves a queue now, those who are lent with them."""
    # One that is to come has no number yet.
    lent = world.lent.get(int(ident), set()) if ident.isdecimal() else set()
    return (set(one["members"]) | lent) & world.active


def unserved(document: Document, world: World) -> list[Fault]:
    """Return the queues that get work which none of their members could ever be offered."""
    found = []
    for ident, one in document[QUEUES].items():
        members = _members(ident, one, world) if one["active"] else set()
        held = [world.levels.get(user, {}) for user in members]
        beyond = [sort for sort in _work_of(ident, document, world) if held and not any(sort.is_for(h) for h in held)]
        for sort in beyond:
            # Of what asks for the same and more the least is told.
            if not any(other is not sort and sort.is_harder(other) for other in beyond):
                words = _(
                    "No member of %(queue)s has all that its work asks for in the end: %(wanted)s. It would wait for ever."
                    " Add somebody who has it, or let it ask for less (Skills)."
                )
                said = words % {"queue": one["name"], "wanted": asking.named(sort.asked, world.names)}
                found.append(Fault(QUEUES, ident, "members", UNSERVED, said, sort.about))
    return found


def _work_of(ident: str, document: Document, world: World) -> list[asking.Work]:
    """Return the sorts of work that a queue gets, each with what it asks for when all its steps are past."""
    own = document[REQUIREMENTS].get(ident, {"asked": []})["asked"]
    rules = [*document[REQUIREMENTS][ALL]["asked"], *own]
    leading = {entrance.topic_id for entrance in world.entrances if str(entrance.queue_id) == ident}
    here = {rule["topic"] for rule in own}
    found = {(rule["topic"], rule["language"], rule["segment"]) for rule in rules}
    return [
        asking.work(rules, topic, language, segment, world.parents.get(topic, set()))
        for topic, language, segment in sorted(found, key=str)
        if topic is None or topic in here or world.parents.get(topic, set()) & leading
    ]


def _of_asked(document: Document, world: World) -> Iterator[Fault]:
    known = {"skill": set(world.names), "topic": world.parents.keys(), "segment": {None, *world.segments}}
    for ident, one in document[REQUIREMENTS].items():
        for about, field, code, words in asking.wrong(one["asked"], known):
            yield Fault(REQUIREMENTS, ident, field, code, words, about)


def _of_entrances(ident: str, one: Settings, world: World) -> Iterator[Fault]:
    leading = [entrance for entrance in world.entrances if str(entrance.queue_id) == ident]
    if leading:
        first = f"{leading[0].channel} / {leading[0].topic or '*'}"
        words = _(
            "New contacts come to %(queue)s (%(entrance)s): lead them to another queue first, or keep this one switched on."
        )
        yield Fault(QUEUES, ident, "active", "entrance", words % {"queue": one["name"], "entrance": first})


def _of_hours(document: Document) -> Iterator[Fault]:
    for ident, one in document[HOURS].items():
        wrong = list(_of_intervals(ident, one)) + list(_of_holidays(ident, one))
        if not is_zone(one["zone"]):
            wrong.append(Fault(HOURS, ident, "zone", "zone", _("There is no such time zone: choose one of the list.")))
        yield from wrong
        if not wrong and hours_of(one).next_opening(timezone.now(), SOON) is None:
            keep = [queue["name"] for queue in document[QUEUES].values() if str(queue["hours"]) == ident]
            words = _("These hours never open: add an interval, or a day that is open.")
            if keep:
                words = _("These hours, which %(queues)s keep, never open: add an interval, or a day that is open.")
            yield Fault(HOURS, ident, "intervals", "shut", words % {"queues": ", ".join(keep)})


def hours_of(one: Settings) -> Hours:
    """Return settings of business hours as what is asked whether it is open."""
    return Hours(
        zone=one["zone"],
        weekly=tuple((day, at(opens), at(closes)) for day, opens, closes in one["intervals"]),
        special={
            date.fromisoformat(day): (at(opens), at(closes)) if opens and closes else None
            for day, _name, opens, closes in one["holidays"]
        },
    )


def at(text: str) -> time:
    """Return a time of day from HH:MM."""
    return time.fromisoformat(text)


def _of_intervals(ident: str, one: Settings) -> Iterator[Fault]:
    for number, (_day, opens, closes) in enumerate(one["intervals"]):
        if is_reversed(at(opens), at(closes)):
            words = _("It closes before it opens. An interval over midnight is two: till 00:00, and from 00:00.")
            yield Fault(HOURS, ident, f"closes-{number}", "reversed", words)
    rows = sorted((day, opens, number, closes) for number, (day, opens, closes) in enumerate(one["intervals"]))
    for earlier, later in pairwise(rows):
        if earlier[0] == later[0] and (at(earlier[3]) == MIDNIGHT or later[1] < earlier[3]):
            words = _("It overlaps with %(opens)s–%(closes)s of %(day)s.")
            said = {"opens": earlier[1], "closes": earlier[3], "day": OpeningInterval.Day(earlier[0]).label}
            yield Fault(HOURS, ident, f"opens-{later[2]}", "overlap", words % said)


def _of_holidays(ident: str, one: Settings) -> Iterator[Fault]:
    seen: set[str] = set()
    for number, (day, _name, opens, closes) in enumerate(one["holidays"]):
        if bool(opens) != bool(closes):
            words = _("Write both times, or none for a day that is closed.")
            yield Fault(HOURS, ident, f"till-{number}", "half", words)
        elif opens and is_reversed(at(opens), at(closes)):
            yield Fault(HOURS, ident, f"till-{number}", "reversed", _("It closes before it opens."))
        if day in seen:
            yield Fault(HOURS, ident, f"date-{number}", "twice", _("This date is in the list already."))
        seen.add(day)


def _of_names(document: Document) -> Iterator[Fault]:
    for sort in (QUEUES, HOURS, PAUSES):
        seen: set[str] = set()
        for ident, one in document[sort].items():
            if one["name"].casefold() in seen:
                words = _("“%(name)s” is there already: choose another name.")
                yield Fault(sort, ident, _name_of(sort, ident), "name", words % {"name": one["name"]})
            seen.add(one["name"].casefold())


def _name_of(sort: str, ident: str) -> str:
    """Return the field of a name: pause reasons are edited as rows of one page."""
    return f"name-{ident}" if sort == PAUSES else "name"
