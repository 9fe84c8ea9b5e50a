"""Contacts of some days long over, drawn by a seed: all outcomes, transfers, legs of unknown length, ratings, calls that came to no queue."""

import itertools
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from customers.models import Customer, Identity, Profile
from interactions.models import Channel, Interaction, Message, Thread, Topic
from quality.models import Survey
from routing.models import Assignment, Skill, WorkItem
from routing.skills import combine, path_of
from tests import world

BEGIN = datetime(2026, 3, 27, 20, 0, tzinfo=UTC)
WAITS = (0, 0.4, 5, 9.9, 10, 10.1, 19.999, 20, 20.001, 21, 30, 31, 90)
ENDS = ["answered"] * 6 + ["abandoned", "abandoned", "callback", "flowed_out", "blocked", "withdrawn"]


@dataclass
class Written:
    """The rows of a history, not yet in the database."""

    sessions: list = field(default_factory=list)
    visits: list = field(default_factory=list)
    legs: list = field(default_factory=list)
    surveys: list = field(default_factory=list)
    messages: list = field(default_factory=list)


class History:
    """Two teams, three queues, three operators, two channels, two skills and the contacts of `days` days."""

    def __init__(self, seed: int, *, contacts: int = 60, days: int = 4) -> None:
        self.draw, self.talk, self.days = random.Random(seed), random.Random(-seed), days
        teams = [world.make_team("Support"), world.make_team("Sales")]
        self.queues = [world.make_queue(f"Q{n}", teams[n % 2], target_s=10 * n + 10) for n in range(3)]
        self.operators = [world.make_user(f"op{n}", team=teams[n % 2]) for n in range(3)]
        self.channels = [Channel.objects.create(name=kind, kind=kind) for kind in ("webchat", "voice")]
        self.topics = [Topic.objects.create(name=f"T{n}") for n in range(2)]
        self.skills = [Skill.objects.create(name=name) for name in ("Russian", "Mortgages")]
        russian, mortgages = (skill.pk for skill in self.skills)
        # What visits ask for in turn (nothing, Russian, both, which loosen), and the skills that stand in it.
        self.asks = {
            0: (None,),
            path_of(combine([(russian, [(0, 4)])])): (russian,),
            path_of(combine([(russian, [(0, 4), (20, 3)]), (mortgages, [(0, 3), (45, 0)])])): (russian, mortgages),
        }
        self.profiles = []
        for _n in range(8):
            customer = Customer.objects.create()
            self.profiles.append(Profile.objects.create(customer=customer, home=customer, source="x"))
        self.threads = [self._thread(n, profile) for n, profile in enumerate(self.profiles)]
        self.written = Written()
        for _contact in range(contacts):
            self._contact()
        paths, segments = itertools.cycle(self.asks), itertools.cycle([[], ["vip"], ["vip", "debtor"], ["debtor"]])
        for visit in self.written.visits:
            visit.path, visit.segments = next(paths), next(segments)
            # After a transfer: whether it was to one person.
            visit.only_preferred = self.talk.random() < 0.5
        for session in self.written.sessions:
            self._messages(session)

    def _thread(self, number: int, profile: Profile) -> Thread:
        identity = Identity.objects.create(kind="visitor", value=f"v{number}")
        return Thread.objects.create(channel=self.channels[number % 2], identity=identity, profile=profile)

    def _contact(self) -> None:
        draw, written = self.draw, self.written
        at = BEGIN + timedelta(seconds=draw.randrange(self.days * 86400), microseconds=draw.choice([0, 0, 250_000]))
        if draw.random() < 0.2:
            # The edge of an interval.
            at = at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0)
        thread = draw.choice(self.threads)
        session = Interaction(
            thread=thread,
            profile=thread.profile if draw.random() < 0.9 else None,
            kind=thread.channel.kind,
            topic=draw.choice([*self.topics, None]),
            opened_at=at,
        )
        written.sessions.append(session)
        ended = at + timedelta(seconds=20)
        if draw.random() > 0.15:
            ended = self._visits(session, at)
        if draw.random() < 0.3:
            said = {"csat": draw.choice([None, 1, 2, 3, 4, 5]), "ces": draw.choice([None, 1, 4, 7])}
            written.surveys.append(Survey(interaction=session, at=ended, **said))
        session.closed_at = session.last_message_at = ended

    def _visits(self, session: Interaction, at: datetime) -> datetime:
        draw, written = self.draw, self.written
        first = at
        while True:
            end = draw.choice(ENDS)
            left = at + timedelta(seconds=draw.choice(WAITS))
            visit = WorkItem(
                interaction=session,
                queue=draw.choice(self.queues),
                priority=draw.choice([0, 1, 2]),
                visit="left",
                entered_at=at,
                waits_since=at,
                rank_at=at,
                left_at=left,
                outcome=end,
                blocked_kind=draw.choice(["B1", "B2", "B3"]) if end == "blocked" else "",
                overflows=draw.choice(
                    [None, None, ["waited:message"], ["waited:message", "waited:queue"], ["nobody:form"]]
                ),
            )
            if draw.random() < 0.5:
                # Told at once, or a moment before he was answered; longer than 2³¹ microseconds for some.
                told = draw.choice([at, at, left])
                visit.estimate_s, visit.estimator, visit.estimated_at = draw.choice([0, 12, 20, 3000]), "ql", told
            written.visits.append(visit)
            if end != "answered":
                return left
            if session.first_reply_at is None and draw.random() < 0.8:
                session.first_reply_at = first + timedelta(seconds=draw.choice([5, 10, 10.5, 20, 30, 31]))
            at = self._legs(visit, left)
            if draw.random() < 0.7:
                return at

    def _legs(self, visit: WorkItem, at: datetime) -> datetime:
        draw, written = self.draw, self.written
        if draw.random() < 0.2:
            declined = {"end": "declined", "offered_at": visit.entered_at, "ended_at": at}
            written.legs.append(self._leg(visit, **declined))
        for _taken in range(draw.choice([1, 1, 1, 2])):
            ended = at + timedelta(seconds=draw.choice([0, 1.5, 60, 400]))
            unknown = draw.random() < 0.1
            written.legs.append(
                self._leg(
                    visit,
                    accepted_at=at,
                    ended_at=None if unknown else ended,
                    wrapped_at=None if unknown else draw.choice([None, ended + timedelta(seconds=30)]),
                    end=draw.choice(["finished", "transferred", "taken"]),
                )
            )
            at = ended
        return at

    def _messages(self, session: Interaction) -> None:
        """Let customer, operators and bot talk before, in and after the legs, and at their very edges; some of it is no message."""
        draw, at = self.talk, session.opened_at
        edges = [
            edge for leg in self.written.legs if leg.interaction is session for edge in (leg.accepted_at, leg.ended_at)
        ]
        for _message in range(draw.randrange(9)):
            at += timedelta(seconds=draw.choice([0.5, 7, 30, 90]))
            at = min([edge for edge in edges if edge and edge >= at], default=at) if draw.random() < 0.4 else at
            self.written.messages.append(
                Message(
                    thread=session.thread,
                    interaction=session,
                    channel=session.thread.channel,
                    seq=len(self.written.messages),
                    staff_changed=0,
                    author=draw.choice(["customer", "customer", "staff", "staff", "bot", "system"]),
                    audience=draw.choice(["all"] * 6 + ["staff"]),
                    withdrawn_at=draw.choice([None] * 8 + [at]),
                    at=at,
                )
            )

    def _leg(self, visit: WorkItem, **fields) -> Assignment:
        return Assignment(
            item=visit,
            interaction=visit.interaction,
            operator=self.draw.choice(self.operators),
            leg="ended",
            holds=False,
            **fields,
        )

    def keep(self, *, shuffled: int | None = None) -> "History":
        """Write the rows; with a seed in another order (visits and legs of a session keep theirs: they follow each other)."""
        groups = [[session] for session in self.written.sessions]
        if shuffled is not None:
            random.Random(shuffled).shuffle(groups)
        order = {id(group[0]): number for number, group in enumerate(groups)}
        Interaction.objects.bulk_create(group[0] for group in groups)
        self.written.visits.sort(key=lambda visit: order[id(visit.interaction)])
        self.written.legs.sort(key=lambda leg: order[id(leg.interaction)])
        WorkItem.objects.bulk_create(self.written.visits)
        Assignment.objects.bulk_create(self.written.legs)
        Survey.objects.bulk_create(self.written.surveys)
        for message in Message.objects.bulk_create(self.written.messages):
            message.interaction.last_message = message
        Interaction.objects.bulk_update(self.written.sessions, ["last_message"])
        return self

    def forget(self) -> None:
        """Take the rows back."""
        for model in (Message, Survey, Assignment, WorkItem, Interaction):
            model.objects.all().delete()
