"""One contact of the past: when everything happened, and the rows that the acts would have left."""

import random
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from cxcenter.accounts.models import User
from cxcenter.management.demo.customers import Person
from cxcenter.management.demo.dialogue import CUSTOMER, NOTE, STAFF, TRANSFER, Dialogue
from cxcenter.management.demo.record import Book, key
from cxcenter.management.demo.shifts import Contact, Shift
from interactions.choices import Audience, Author, ChannelKind, CloseReason, TaskKind
from interactions.events import InteractionClosed, InteractionOpened, TaskCreated
from interactions.models import Disposition, Interaction, Task, Topic
from quality.models import Survey
from routing.actions import queueing
from routing.choices import AlertKind, Leg, LegEnd, Outcome, Visit
from routing.models import Alert, Assignment, Queue, WorkItem
from routing.skills import path_for
from routing.strategies import RULES

SECOND = timedelta(seconds=1)
DAYS_RU = ("в понедельник", "во вторник", "в среду", "в четверг", "в пятницу")
DAYS_EN = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
COMMENTS = {
    "ru": {
        2: "Долго, и пришлось объяснять не раз",
        3: "Ответили вежливо, но вопрос пока не решён",
        5: "Быстро и по делу, спасибо",
    },
    "en": {2: "Slow, and I had to explain it twice", 3: "Polite, but not solved yet", 5: "Quick and to the point"},
}


@dataclass(frozen=True)
class World:
    """What talks need to know of the installation."""

    topics: dict[str, Topic]
    dispositions: dict[str, Disposition]
    second_line: Queue
    supervisor: User
    # (queue, topic, language) → what such work asks for.
    paths: dict[tuple[int, int, str], int] = field(default_factory=dict)

    def path(self, queue: Queue, topic: Topic, language: str) -> int:
        """Return the path of the skills that work asks for."""
        place = (queue.pk, topic.pk, language)
        if place not in self.paths:
            self.paths[place] = path_for(queue=queue, topic=topic, language=language)
        return self.paths[place]


@dataclass
class Visitor:
    """Who comes, with what, and which queue it is for."""

    person: Person
    dialogue: Dialogue
    queue: Queue
    opened: datetime
    wait_s: int


@dataclass
class Part:
    """What one operator does of a talk: offered, accepted, the lines with their times, ended."""

    shift: Shift
    queue: Queue
    entered: datetime
    offered: datetime
    accepted: datetime
    lines: list[tuple[datetime, str, str]]
    ends: datetime
    wrapup: timedelta
    note: str = ""


def fill(text: str, person: Person, chance: random.Random) -> str:
    """Put the customer's name, car, dealer and made-up numbers into a line."""
    days = DAYS_RU if person.language == "ru" else DAYS_EN
    return text.format(
        name=person.first_name,
        car=person.car,
        dealer=person.dealer,
        weeks=chance.choice((2, 3, 4)),
        order=chance.randint(40_000, 79_999),
        day=chance.choice(days),
    )


def filled(dialogue: Dialogue, person: Person, chance: random.Random) -> Dialogue:
    """Return the dialogue with every brace filled; the same word means the same everywhere in it."""
    seed = chance.getrandbits(32)

    def again(text: str) -> str:
        return fill(text, person, random.Random(seed))  # noqa: S311 — a demo, not a secret

    case = (dialogue.case[0], again(dialogue.case[1])) if dialogue.case else None
    return replace(dialogue, text=again(dialogue.text), case=case)


def plan(
    world: World, visitor: Visitor, shift: Shift, senior: Shift | None, chance: random.Random
) -> list[Part] | None:
    """Return when each operator does his part, or None if one of them has no room then."""

    def part(shift: Shift, queue: Queue, entered: datetime, note: str = "") -> Part:
        offered = max(entered + SECOND, at - chance.randint(3, 14) * SECOND)
        wrapup = chance.randint(8, queue.wrapup_s) * SECOND
        return Part(shift, queue, entered, offered, at, [], at, wrapup, note)

    at = visitor.opened + visitor.wait_s * SECOND
    parts = [part(shift, visitor.queue, visitor.opened)]
    for who, words in visitor.dialogue.lines[1:]:
        if who == TRANSFER:
            if senior is None:
                return None
            before = parts[-1]
            before.ends = at + chance.randint(5, 20) * SECOND
            before.wrapup = timedelta(0)
            at = before.ends + chance.randint(12, 100) * SECOND
            parts.append(part(senior, world.second_line, before.ends, words))
            continue
        at += _pause(who, words, chance)
        parts[-1].lines.append((at, who, words))
    parts[-1].ends = at + chance.randint(15, 70) * SECOND
    return parts if all(part.shift.has_room(part.offered, part.ends + part.wrapup) for part in parts) else None


