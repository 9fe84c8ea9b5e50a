"""Whatever an operator's day was like, his intervals follow each other and add up to the time that he was signed in."""

import itertools
import random
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from cxcenter.core import events
from cxcenter.core.errors import CxError
from quality.metrics import presence as times
from routing.actions import legs, offers, presence, reservations
from routing.models import Assignment, PauseReason, Presence, PresenceInterval, Queue

pytestmark = pytest.mark.django_db(transaction=True)


class Day:
    """A day on a clock of its own, with a diary that is written beside the product's."""

    def __init__(self, floor, monkeypatch, seed: int) -> None:
        self.floor, self.chance = floor, random.Random(seed)
        self.now = self.begin = datetime(2028, 2, 29, 23, 40, tzinfo=UTC)
        self.people = [floor.alice, floor.bob]
        self.reasons = [PauseReason.objects.create(name="Lunch", limit_min=1), PauseReason.objects.create(name="Desk")]
        # By operator: (moment, state) after each act.
        self.diary: dict[int, list[tuple[datetime, str]]] = {user.pk: [] for user in self.people}
        self.silent_since: datetime | None = None
        monkeypatch.setattr(timezone, "now", lambda: self.now)

    def live(self, acts: int) -> None:
        """Let things happen, each at a moment of its own."""
        for _ in range(acts):
            self.now += timedelta(
                microseconds=self.chance.choice([1, 999_999, 1_000_000, self.chance.randint(1, 90 * 10**6)])
            )
            act = self.chance.choice([self.state, self.state, self.contact, self.work, self.work, self.sweep, self.sweep,
                                      self.plan, self.force, self.restart, self.vanish])  # fmt: skip
            with suppress(CxError):
                act()
            for user_id, state in Presence.objects.values_list("user_id", "state"):
                if user_id in self.diary:
                    self.diary[user_id].append((self.now, state))

    def state(self, actor=None) -> None:
        user, mode = self.chance.choice(self.people), self.chance.choice(["available", "available", "pause", "offline"])
        reason = self.chance.choice(self.reasons) if mode == "pause" else None
        after, move = self.chance.random() < 0.5, self.chance.random() < 0.5
        presence.set_mode(user=user, mode=mode, reason=reason, after=after, move=move, actor=actor or user)

    def force(self) -> None:
        self.state(actor=self.floor.boss)

    def contact(self) -> None:
        self.floor.chat()

    def work(self) -> None:
        for leg in Assignment.objects.exclude(leg="ended").select_related("operator").order_by("pk")[:3]:
            match leg.leg:
                case "offered":
                    act = self.chance.choice([offers.accept_offer, offers.accept_offer, offers.decline_offer])
                    act(leg_id=leg.pk, actor=leg.operator)
                case "active":
                    legs.finish(interaction_id=leg.interaction_id, actor=leg.operator)
                case "wrapup":
                    legs.wrap_up(leg_id=leg.pk, actor=leg.operator)

    def sweep(self) -> None:
        # Each part may run twice, in any order.
        parts = [
            lambda: offers.expire_offers(self.now),
            lambda: legs.sweep_wrapups(now=self.now),
            lambda: legs.sweep_idle(now=self.now),
            lambda: reservations.sweep_reserved(now=self.now),
            lambda: presence.sweep_returned(now=self.now),
            offers.assign_next,
        ]
        for part in self.chance.sample(parts * 2, 12):
            part()

    def vanish(self) -> None:
        # Nobody's page is heard: who is on duty for longer than the grace time is gone.
        presence.sweep_vanished(now=self.now, steady_since=self.begin)

    def plan(self) -> None:
        begins = self.now + timedelta(seconds=self.chance.randint(0, 60))
        reservations.plan(
            users=[self.chance.choice(self.people)], state=self.chance.choice(["meeting", "training"]), subject="x",
            starts_at=begins, ends_at=begins + timedelta(seconds=self.chance.randint(1, 120)),
            then=self.chance.choice(["available", "pause"]), actor=self.floor.boss,
        )  # fmt: skip

    def restart(self) -> None:
        """Another process goes on: it has nothing but the rows, and was away, so it signs nobody off."""
        connection.close()
        presence.sweep_vanished(now=self.now, steady_since=self.now)
        self.sweep()


def signed_in(diary: list[tuple[datetime, str]]) -> timedelta:
    """The time between entries of a diary in which somebody was signed in."""
    spans = itertools.pairwise(diary)
    return sum((after - at for (at, state), (after, _next) in spans if state != "offline"), timedelta(0))


@pytest.mark.parametrize("seed", range(4))
def test_any_day_adds_up_to_the_login_time(floor, monkeypatch, seed):
    """Over the end of a leap day."""
    Queue.objects.update(offer_s=5, wrapup_s=20)
    for user in (floor.alice, floor.bob):
        Presence.objects.create(user=user, capacity=2)
    told: list = []
    monkeypatch.setattr(events, "_watchers", [lambda _topic, payload, _row: told.append(payload)])
    day = Day(floor, monkeypatch, seed)
    day.live(70)
    for user in day.people:
        rows = list(PresenceInterval.objects.filter(user=user).order_by("started_at", "pk"))
        assert rows and rows[-1].ended_at is None
        for before, after in itertools.pairwise(rows):
            assert before.ended_at == after.started_at and before.started_at <= before.ended_at
            assert (before.state, before.reason_id) != (after.state, after.reason_id), "each is as long as it can be"
        spent = sum(
            ((row.ended_at or day.now) - row.started_at for row in rows if row.state != "offline"), timedelta(0)
        )
        assert spent == signed_in(day.diary[user.pk]), "to the microsecond"
        # The same by the metric, cut into quarters of an hour.
        last = PresenceInterval.objects.filter(pk=rows[-1].pk)
        last.update(ended_at=day.now)
        begins = [day.begin + timedelta(minutes=15) * n for n in range(40)]
        cut = times.totals(
            begins=begins, since=day.begin, until=begins[-1] + timedelta(minutes=15), by=("operator",), only={},
            operators=[user.pk],
        )  # fmt: skip
        assert sum(sums["login_us"] for sums in cut.values()) == spent // timedelta(microseconds=1)
        parts = ("available_us", "handling_us", "pause_us", "meeting_us", "training_us")
        silent = sum((r.ended_at - r.started_at for r in rows[:-1] if r.state == "not_responding"), timedelta(0))
        silent += day.now - rows[-1].started_at if rows[-1].state == "not_responding" else timedelta(0)
        assert sum(sums[part] for sums in cut.values() for part in parts) == (spent - silent) // timedelta(
            microseconds=1
        )
        last.update(ended_at=None)
    # What happened, told again, doubled and in another order, changes no interval.
    Queue.objects.update(paused_until=day.now + timedelta(days=1))
    before = list(PresenceInterval.objects.order_by("pk").values_list())
    again = told * 2
    random.Random(seed).shuffle(again)
    for payload in again:
        for handler in events._handlers[payload.topic]:
            handler(payload)
    assert list(PresenceInterval.objects.order_by("pk").values_list()) == before
    assert len({row.state for row in PresenceInterval.objects.all()}) >= 5, "a day in which much happened"
