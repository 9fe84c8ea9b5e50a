"""A day of a contact center, drawn by a seed: visits and legs of all kinds in the queues of two teams."""

import random
from datetime import datetime, timedelta

from django.utils import timezone

from customers.models import Customer, Identity, Profile
from cxcenter.board.counted import start_of, today
from interactions.models import Channel, Interaction, Thread
from routing.models import Assignment, Entrance, PauseReason, QueueMember, WorkItem
from tests import world

KINDS = ("webchat", "telegram", "voice")


class Day:
    """Two teams with queues and operators, and the visits of today (and some of yesterday, which must not count)."""

    def __init__(self, *, queues: int = 3, operators: int = 4, visits: int = 60, seed: int = 1) -> None:
        self.random = random.Random(seed)
        self.teams = [world.make_team("Support"), world.make_team("Sales")]
        self.supervisor = world.make_user("marina", role="supervisor", team=self.teams[0])
        self.other = world.make_user("oleg", role="supervisor", team=self.teams[1])
        self.channels = [Channel.objects.create(name=f"{kind} line", kind=kind) for kind in KINDS]
        self.queues = [
            world.make_queue(f"Queue {n}", team=self.teams[n % 2], target_s=20 + 10 * n) for n in range(queues)
        ]
        self.operators = [world.make_user(f"op{n}", team=self.teams[n % 2]) for n in range(operators)]
        lunch = PauseReason.objects.create(name="Lunch", name_ru="Обед", limit_min=30)
        for n, user in enumerate(self.operators):
            presence = world.on_duty(user, mode=("available", "pause")[n % 3 == 2])
            presence.reason = lunch if presence.mode == "pause" else None
            presence.since = timezone.now() - timedelta(minutes=n * 20)
            presence.save()
            for queue in self.queues[n % 2 :: 2]:
                QueueMember.objects.create(queue=queue, user=user)
        for queue, channel in zip(self.queues, self.channels, strict=False):
            Entrance.objects.create(channel=channel, queue=queue)
        self.visits([n % 10 == 9 for n in range(visits)])

    def moment(self, yesterday: bool) -> datetime:
        start, now = start_of(today()), timezone.now()
        if yesterday:
            return start - timedelta(seconds=self.random.uniform(1, 3600))
        return start + self.random.random() * (now - start)

    def talk(self, channel: Channel) -> Interaction:
        return self.talks([channel])[0]

    def talks(self, channels: list[Channel]) -> list[Interaction]:
        """Make a session in each of these channels, of a visitor of its own, by a few inserts."""
        count = len(channels)
        customers = Customer.objects.bulk_create(Customer() for _ in range(count))
        profiles = Profile.objects.bulk_create(Profile(customer=one, home=one, source="webchat") for one in customers)
        visitors = (Identity(kind="visitor", value=f"v{self.random.random()}") for _ in range(count))
        threads = Thread.objects.bulk_create(
            Thread(channel=channel, identity=identity, profile=profile)
            for channel, identity, profile in zip(
                channels, Identity.objects.bulk_create(visitors), profiles, strict=True
            )
        )
        return Interaction.objects.bulk_create(
            Interaction(thread=thread, profile=thread.profile, kind=thread.channel.kind) for thread in threads
        )

    def visit(self) -> WorkItem:
        return self.visits([False])[0]

    def visits(self, yesterday: list[bool]) -> list[WorkItem]:
        """Make visits that ended somehow, are in work, or wait."""
        talks = self.talks([self.random.choice(self.channels) for _ in yesterday])
        items = [self.draw(talk, self.moment(past)) for talk, past in zip(talks, yesterday, strict=True)]
        WorkItem.objects.bulk_create(items)
        answered = [item for item in items if item.outcome == "answered"]
        Assignment.objects.bulk_create(self.served(item) for item in answered)
        for item in answered:
            if self.random.random() < 0.8:
                reply = timedelta(seconds=self.random.choice([1, 10, 11, 20, 25, 30, 31]))
                item.interaction.first_reply_at = item.entered_at + reply
        Interaction.objects.bulk_update([item.interaction for item in answered], ["first_reply_at"])
        return items

    def draw(self, talk: Interaction, entered: datetime) -> WorkItem:
        queue = self.random.choice(self.queues)
        wait = timedelta(seconds=self.random.choice([0, 5, 10, 10.5, queue.target_s, queue.target_s + 1, 75, 200, 500]))
        outcome = self.random.choice(["answered"] * 5 + ["abandoned", "blocked", "flowed_out", ""])
        return WorkItem(
            queue=queue,
            interaction=talk,
            visit="left" if outcome else "waiting",
            outcome=outcome,
            entered_at=entered,
            waits_since=entered,
            rank_at=entered,
            left_at=entered + wait if outcome else None,
        )

    def served(self, item: WorkItem) -> Assignment:
        accepted = item.left_at
        ended = self.random.random() < 0.7
        talked = timedelta(seconds=self.random.randint(30, 900))
        wrapped = self.random.choice([None, timedelta(seconds=40)])
        return Assignment(
            item=item,
            interaction=item.interaction,
            operator=self.random.choice(self.operators),
            leg="ended" if ended else "active",
            end="finished" if ended else "",
            accepted_at=accepted,
            ended_at=accepted + talked if ended else None,
            wrapped_at=accepted + talked + wrapped if ended and wrapped else None,
        )