def _pause(who: str, words: str, chance: random.Random) -> timedelta:
    """Reading, thinking and typing: about five characters a second."""
    thinks = {CUSTOMER: (8, 75), STAFF: (6, 45), NOTE: (3, 12)}[who]
    return timedelta(seconds=round(chance.randint(*thinks) + len(words) / 5))


class Talk:
    """One session that is being told into the book."""

    def __init__(self, book: Book, world: World, visitor: Visitor, chance: random.Random) -> None:
        """Open the session with the customer's first words."""
        self.book, self.world, self.visitor, self.chance = book, world, visitor, chance
        person, opened = visitor.person, visitor.opened
        self.topic = world.topics[visitor.dialogue.topic]
        self.log = book.thread_of(person.visitor, person.profile, opened)
        root = self.topic.parent or self.topic
        page = {
            "url": f"https://norda.example/{visitor.queue.name.split()[0].lower()}",
            "title": f"Norda: {root.label(person.language)}",
            "referrer": chance.choice(("", "https://search.example/")),
            "utm": chance.choice(({}, {"source": "newsletter", "campaign": "winter"})),
        }
        self.log.row.page = page
        session = self.session = Interaction(
            public_id=key(chance),
            thread=self.log.row,
            profile=person.profile,
            kind=ChannelKind.WEBCHAT,
            topic=root,
            language=person.language,
            opened_at=opened,
            says=person.says,
            page=page,
        )
        book.interactions.append(session)
        book.fact(opened, person.profile, lambda: InteractionOpened(interaction=session.pk, kind=session.kind))
        self._say(opened + SECOND, CUSTOMER, visitor.dialogue.lines[0][1], None)

    def go_through(self, parts: list[Part]) -> None:
        """Tell an answered talk to its end: every operator's part, the outcome, the rating."""
        for part, following in zip(parts, [*parts[1:], None], strict=True):
            self._take_part(part)
            if following:
                self._hand_over(part, following)
        last = parts[-1]
        self._wrap_up(last)
        if self.chance.random() < 0.2:
            self._close(last.ends, CloseReason.ENDED, None)
        else:
            self._close(last.ends, CloseReason.FINISHED, last.shift.user)
        self._rate(last.ends)

    def give_up(self, gone_after: timedelta) -> Task | None:
        """Tell that the visitor left unanswered; returns the callback task, if he left a contact."""
        visitor = self.visitor
        left = visitor.opened + visitor.wait_s * SECOND
        item = self._visit(visitor.queue, visitor.opened, left, waits_since=visitor.opened)
        item.outcome = Outcome.ABANDONED
        noticed = left + gone_after + SECOND
        self._close(noticed, CloseReason.LEFT, None)
        contact = visitor.person.says.get("contact", "")
        if not contact:
            return None
        task = Task(
            kind=TaskKind.CALLBACK,
            title=visitor.person.says["name"],
            contact=contact,
            team=visitor.queue.team,
            profile=self.session.profile,
            interaction=self.session,
            due_at=noticed + timedelta(minutes=30),
            created_at=noticed,
        )
        self.book.tasks.append(task)
        self.book.fact(noticed, task.profile, lambda: TaskCreated(task=task.pk, kind=task.kind))
        return task

    def _say(self, at: datetime, who: str, words: str, user: User | None) -> None:
        """Post one line; whoever answers has read what stands before."""
        session, client_key = self.session, key(self.chance)
        session.last_message_at = at
        if who == CUSTOMER:
            self._post(at, Author.CUSTOMER, text=words, client_key=client_key)
            session.unread += 1
            session.waiting_since = session.waiting_since or at
            return
        self.log.mark_by_staff()
        session.unread = 0
        audience = Audience.STAFF if who == NOTE else Audience.ALL
        self._post(at, Author.STAFF, text=words, client_key=client_key, user=user, audience=audience)
        if audience == Audience.ALL:
            session.waiting_since = None
            session.first_reply_at = session.first_reply_at or at
            self.log.mark_by_customer()

    def _post(self, at: datetime, author: str, **fields: Any) -> None:
        self.book.messages.append(self.log.post(self.session, at, author, **fields))

    def _visit(
        self, queue: Queue, entered: datetime, left: datetime, *, waits_since: datetime, **fields: Any
    ) -> WorkItem:
        """Write one visit to a queue; what waited past the target was escalated, and the supervisor was told."""
        item = WorkItem(
            queue=queue,
            interaction=self.session,
            visit=Visit.LEFT,
            outcome=Outcome.ANSWERED,
            priority=queue.priority,
            path=self.world.path(queue, self.topic, self.session.language),
            entered_at=entered,
            waits_since=waits_since,
            left_at=left,
            **fields,
        )
        late = max(waits_since + queue.target_s * SECOND, entered) + SECOND
        if left > late:
            item.escalated_at, item.priority = late, queue.priority + 1
            self._alert(item, late)
        item.rank_at = queueing.rank(queue, waits_since, item.priority)
        self.book.items.append(item)
        return item

    def _alert(self, item: WorkItem, at: datetime) -> None:
        self.book.alerts.append(
            Alert(
                kind=AlertKind.LATE,
                team_id=item.queue.team_id,
                queue=item.queue,
                item=item,
                args={"target_s": item.queue.target_s},
                at=at,
                seen_at=at + timedelta(minutes=4),
                seen_by=self.world.supervisor,
            )
        )

    def _take_part(self, part: Part) -> None:
        """Write one operator's leg with everything said in it."""
        user, wraps = part.shift.user, part.wrapup > timedelta(0)
        sender = self.book.legs[-1].operator if part.note else None
        # A contact that is handed over waits since the customer's unanswered words.
        since = (self.session.waiting_since if part.note else None) or part.entered
        item = self._visit(part.queue, part.entered, part.accepted, waits_since=since, note=part.note, sent_by=sender)
        self.book.legs.append(
            Assignment(
                item=item,
                interaction=self.session,
                operator=user,
                leg=Leg.ENDED,
                end=LegEnd.FINISHED if wraps else LegEnd.TRANSFERRED,
                offered_at=part.offered,
                accepted_at=part.accepted,
                ended_at=part.ends,
                wrapup_until=part.ends + part.queue.wrapup_s * SECOND if wraps else None,
                wrapped_at=part.ends + part.wrapup if wraps else None,
                holds=False,
                why={"rules": RULES, "how": "least_loaded", "needs": [], "free": 1},
            )
        )
        self._post(part.accepted, Author.SYSTEM, code="joined", user=user, args={"name": user.public_name})
        for at, who, words in part.lines:
            self._say(at, who, words, user)
        wrapup = (part.ends, part.ends + part.wrapup) if wraps else None
        part.shift.contacts.append(Contact(accepted=part.accepted, let_go=part.ends, wrapup=wrapup))

    def _hand_over(self, part: Part, following: Part) -> None:
        user = part.shift.user
        args = {"name": user.public_name, "by": user.name, "to": following.queue.name, "note": following.note}
        self._post(part.ends, Author.SYSTEM, code="transferred", user=user, args=args)
        note = {"code": "transfer_note", "audience": Audience.STAFF}
        self._post(part.ends, Author.SYSTEM, user=user, args=args, **note)

    def _wrap_up(self, part: Part) -> None:
        """Choose outcome and topic, unless the time of the wrap-up ran out."""
        if part.wrapup >= part.queue.wrapup_s * SECOND:
            return
        disposition = self.world.dispositions[self.visitor.dialogue.outcome]
        self.session.disposition, self.session.solved = disposition, disposition.solved
        self.session.topic = self.topic

    def _close(self, at: datetime, reason: str, actor: User | None) -> None:
        session, name = self.session, {"name": actor.public_name} if actor else {}
        self._post(at, Author.SYSTEM, code="closed", user=actor, args={"reason": reason, **name})
        session.closed_at, session.close_reason, session.waiting_since = at, reason, None
        self.book.fact(
            at,
            session.profile,
            lambda: InteractionClosed(interaction=session.pk, kind=session.kind, reason=reason),
            actor,
        )

    def _rate(self, closed: datetime) -> None:
        """Every third customer rates the talk, near to what such talks earn."""
        chance, dialogue = self.chance, self.visitor.dialogue
        if chance.random() > 0.36:
            return
        csat = min(5, max(1, dialogue.csat + chance.choice((-1, 0, 0, 0, 1))))
        self.book.surveys.append(
            Survey(
                interaction=self.session,
                csat=csat,
                ces=min(7, max(1, csat + chance.choice((0, 1, 2)))),
                comment=COMMENTS[self.visitor.person.language].get(csat, "") if chance.random() < 0.4 else "",
                at=closed + chance.randint(10, 90) * SECOND,
            )
        )
